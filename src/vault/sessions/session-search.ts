import type { KeyObject } from "node:crypto";
import { hasCode, LogveilError } from "../../errors.ts";
import { capScopeOf } from "../../identity/address.ts";
import type { EpochStatus } from "../../keys/epoch-keys.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Store } from "../../store/store.ts";
import { addressMac } from "../../token/address-mac.ts";
import type { SessionToken } from "../../token/session-token.ts";

export type AddressSearch = {
  /** Canonical. */
  readonly address: string;
  /** Milliseconds since 1970, both inclusive. */
  readonly fromMs: number;
  readonly toMs: number;
};

export type SessionSearchParts = {
  readonly records: Pick<Store["sessions"], "tagsOfAddress">;
  readonly keyring: Pick<Keyring, "epochs" | "addressKeyOf">;
  readonly nowMs: () => number;
};

/** Bounds of one search: two years of hours, and what can still be paged through. */
const MAX_EPOCHS = 20_000;
const MAX_FOUND = 10_000;

/**
 * Tokens that the address had in the epochs that the span touches, newest epoch first, 10,000 at most. Those that the address shared with its
 * network, past the cap on new sessions, are among them. Rejects `search-too-wide` for more than 20,000 epochs.
 */
export async function findSessionsOfAddress(
  { records, keyring, nowMs }: SessionSearchParts,
  { address, fromMs, toMs }: AddressSearch,
): Promise<readonly SessionToken[]> {
  const isTouched = ({ startsAtMs, endsAtMs, expiresAtMs }: EpochStatus) =>
    startsAtMs <= toMs && endsAtMs > fromMs && expiresAtMs > nowMs();
  const epochs = keyring.epochs().filter(isTouched).toReversed();
  if (epochs.length > MAX_EPOCHS) throw new LogveilError("search-too-wide");
  // An IPv6 session that many identities share is entered under its /64, an IPv4 one under the address itself.
  const entries = new Set([address, capScopeOf(address)]);
  const found: SessionToken[] = [];
  for (const { epoch } of epochs) {
    const key = findAddressKey(keyring, epoch);
    if (key === undefined) continue;
    for (const entry of entries) {
      const tags = await records.tagsOfAddress(epoch, addressMac(key, entry));
      found.push(...tags.slice(0, MAX_FOUND).map((tag) => ({ epoch, tag })));
    }
    if (found.length >= MAX_FOUND) return found.slice(0, MAX_FOUND);
  }
  return found;
}

/** Undefined when the epoch has expired since it was listed. */
function findAddressKey(
  keyring: Pick<Keyring, "addressKeyOf">,
  epoch: number,
): KeyObject | undefined {
  try {
    return keyring.addressKeyOf(epoch);
  } catch (error) {
    if (hasCode(error, "epoch-expired")) return undefined;
    throw error;
  }
}
