// The vault: where identities rest, and the one place that opens them. It is asked by callers and answers callers: permission
// first, and what leaves leaves through the disclosure (disclosure.ts). Two kinds of sessions live here under one sort of id: those
// that the proxy made (proxied-sessions.ts), gone with the key of their epoch, and those that callers store through the API
// (caller-sessions.ts), gone with a key of their own. A caller's session hides a proxied one of the same id.

import type { Caller } from "../callers/caller.ts";
import type { Clock } from "../clock.ts";
import { LogveilError, hasCode } from "../errors.ts";
import type { EventLog } from "../event-log.ts";
import type { Keyring } from "../keys/keyring.ts";
import type { Metrics } from "../metrics.ts";
import type { Store } from "../store/store.ts";
import { findSessionToken } from "../token/session-token.ts";
import { createCallerSessions } from "./caller-sessions.ts";
import type { CallerSessions } from "./caller-sessions.ts";
import type { Concealed } from "./concealed.ts";
import { disclose, requirePermission } from "./disclosure.ts";
import { parseExpiration } from "./expiration.ts";
import { createProxiedSessions } from "./proxied-sessions.ts";
import type { ProxiedSessions } from "./proxied-sessions.ts";
import type { SessionView } from "./session-view.ts";

/** All ids are canonical (session-id.ts). Everything rejects `access-denied` first, and `store-unavailable` in an outage. */
export type Vault = {
  /** Rejects `not-found` for unknown and expired alike, `open-failed` for a record that is damaged. */
  readonly lookUpSession: (
    caller: Caller,
    id: string,
    reason: string | undefined,
  ) => Promise<SessionView>;
  /** Stores or replaces; the member `expiration` says until when. Rejects `expiration-invalid`. */
  readonly storeSession: (
    caller: Caller,
    id: string,
    data: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
  /** Whatever is there under that id, whoever made it; resolves also when there is nothing. */
  readonly removeSession: (caller: Caller, id: string) => Promise<void>;
};

export type VaultOptions = {
  readonly store: Pick<Store, "sessions" | "callerSessions">;
  readonly keyring: Pick<Keyring, "epochs" | "openerOf" | "subjects">;
  readonly clock: Clock;
  /** Default and cap of a session that a caller stores. */
  readonly maxSessionMs: number;
  readonly eventLog: EventLog;
  readonly metrics: Pick<Metrics, "sessionLookups">;
};

/** Owns nothing: whoever opened the store and the keyring closes them. */
export function createVault(options: VaultOptions): Vault {
  const { store, keyring, clock } = options;
  const proxied = createProxiedSessions({ records: store.sessions, keyring, clock });
  const stored = createCallerSessions({
    records: store.callerSessions,
    subjects: keyring.subjects,
    clock,
  });
  return {
    lookUpSession: createLookUp(options, proxied, stored),
    storeSession: createStoring(options, stored),
    removeSession: async (caller, id) => {
      requirePermission(caller, "session.remove");
      await stored.remove(id);
      const token = findSessionToken(id);
      if (token !== undefined) await proxied.remove(token);
    },
  };
}

function createLookUp(
  { eventLog, metrics }: VaultOptions,
  proxied: ProxiedSessions,
  stored: CallerSessions,
): Vault["lookUpSession"] {
  const open = async (id: string): Promise<Concealed<SessionView>> => {
    const token = findSessionToken(id);
    const session =
      (await stored.find(id)) ?? (token === undefined ? undefined : await proxied.find(token));
    if (session === undefined) throw new LogveilError("not-found");
    return session;
  };
  return async (caller, id, reason) => {
    const request = { caller, permission: "session.look-up", subject: id, reason } as const;
    try {
      const session = await disclose(request, () => open(id));
      metrics.sessionLookups.inc({ result: "found" });
      return session;
    } catch (error) {
      if (hasCode(error, "open-failed")) eventLog.emit("store.record-corrupt");
      metrics.sessionLookups.inc({ result: resultOf(error) });
      throw error;
    }
  };
}

function resultOf(error: unknown): string {
  if (hasCode(error, "not-found")) return "not_found";
  return hasCode(error, "access-denied") ? "denied" : "failed";
}

function createStoring(options: VaultOptions, stored: CallerSessions): Vault["storeSession"] {
  const { clock, maxSessionMs, eventLog } = options;
  let hasWarned = false;
  return async (caller, id, data) => {
    requirePermission(caller, "session.store");
    const nowMs = clock.now();
    const expiration = parseExpiration(data["expiration"], nowMs, maxSessionMs);
    // Once for each process: a session store posts after every request, and would fill the event log with it.
    if (!expiration.isUnderstood && !hasWarned) eventLog.emit("api.expiration-not-understood");
    hasWarned ||= !expiration.isUnderstood;
    const view = { session: id, when: Math.floor(nowMs / 1000), data };
    await stored.put(view, expiration.expiresAtMs);
  };
}
