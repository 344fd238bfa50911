import type { Caller } from "../../callers/caller.ts";
import type { Documents } from "../../store/documents.ts";
import type { UserDirectory } from "./user-directory.ts";
import { readUser } from "./user-record.ts";
import type { Profile, StoredUser } from "./user-record.ts";

/** When a user is to expire, and how far that has come; undefined when no expiration was ever started. */
export type UserExpiryOf = (
  token: string,
) => Promise<{ readonly endtime: number; readonly expstatus: string } | undefined>;

export type UserRow = {
  readonly token: string;
  readonly profile: Profile;
  readonly endtime?: number;
  readonly expstatus?: string;
};

export type UserPage = {
  /** Erased users too, as Databunker counts, and restricted ones. */
  readonly total: number;
  readonly rows: readonly UserRow[];
};

export type UserListParts = {
  readonly documents: Documents;
  readonly directory: UserDirectory;
  readonly expiryOf?: UserExpiryOf | undefined;
};

/** A record has 256 KiB at most, so this many are read in one go. */
const SLICE = 100;

export type ListUsers = (asked: {
  readonly caller: Caller | undefined;
  readonly offset: number;
  readonly limit: number;
}) => Promise<UserPage>;

/**
 * Walks the whole table to count it: for people, not for requests in a loop. Leaves erased users out of the rows, and restricted ones
 * unless the data-protection officer asks.
 */
export function createUserList(parts: UserListParts): ListUsers {
  return async ({ caller, offset, limit }) => {
    const page: StoredUser[] = [];
    let total = 0;
    for await (const user of lastTokenFirst(parts.documents)) {
      if (total >= offset && page.length < limit) page.push(user);
      total += 1;
    }
    const rows = await Promise.all(page.map((user) => findRow(parts, user, caller)));
    return { total, rows: rows.filter((row) => row !== undefined) };
  };
}

async function* lastTokenFirst(documents: Documents): AsyncGenerator<StoredUser> {
  let to: string | undefined;
  for (;;) {
    const range = { limit: SLICE, reverse: true, ...(to === undefined ? {} : { to }) };
    const slice = await documents.list("user", range);
    for (const { key, value } of slice) yield readUser(key, value);
    to = slice.at(-1)?.key;
    if (slice.length < SLICE) return;
  }
}

async function findRow(
  { directory, expiryOf }: UserListParts,
  user: StoredUser,
  caller: Caller | undefined,
): Promise<UserRow | undefined> {
  const { token } = user;
  // SECURITY: as `requireShowable`; a list is nobody's own record.
  if (caller?.role !== "dpo" && (await directory.isRestricted(token))) return undefined;
  const profile = (await directory.open(user))?.profile;
  return profile && { token, profile, ...(await expiryOf?.(token)) };
}
