// The vault: where identities rest, and the one place that opens them. It is asked by callers and answers callers, each time with
// one call of `operate` (operation.ts): permission, look-up and change, event, answer. Two kinds of sessions live here under one sort
// of id: those that the proxy made (proxied-sessions.ts), gone with the key of their epoch, and those that callers store through the API
// (caller-sessions.ts), gone with a key of their own. A caller's session hides a proxied one of the same id.

import type { AuditTrail } from "../audit/trail.ts";
import type { Caller } from "../callers/caller.ts";
import type { Clock } from "../clock.ts";
import { LogveilError } from "../errors.ts";
import type { EventLog } from "../event-log.ts";
import type { Keyring } from "../keys/keyring.ts";
import type { Metrics } from "../metrics.ts";
import type { Store } from "../store/store.ts";
import type { DisclosurePolicy } from "./sessions/disclosure-view.ts";
import { parseExpiration } from "./expiration.ts";
import { operate } from "./operation.ts";
import type { OperationContext } from "./operation.ts";
import { findNamedOwner } from "./sessions/session-owner.ts";
import { createSessionLists } from "./sessions/session-lists.ts";
import type { SessionLists } from "./sessions/session-lists.ts";
import {
  createSessionLookUps,
  requireUnrestricted,
  tellAbout,
} from "./sessions/session-look-ups.ts";
import type { SessionLookUps } from "./sessions/session-look-ups.ts";
import { parseSessionId } from "./sessions/session-id.ts";
import type { SessionShelf } from "./sessions/session-shelf.ts";
import type { TakeTurn } from "./turns.ts";
import type { UserDirectory } from "./users/user-directory.ts";
import { userTurn } from "./users/user-turn.ts";

type SessionData = Readonly<Record<string, unknown>>;

/**
 * Ids are taken as they came with the request, in any spelling. Everything rejects `access-denied` before it looks at anything,
 * `audit-unavailable` when the event cannot be stored, and `store-unavailable` in an outage.
 */
export type Vault = SessionLists &
  SessionLookUps & {
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
    ...createSessionLookUps(options),
    storeSession: createStoring(options),
    removeSession: createRemoval(options),
  };
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
