// The vault: where identities rest, and the one place that opens them. It is asked by callers and answers callers, each time with
// one call of `operate` (operation.ts): permission, look-up and change, event, answer. Two kinds of sessions live here under one sort
// of id: those that the proxy made (proxied-sessions.ts), gone with the key of their epoch, and those that callers store through the API
// (caller-sessions.ts), gone with a key of their own. A caller's session hides a proxied one of the same id.

import type { AuditTrail } from "../audit/trail.ts";
import type { Caller } from "../callers/caller.ts";
import type { Clock } from "../clock.ts";
import { LogveilError, hasCode } from "../errors.ts";
import type { EventLog } from "../event-log.ts";
import type { Keyring } from "../keys/keyring.ts";
import type { Metrics } from "../metrics.ts";
import type { Store } from "../store/store.ts";
import { gradeSession } from "./sessions/disclosure-view.ts";
import type { DisclosurePolicy } from "./sessions/disclosure-view.ts";
import { parseExpiration } from "./expiration.ts";
import { operate } from "./operation.ts";
import type { OperationContext } from "./operation.ts";
import { findNamedOwner } from "./sessions/session-owner.ts";
import { createSessionLists } from "./sessions/session-lists.ts";
import type { SessionLists } from "./sessions/session-lists.ts";
import { parseSessionId } from "./sessions/session-id.ts";
import type { SessionShelf } from "./sessions/session-shelf.ts";
import type { SessionView } from "./sessions/session-view.ts";
import type { TakeTurn } from "./turns.ts";
import type { UserDirectory } from "./users/user-directory.ts";
import { userTurn } from "./users/user-turn.ts";

type SessionData = Readonly<Record<string, unknown>>;

/**
 * Ids are taken as they came with the request, in any spelling. Everything rejects `access-denied` before it looks at anything,
 * `audit-unavailable` when the event cannot be stored, and `store-unavailable` in an outage.
 */
export type Vault = SessionLists & {
  /**
   * Shows as much as `vault.disclosure` lets the caller's role see; a data subject sees own sessions alone. Rejects `not-found` for unknown
   * and expired alike and for what is no id, `record-restricted`, `open-failed` for a record that is damaged.
   */
  readonly lookUpSession: (
    caller: Caller | undefined,
    id: string,
    reason: string | undefined,
  ) => Promise<SessionView>;
  /**
   * Stores or replaces what `read` gives, and resolves to the canonical id; the member `expiration` says until when, and the first of
   * `login`, `email`, `phone`, `custom`, `token` that is not empty whose it is. Rejects `session-invalid`, `body-missing` when there is
   * nothing, `expiration-invalid`, and what `read` rejects with.
   */
  readonly storeSession: (
    caller: Caller | undefined,
    id: string,
    read: () => Promise<SessionData | undefined>,
  ) => Promise<string>;
  /** Whatever is there under that id, whoever made it; resolves also when there is nothing. Rejects `session-invalid`, `record-restricted`. */
  readonly removeSession: (caller: Caller | undefined, id: string) => Promise<void>;
};

export type VaultOptions = {
  readonly sessions: SessionShelf;
  readonly store: Pick<Store, "sessions">;
  readonly keyring: Pick<Keyring, "epochs" | "addressKeyOf">;
  readonly directory: UserDirectory;
  readonly trail: AuditTrail;
  /** The same as for users. */
  readonly inTurn: TakeTurn;
  readonly clock: Clock;
  /** Default and cap of a session that a caller stores. */
  readonly maxSessionMs: number;
  readonly disclosure: DisclosurePolicy;
  readonly eventLog: EventLog;
  readonly metrics: Pick<Metrics, "sessionLookups">;
};

/** Owns nothing: whoever opened the store and the keyring closes them. */
export function createVault(options: VaultOptions): Vault {
  return {
    ...createSessionLists(options),
    lookUpSession: createLookUp(options),
    storeSession: createStoring(options),
    removeSession: createRemoval(options),
  };
}

function createLookUp(options: VaultOptions): Vault["lookUpSession"] {
  const { trail, sessions, directory, disclosure, eventLog, metrics } = options;
  return async (caller, text, reason) => {
    const permission = "session.look-up";
    const asked = { role: caller?.role ?? "none" };
    try {
      const operation = { caller, permission, title: "get session", reason, who: text } as const;
      const view = await operate(trail, operation, async ({ about }) => {
        const id = findId(text);
        const found = await sessions.find(id);
        await tellAbout(about, directory, found?.owner, id);
        if (found === undefined) throw new LogveilError("not-found");
        await requireUnrestricted(directory, found.owner, id);
        const role = caller?.role ?? "auditor";
        return { result: found.open().map((session) => gradeSession(session, role, disclosure)) };
      });
      metrics.sessionLookups.inc({ ...asked, result: "found" });
      return view;
    } catch (error) {
      if (hasCode(error, "open-failed")) eventLog.emit("store.record-corrupt");
      metrics.sessionLookups.inc({ ...asked, result: resultOf(error) });
      throw error;
    }
  };
}

/** A session of a person is among that person's events, one of nobody has its own. */
async function tellAbout(
  about: (subject: string, key?: Buffer) => void,
  directory: Pick<UserDirectory, "keyOf">,
  owner: string | undefined,
  session: string,
): Promise<void> {
  if (owner === undefined) about(session);
  else about(owner, await directory.keyOf(owner));
}

/**
 * What is restricted is kept and neither used nor removed. Storing goes on: the article excepts it, and a web site that could not keep
 * a person's session would shut them out. Rejects `record-restricted`.
 */
async function requireUnrestricted(
  { isRestricted }: Pick<UserDirectory, "isRestricted">,
  owner: string | undefined,
  session: string,
): Promise<void> {
  const isKept =
    (await isRestricted(session)) || (owner !== undefined && (await isRestricted(owner)));
  if (isKept) throw new LogveilError("record-restricted");
}

/** Databunker does not check the id of a look-up: what is not one is not found. */
function findId(text: string): string {
  try {
    return parseSessionId(text);
  } catch (error) {
    throw hasCode(error, "session-invalid") ? new LogveilError("not-found") : error;
  }
}

function resultOf(error: unknown): string {
  if (hasCode(error, "not-found")) return "not_found";
  const isDenied = (["access-denied", "reason-missing", "too-many-requests"] as const).some(
    (code) => hasCode(error, code),
  );
  return isDenied ? "denied" : "failed";
}

function createStoring(options: VaultOptions): Vault["storeSession"] {
  const { trail, clock, sessions, directory } = options;
  const { stored, links } = sessions;
  const expiresAtOf = createExpiryReading(options);
  return async (caller, text, read) => {
    const operation = {
      caller,
      permission: "session.store",
      title: "create session",
      who: text,
    } as const;
    return operate(trail, operation, async ({ about, hold }) => {
      const id = parseSessionId(text);
      about(id);
      const data = await read();
      if (data === undefined) throw new LogveilError("body-missing");
      const nowMs = clock.now();
      const expiresAtMs = expiresAtOf(data["expiration"], nowMs);
      const owner = await holdOwner(options, data, hold);
      await tellAbout(about, directory, owner, id);
      await hold((act) => stored.inTurn(id, act));
      const view = { session: id, when: Math.floor(nowMs / 1000), data };
      const link = { kind: "stored", session: id, linkedAtMs: nowMs, expiresAtMs } as const;
      const change = await stored.replacementOf(view, expiresAtMs);
      return { result: id, changes: [change, ...(await links.linking(link, owner))] };
    });
  };
}

/**
 * Whose the session is.
 * SECURITY: asked again within the person's turn, which lasts until the link is stored: an erasure comes before it, or finds the session.
 */
async function holdOwner(
  { directory, inTurn }: Pick<VaultOptions, "directory" | "inTurn">,
  data: SessionData,
  hold: OperationContext["hold"],
): Promise<string | undefined> {
  const named = await findNamedOwner(directory, data);
  if (named === undefined) return undefined;
  await hold((act) => inTurn(userTurn(named), act));
  return (await findNamedOwner(directory, data)) === named ? named : undefined;
}

function createExpiryReading({ maxSessionMs, eventLog }: VaultOptions) {
  let hasWarned = false;
  return (value: unknown, nowMs: number): number => {
    const expiration = parseExpiration(value, nowMs, maxSessionMs);
    // Once for each process: a session store posts after every request, and would fill the event log with it.
    if (!expiration.isUnderstood && !hasWarned) eventLog.emit("api.expiration-not-understood");
    hasWarned ||= !expiration.isUnderstood;
    return expiration.expiresAtMs;
  };
}

function createRemoval({ trail, sessions, directory }: VaultOptions): Vault["removeSession"] {
  return (caller, text) => {
    const operation = {
      caller,
      permission: "session.remove",
      title: "delete session",
      who: text,
    } as const;
    return operate(trail, operation, async ({ about, hold }) => {
      const id = parseSessionId(text);
      about(id);
      await hold((act) => sessions.stored.inTurn(id, act));
      const { findOwner } = sessions.links;
      const owner = (await findOwner("stored", id)) ?? (await findOwner("proxied", id));
      await tellAbout(about, directory, owner, id);
      await requireUnrestricted(directory, owner, id);
      const changes = await sessions.removalOf(id);
      return { result: undefined, changes, finish: () => sessions.finishRemoval(id) };
    });
  };
}
