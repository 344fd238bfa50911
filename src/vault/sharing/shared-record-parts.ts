import type { AuditTrail } from "../../audit/trail.ts";
import type { Role } from "../../callers/role.ts";
import type { Clock } from "../../clock.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Change, Documents } from "../../store/documents.ts";
import type { Restrictions } from "../rights/restriction.ts";
import type { SessionShelf } from "../sessions/session-shelf.ts";
import type { SessionView } from "../sessions/session-view.ts";
import type { DoomedKeys } from "../doomed-keys.ts";
import type { SharedRecordShelf } from "./shared-record-shelf.ts";
import { keyNameOf } from "./shared-record.ts";
import type { SharedRecordPlaces, Shown } from "./shared-record.ts";
import type { TakeTurn } from "../turns.ts";
import { findAppRecord } from "../users/user-app-record.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import type { Profile } from "../users/user-record.ts";

export type SharedRecordsParts = {
  readonly documents: Documents;
  readonly trail: Pick<AuditTrail, "append" | "admitAnonymous">;
  readonly directory: Pick<UserDirectory, "resolve" | "find" | "keyOf" | "profileOf">;
  readonly restrictions: Pick<Restrictions, "isRestricted">;
  readonly keyring: Pick<Keyring, "subjects" | "callersKey">;
  readonly doomedKeys: Pick<DoomedKeys, "doom" | "carryOut">;
  /** The same as for users. */
  readonly inTurn: TakeTurn;
  readonly clock: Clock;
  /** `vault.maxSharedRecord`: default and cap. */
  readonly maxSharedRecordMs: number;
  readonly sessions: Pick<SessionShelf, "find" | "links">;
  /** What `role` sees of a session; SECURITY: `fields` narrow this and nothing widens it. */
  readonly viewFor: (role: Role, view: SessionView) => SessionView;
};

/** What the operations on shared records work with. */
export type SharedRecordsContext = Omit<SharedRecordsParts, "inTurn"> & {
  readonly shelf: SharedRecordShelf;
  /** By the id of a shared record. */
  readonly inTurn: TakeTurn;
  /** Of users and sessions; taken before the other. */
  readonly inSubjectTurn: TakeTurn;
};

/** How a record ends. Its key is doomed with it, so that it dies whatever happens after the batch. */
export function endingOf(
  { shelf, doomedKeys }: SharedRecordsContext,
  places: SharedRecordPlaces,
): { readonly changes: readonly Change[]; readonly finish: () => Promise<void> } {
  const keyName = keyNameOf(places.id);
  return {
    changes: [...shelf.removal(places), doomedKeys.doom(keyName)],
    finish: () => doomedKeys.carryOut(keyName),
  };
}

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
