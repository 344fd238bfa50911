import type { Caller } from "../../callers/caller.ts";
import { LogveilError } from "../../errors.ts";
import type { OperationContext } from "../operation.ts";
import { findIdentityMode, parseIdentityMode, parseUserToken } from "./user-directory.ts";
import type { UserDirectory } from "./user-directory.ts";
import type { StoredUser } from "./user-record.ts";

/** A request about one user, as it came: nothing of it has been looked at. */
export type NamedUser = {
  readonly caller: Caller | undefined;
  readonly mode: string;
  readonly id: string;
  /** Why, in the caller's words. */
  readonly reason?: string | undefined;
};

/** `title` with the way in which the user was named; never with what came in its place. */
export function titleBy(title: string, { mode }: NamedUser): string {
  return `${title} by ${findIdentityMode(mode) ?? "unknown mode"}`;
}

/**
 * The user of a request, erased ones too, noted in the event. Rejects `mode-invalid`, `uuid-invalid`, `not-found`, and `access-denied`
 * for a data subject who asks about somebody else.
 */
export async function locateUser(
  directory: UserDirectory,
  request: NamedUser,
  about: OperationContext["about"],
): Promise<StoredUser> {
  const user = await findLocatedUser(directory, request, about);
  if (user === undefined) throw new LogveilError("not-found");
  return user;
}

/** As `locateUser`, undefined where there is nobody. */
export async function findLocatedUser(
  directory: UserDirectory,
  { mode: text, id }: NamedUser,
  about: OperationContext["about"],
): Promise<StoredUser | undefined> {
  const mode = parseIdentityMode(text);
  const token = mode === "token" ? parseUserToken(id) : await directory.resolve(mode, id);
  const user = token === undefined ? undefined : await directory.find(token);
  if (user !== undefined) about(user.token, await directory.keyOf(user.token));
  return user;
}

/** A restricted record (GDPR Art. 18) is shown to the data subject and to the data-protection officer alone. Rejects `record-restricted`. */
export async function requireShowable(
  directory: UserDirectory,
  token: string,
  caller: Caller | undefined,
): Promise<void> {
  if (caller?.role === "login" || caller?.role === "dpo") return;
  if (await directory.isRestricted(token)) throw new LogveilError("record-restricted");
}
