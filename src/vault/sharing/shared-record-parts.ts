import type { AuditTrail } from "../../audit/trail.ts";
import type { Role } from "../../callers/role.ts";
import type { Clock } from "../../clock.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Documents } from "../../store/documents.ts";
import type { Restrictions } from "../rights/restriction.ts";
import type { SessionShelf } from "../sessions/session-shelf.ts";
import type { SessionView } from "../sessions/session-view.ts";
import type { SharedRecordShelf } from "./shared-record-shelf.ts";
import type { Shown } from "./shared-record.ts";
import type { TakeTurn } from "../turns.ts";
import { findAppRecord } from "../users/user-app-record.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import type { Profile } from "../users/user-record.ts";

export type SharedRecordsParts = {
  readonly documents: Documents;
  readonly trail: Pick<AuditTrail, "append">;
  readonly directory: Pick<UserDirectory, "resolve" | "find" | "keyOf" | "profileOf">;
  readonly restrictions: Pick<Restrictions, "isRestricted">;
  readonly keyring: Pick<Keyring, "subjects" | "callersKey">;
  readonly clock: Clock;
  /** `vault.maxSharedRecord`: default and cap. */
  readonly maxSharedRecordMs: number;
  readonly sessions: Pick<SessionShelf, "find" | "links">;
  /** What `role` sees of a session; SECURITY: `fields` narrow this and nothing widens it. */
  readonly viewFor: (role: Role, view: SessionView) => SessionView;
};

/** What the operations on shared records work with. */
export type SharedRecordsContext = SharedRecordsParts & {
  readonly shelf: SharedRecordShelf;
  /** By the id of a shared record. */
  readonly inTurn: TakeTurn;
};

/** The data subject's key, to seal the audit event with; undefined for a session that the proxy made. */
export async function findKeyOf(
  { directory, keyring }: SharedRecordsContext,
  shown: Shown,
): Promise<Buffer | undefined> {
  if (shown.token !== undefined) return directory.keyOf(shown.token);
  return shown.kind === "session" ? keyring.subjects.find(`session:${shown.session}`) : undefined;
}

/** Whether any of these user tokens and session ids is restricted. */
export async function isAnyRestricted(
  { restrictions }: SharedRecordsContext,
  subjects: readonly string[],
): Promise<boolean> {
  const restricted = await Promise.all(subjects.map(restrictions.isRestricted));
  return restricted.includes(true);
}

/** The record of an app of a user; undefined when there is none. Rejects `open-failed` for a damaged one. */
export async function findAppOf(
  { directory, documents }: SharedRecordsContext,
  token: string,
  app: string,
): Promise<Profile | undefined> {
  const user = await directory.find(token);
  const key = await directory.keyOf(token);
  if (user === undefined || key === undefined) return undefined;
  return findAppRecord(documents, { token, generation: user.generation, app }, key);
}
