// Who may let somebody else see what, and the record that comes of it.

import type { Caller } from "../../callers/caller.ts";
import { isPermitted } from "../../callers/role.ts";
import { LogveilError } from "../../errors.ts";
import { randomUuid } from "../../keys/secure-random.ts";
import { Concealed } from "../concealed.ts";
import { operate } from "../operation.ts";
import type { OperationContext, Outcome } from "../operation.ts";
import { parseSessionId } from "../sessions/session-id.ts";
import { sessionTurn } from "../sessions/session-turn.ts";
import { findAppOf, findKeyOf, isAnyRestricted } from "./shared-record-parts.ts";
import type { SharedRecordsContext } from "./shared-record-parts.ts";
import { parseTerms } from "./shared-record-terms.ts";
import type { SharedRecordTerms } from "./shared-record-terms.ts";
import { findRecordId } from "./shared-record.ts";
import type { SharedRecord, Shown } from "./shared-record.ts";
import { readStated } from "../stated-reason.ts";
import type { Members, Stated, StatedRequest } from "../stated-reason.ts";
import { findIdentityMode, parseIdentityMode, parseUserToken } from "../users/user-directory.ts";
import { userTurn } from "../users/user-turn.ts";

export type ShareRequest = StatedRequest & { readonly mode: string; readonly id: string };

export type ShareSessionRequest = StatedRequest & { readonly session: string };

/** A profile, an app or a session of a user record. Resolves the bearer token. */
export async function shareUser(
  parts: SharedRecordsContext,
  { mode: modeText, id, ...request }: ShareRequest,
): Promise<string> {
  const { caller } = request;
  const permission = "shared.create";
  const stated = await readStated(request, permission);
  const { reason } = stated;
  const mode = findIdentityMode(modeText);
  const title = `create shareable record by ${mode ?? "unknown mode"}`;
  const operation = { caller, permission, title, mode, who: id, reason } as const;
  return operate(parts.trail, operation, async (context) => {
    const chosen = await chooseHeld(parts, context, async () => {
      const token = await resolveUser(parts, modeText, id, context);
      const terms = termsOf(parts, stated.members());
      return { ...(await chooseShown(parts, token, terms, caller)), terms };
    });
    return storeShared(parts, { ...chosen, caller, stated });
  });
}

/** A session, linked or anonymous. Resolves the bearer token. */
export async function shareSession(
  parts: SharedRecordsContext,
  { session: text, ...request }: ShareSessionRequest,
): Promise<string> {
  const { caller } = request;
  const permission = "session.share";
  const stated = await readStated(request, permission);
  const { reason } = stated;
  const title = "create shareable record by session";
  const operation = { caller, permission, title, mode: "session", who: text, reason } as const;
  return operate(parts.trail, operation, async (context) => {
    const session = parseSessionId(text);
    const shown = { kind: "session", session } as const;
    const chosen = await chooseHeld(parts, context, async () => {
      context.about(session, await findKeyOf(parts, shown));
      const found = await parts.sessions.find(session);
      if (found === undefined) throw new LogveilError("not-found");
      const subjects = found.owner === undefined ? [session] : [session, found.owner];
      await requireUnrestricted(parts, subjects);
      return { shown, subjects, terms: termsOf(parts, stated.members()) };
    });
    return storeShared(parts, { ...chosen, caller, stated });
  });
}

/**
 * SECURITY: chosen again within the turns of everybody whom it shows, which last until the record is stored: an erasure comes before it, or
 * finds it. Rejects `not-found` when it has become somebody else's meanwhile.
 */
async function chooseHeld<Choice extends Chosen>(
  { inSubjectTurn }: SharedRecordsContext,
  { hold }: OperationContext,
  choose: () => Promise<Choice>,
): Promise<Choice> {
  const held = new Set((await choose()).subjects);
  const turns = [...held].flatMap((subject) => [userTurn(subject), sessionTurn(subject)]);
  await hold((act) => inSubjectTurn(turns, act));
  const chosen = await choose();
  if (!chosen.subjects.every((subject) => held.has(subject))) throw new LogveilError("not-found");
  return chosen;
}

async function resolveUser(
  parts: SharedRecordsContext,
  text: string,
  id: string,
  context: OperationContext,
): Promise<string> {
  const mode = parseIdentityMode(text);
  const token = await parts.directory.resolve(mode, mode === "token" ? parseUserToken(id) : id);
  if (token === undefined) throw new LogveilError("not-found");
  context.about(token, await parts.directory.keyOf(token));
  await requireUnrestricted(parts, [token]);
  return token;
}

const APP_NAME = /^[a-z][a-z0-9_]{1,30}$/;

/** What is shown, and everybody whose erasure takes it away. */
type Chosen = { readonly shown: Shown; readonly subjects: readonly string[] };

async function chooseShown(
  parts: SharedRecordsContext,
  token: string,
  { app, session }: SharedRecordTerms,
  caller: Caller | undefined,
): Promise<Chosen> {
  const subjects = [token];
  if (session !== undefined) return chooseSession(parts, token, session, caller);
  if (app === undefined) return { shown: { kind: "profile", token }, subjects };
  if (!APP_NAME.test(app)) throw new LogveilError("shared-app-unknown");
  const found = await findAppOf(parts, token, app);
  if (found === undefined) throw new LogveilError("shared-app-missing");
  return { shown: { kind: "app", token, app }, subjects };
}

/** SECURITY: own sessions only, unless the caller may share any; to others one that is not there and a foreign one look alike. */
async function chooseSession(
  parts: SharedRecordsContext,
  token: string,
  text: string,
  caller: Caller | undefined,
): Promise<Chosen> {
  const session = parseSessionId(text);
  const found = await parts.sessions.find(session);
  const mayShareAny = caller !== undefined && isPermitted(caller.role, "session.share");
  if (found?.owner !== token && !mayShareAny) throw new LogveilError("access-denied");
  if (found === undefined) throw new LogveilError("not-found");
  // Root may have named somebody else than whom the session belongs to.
  const owners = found.owner === undefined ? [] : [found.owner];
  const subjects = [...new Set([token, session, ...owners])];
  await requireUnrestricted(parts, subjects);
  return { shown: { kind: "session", session, token }, subjects };
}

async function requireUnrestricted(
  parts: SharedRecordsContext,
  subjects: readonly string[],
): Promise<void> {
  if (await isAnyRestricted(parts, subjects)) throw new LogveilError("record-restricted");
}

function termsOf({ clock, maxSharedRecordMs }: SharedRecordsContext, members: Members) {
  return parseTerms(members, clock.now(), maxSharedRecordMs);
}

type Asked = Chosen & {
  readonly terms: SharedRecordTerms;
  readonly caller: Caller | undefined;
  readonly stated: Stated;
};

async function storeShared(
  parts: SharedRecordsContext,
  { shown, subjects, terms, caller, stated }: Asked,
): Promise<Outcome<string>> {
  const bearer = randomUuid();
  const id = findRecordId(parts.keyring.callersKey, bearer);
  // The permission has been checked and the bearer is a UUID: this is for the types.
  if (caller === undefined || id === undefined) throw new LogveilError("access-denied");
  const { fields, expiresAtMs, usesLeft, partner } = terms;
  const record: SharedRecord = {
    id,
    createdMs: parts.clock.now(),
    expiresAtMs,
    subjects,
    shown,
    fields,
    creator: { name: caller.name, role: caller.role },
    reason: stated.reason?.trim(),
    partner,
    usesLeft,
  };
  return {
    result: new Concealed(bearer),
    changes: await parts.shelf.storing(record),
    message: id,
  };
}
