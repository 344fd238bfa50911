// Sessions that the proxy made: sealed to their epoch's public key by the data plane, opened here with the private half.

import type { Clock } from "../clock.ts";
import { hasCode } from "../errors.ts";
import type { Keyring } from "../keys/keyring.ts";
import type { Store } from "../store/store.ts";
import { decodeIdentity } from "../token/identity-record.ts";
import type { IdentityRecord } from "../token/identity-record.ts";
import { formatUuid } from "../token/session-token.ts";
import type { SessionToken } from "../token/session-token.ts";
import { Concealed } from "./concealed.ts";
import type { SessionView } from "./session-view.ts";

export type ProxiedSessions = {
  /** Undefined for an unknown and for an expired one alike. Rejects `open-failed` for a damaged one. */
  readonly find: (token: SessionToken) => Promise<Concealed<SessionView> | undefined>;
  /** The record and its entry in the address index; nothing happens when there is none. */
  readonly remove: (token: SessionToken) => Promise<void>;
};

export type ProxiedSessionsParts = {
  readonly records: Store["sessions"];
  readonly keyring: Pick<Keyring, "epochs" | "openerOf">;
  readonly clock: Clock;
};

export function createProxiedSessions(parts: ProxiedSessionsParts): ProxiedSessions {
  return {
    find: async (token) => {
      const identity = await findIdentity(parts, token);
      return identity === undefined ? undefined : new Concealed(viewOf(token, identity));
    },
    remove: ({ epoch, tag }) => parts.records.remove(epoch, tag),
  };
}

async function findIdentity(
  { records, keyring, clock }: ProxiedSessionsParts,
  token: SessionToken,
): Promise<IdentityRecord | undefined> {
  if (!isLive(keyring, token.epoch, clock)) return undefined;
  const record = await records.find(token.epoch, token.tag);
  if (record === undefined) return undefined;
  try {
    const opener = await keyring.openerOf(token.epoch);
    return decodeIdentity(await opener.open(token.tag, record));
  } catch (error) {
    // The epoch may have ended while its record was being read: that is expiry, not damage.
    if (hasCode(error, "epoch-expired") || !isLive(keyring, token.epoch, clock)) return undefined;
    throw error;
  }
}

/** SECURITY: asked at every look-up, so that nothing that is kept ready in memory outlives its epoch. */
function isLive(keyring: Pick<Keyring, "epochs">, epoch: number, clock: Clock): boolean {
  const status = keyring.epochs().find((status) => status.epoch === epoch);
  return status !== undefined && status.expiresAtMs > clock.now();
}

function viewOf(token: SessionToken, identity: IdentityRecord): SessionView {
  const { seenAtMs, address, userAgent, cookie, host } = identity;
  return {
    session: formatUuid(token),
    when: Math.floor(seenAtMs / 1000),
    data: { clientip: address, "user-agent": userAgent, cookie, host },
  };
}
