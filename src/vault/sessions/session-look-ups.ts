// From a session token, or an identity that a log line carries sealed, to the identity: permission, reason, audit and disclosure are the
// same for both.

import type { AuditTrail } from "../../audit/trail.ts";
import type { Caller } from "../../callers/caller.ts";
import { LogveilError, hasCode } from "../../errors.ts";
import type { EventLog } from "../../event-log.ts";
import type { Metrics } from "../../metrics.ts";
import { findSealedIdentity } from "../../token/sealed-identity.ts";
import { formatUuid } from "../../token/session-token.ts";
import { operate } from "../operation.ts";
import type { Operation } from "../operation.ts";
import { readStated } from "../stated-reason.ts";
import type { Members, StatedRequest } from "../stated-reason.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import { gradeSession } from "./disclosure-view.ts";
import type { DisclosurePolicy } from "./disclosure-view.ts";
import { parseSessionId } from "./session-id.ts";
import type { FoundSession, SessionShelf } from "./session-shelf.ts";
import type { SessionView } from "./session-view.ts";

export type SessionLookUps = {
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
   * The same for what a log line carries (`identity.sealed`): the body holds `sealed`, the sealed identity or the whole line, and `reason`.
   * Rejects `sealed-invalid` for what holds none; `not-found` for expired, erased and altered alike, `record-restricted`.
   */
  readonly openSealedSession: (request: StatedRequest) => Promise<SessionView>;
};

export type SessionLookUpsParts = {
  readonly sessions: SessionShelf;
  readonly directory: UserDirectory;
  readonly trail: AuditTrail;
  readonly disclosure: DisclosurePolicy;
  readonly eventLog: EventLog;
  readonly metrics: Pick<Metrics, "sessionLookups">;
};

export function createSessionLookUps(parts: SessionLookUpsParts): SessionLookUps {
  const { sessions } = parts;
  return {
    lookUpSession: (caller, text, reason) =>
      disclose(parts, { caller, title: "get session", reason, who: text }, async () => {
        const id = findId(text);
        return { id, found: await sessions.find(id) };
      }),
    openSealedSession: async (request) => {
      const { reason, members } = await readStated(request, "session.look-up");
      const { caller } = request;
      return disclose(parts, { caller, title: "open sealed session", reason }, () =>
        openSealed(sessions, members()),
      );
    },
  };
}

type Sought = {
  /** Canonical. */
  readonly id: string;
  readonly found: Pick<FoundSession, "owner" | "open"> | undefined;
};

async function disclose(
  { trail, directory, disclosure, eventLog, metrics }: SessionLookUpsParts,
  asked: Omit<Operation, "permission">,
  seek: () => Promise<Sought>,
): Promise<SessionView> {
  const { caller } = asked;
  const label = { role: caller?.role ?? "none" };
  try {
    const operation = { ...asked, permission: "session.look-up" } as const;
    const view = await operate(trail, operation, async ({ about }) => {
      const { id, found } = await seek();
      await tellAbout(about, directory, found?.owner, id);
      if (found === undefined) throw new LogveilError("not-found");
      await requireUnrestricted(directory, found.owner, id);
      const role = caller?.role ?? "auditor";
      return { result: found.open().map((session) => gradeSession(session, role, disclosure)) };
    });
    metrics.sessionLookups.inc({ ...label, result: "found" });
    return view;
  } catch (error) {
    if (hasCode(error, "open-failed")) eventLog.emit("store.record-corrupt");
    metrics.sessionLookups.inc({ ...label, result: resultOf(error) });
    throw error;
  }
}

async function openSealed(
  { proxied, links }: Pick<SessionShelf, "proxied" | "links">,
  { sealed: text }: Members,
): Promise<Sought> {
  const sealed = typeof text === "string" ? findSealedIdentity(text) : undefined;
  if (sealed === undefined) throw new LogveilError("sealed-invalid");
  const id = formatUuid(sealed.token);
  const owner = await links.findOwner("proxied", id);
  const view = await proxied.openSealed(sealed);
  return { id, found: view === undefined ? undefined : { owner, open: () => view } };
}

/** A session of a person is among that person's events, one of nobody has its own. */
export async function tellAbout(
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
export async function requireUnrestricted(
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
