// Sessions that the proxy made: sealed to their epoch's public key by the data plane, opened here with the private half. Under
// a second layer (keys/session-trees.ts) each has a key of its own, so that one can be erased while its epoch lives.

import type { Clock } from "../../clock.ts";
import { hasCode } from "../../errors.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Change } from "../../store/documents.ts";
import type { Store } from "../../store/store.ts";
import { decodeIdentity } from "../../token/identity-record.ts";
import type { IdentityRecord } from "../../token/identity-record.ts";
import { formatUuid } from "../../token/session-token.ts";
import type { SealedIdentity } from "../../token/sealed-identity.ts";
import type { SessionToken } from "../../token/session-token.ts";
import { Concealed } from "../concealed.ts";
import type { DoomedKeys } from "../doomed-keys.ts";
import { proxiedKeyName } from "./session-keys.ts";
import type { SessionView } from "./session-view.ts";

export type ProxiedSessions = {
  /** Undefined for an unknown and for an expired one alike. Rejects `open-failed` for a damaged one. */
  readonly find: (token: SessionToken) => Promise<Concealed<SessionView> | undefined>;
  /**
   * The identity that a log line carries sealed; nothing need be stored of it. Undefined when it does not open, whether its epoch has
   * expired, its session was erased, or it was altered.
   */
  readonly openSealed: (sealed: SealedIdentity) => Promise<Concealed<SessionView> | undefined>;
  /** Makes ready what removes the record and its entry in the address index; its key dies when that is committed, in `destroyKey`. */
  readonly removalOf: (token: SessionToken) => Promise<readonly Change[]>;
  readonly destroyKey: (token: SessionToken) => Promise<void>;
};

export type ProxiedSessionsParts = {
  readonly records: Store["sessions"];
  readonly keyring: Pick<Keyring, "epochs" | "openerOf" | "sessionTrees">;
  readonly doomedKeys: DoomedKeys;
  readonly clock: Clock;
  /** Whether lines carry sealed identities: a session without a record may then have lines that open. */
  readonly hasSealedLines: boolean;
};

export function createProxiedSessions(parts: ProxiedSessionsParts): ProxiedSessions {
  return {
    find: async (token) => {
      const identity = await findIdentity(parts, token);
      return identity === undefined ? undefined : new Concealed(viewOf(token, identity));
    },
    openSealed: async (sealed) => {
      const identity = await openSealed(parts, sealed);
      return identity === undefined ? undefined : new Concealed(viewOf(sealed.token, identity));
    },
    removalOf: async (token) => {
      const { epoch, tag } = token;
      const removal = await parts.records.removalOf(epoch, tag);
      const isStored = "operations" in removal && removal.operations.length > 0;
      const hasKey =
        isStored || (parts.hasSealedLines && isLive(parts.keyring, epoch, parts.clock));
      const doom = hasKey ? [parts.doomedKeys.doom(proxiedKeyName(formatUuid(token)))] : [];
      return isStored ? [removal, ...doom] : doom;
    },
    destroyKey: (token) => parts.doomedKeys.carryOut(proxiedKeyName(formatUuid(token))),
  };
}

async function findIdentity(
  { records, keyring, clock }: ProxiedSessionsParts,
  token: SessionToken,
): Promise<IdentityRecord | undefined> {
  if (!isLive(keyring, token.epoch, clock)) return undefined;
  const stored = await records.find(token.epoch, token.tag);
  if (stored === undefined) return undefined;
  try {
    const opener = await keyring.openerOf(token.epoch);
    const record = await keyring.sessionTrees.uncover(token.epoch, token.tag, stored);
    return decodeIdentity(await opener.open(token.tag, record));
  } catch (error) {
    // The epoch may have ended while its record was being read: that is expiry, not damage.
    if (hasCode(error, "epoch-expired") || !isLive(keyring, token.epoch, clock)) return undefined;
    // Or the session was erased: its record goes before its key.
    const after = await records.find(token.epoch, token.tag);
    if (after === undefined || Buffer.compare(after, stored) !== 0) return undefined;
    throw error;
  }
}

async function openSealed(
  { keyring, doomedKeys, clock }: ProxiedSessionsParts,
  { token, record }: SealedIdentity,
): Promise<IdentityRecord | undefined> {
  const { epoch, tag } = token;
  if (!isLive(keyring, epoch, clock)) return undefined;
  // SECURITY: erased in the trail, and the crash that came before its key had died is not made good yet.
  if (await doomedKeys.isDoomed(proxiedKeyName(formatUuid(token)))) return undefined;
  try {
    const opener = await keyring.openerOf(epoch);
    const uncovered = await keyring.sessionTrees.uncover(epoch, tag, record);
    // SECURITY: what never had the layer could not be erased, and the data plane writes none.
    if (uncovered === record) return undefined;
    return decodeIdentity(await opener.open(tag, uncovered, "logveil sealed identity"));
  } catch (error) {
    // It came from a caller: damage is no news of ours, and looks like erasure, which leaves a key that opens nothing.
    if (hasCode(error, "open-failed") || hasCode(error, "epoch-expired")) return undefined;
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
