// Who is known, for every part of the vault that has to do with people: from what a request names them by to a user token, and from
// that to their key and their profile. It reads only; what changes users is in users.ts.

import { LogveilError } from "../../errors.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Documents } from "../../store/documents.ts";
import { LOOKUP_FIELDS } from "./user-index.ts";
import type { LookupField, UserIndex } from "./user-index.ts";
import { createRestrictions } from "../rights/restriction.ts";
import { keyNameOf, openProfile, readUser } from "./user-record.ts";
import type { Profile, StoredUser } from "./user-record.ts";

/** What a request can name a data subject by. */
export type IdentityMode = "token" | LookupField;

export type UserDirectory = {
  /**
   * The user token (UUID, lower case) of a user that exists and is not erased. Undefined for everything else, also for what is no
   * identity of that mode.
   */
  readonly resolve: (mode: IdentityMode, id: string) => Promise<string | undefined>;
  /** The data subject's key (DEK). SECURITY: ask for each operation; a key that is kept outlives the erasure. */
  readonly keyOf: (token: string) => Promise<Buffer | undefined>;
  /** Undefined for an unknown and for an erased user. Rejects `open-failed` for a damaged record. */
  readonly profileOf: (token: string) => Promise<Profile | undefined>;
  /** Whether the record may neither be used nor changed (GDPR Art. 18). */
  readonly isRestricted: (token: string) => Promise<boolean>;
  /** Erased users too. */
  readonly find: (token: string) => Promise<StoredUser | undefined>;
  /** Undefined when the user is erased. Rejects `open-failed`. */
  readonly open: (user: StoredUser) => Promise<OpenedUser | undefined>;
  /** The user token under that key of the index, if the user still exists. */
  readonly ownerOf: (indexKey: string) => Promise<string | undefined>;
};

export type OpenedUser = { readonly profile: Profile; readonly key: Buffer };

export type UserDirectoryParts = {
  readonly documents: Documents;
  readonly subjects: Keyring["subjects"];
  readonly index: UserIndex;
};

const MODES: ReadonlySet<string> = new Set<IdentityMode>(["token", ...LOOKUP_FIELDS]);

/** Any hexadecimal digits: Databunker's UUIDs carry neither version nor variant. */
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** Takes either letter case. */
export function findIdentityMode(text: string): IdentityMode | undefined {
  const mode = text.toLowerCase();
  return MODES.has(mode) ? (mode as IdentityMode) : undefined; // a member of the set just asked
}

/** Takes either letter case. Throws `mode-invalid`. */
export function parseIdentityMode(text: string): IdentityMode {
  const mode = findIdentityMode(text);
  if (mode === undefined) throw new LogveilError("mode-invalid");
  return mode;
}

/** Lower case. Throws `uuid-invalid`. */
export function parseUserToken(text: string): string {
  const token = text.toLowerCase();
  if (!UUID.test(token)) throw new LogveilError("uuid-invalid");
  return token;
}

export function createUserDirectory(parts: UserDirectoryParts): UserDirectory {
  const { documents, subjects, index } = parts;
  const { isRestricted } = createRestrictions(documents);
  const find: UserDirectory["find"] = async (token) => {
    const bytes = await documents.find("user", token);
    return bytes === undefined ? undefined : readUser(token, bytes);
  };
  const keyOfUser = async (user: StoredUser | undefined) =>
    user === undefined || user.isErased
      ? undefined
      : subjects.find(keyNameOf(user.token, user.generation));
  const keyOf: UserDirectory["keyOf"] = async (token) => keyOfUser(await find(token));
  const findLive = async (token: string) =>
    (await keyOf(token)) === undefined ? undefined : token;
  const ownerOf: UserDirectory["ownerOf"] = async (indexKey) => {
    const owner = await documents.find("userIndex", indexKey);
    return owner === undefined ? undefined : findLive(Buffer.from(owner).toString("utf8"));
  };
  const open: UserDirectory["open"] = async (user) => {
    const key = await keyOfUser(user);
    return key === undefined ? undefined : { profile: openProfile(user, key), key };
  };
  return {
    find,
    keyOf,
    ownerOf,
    open,
    resolve: async (mode, id) => {
      if (mode === "token") {
        const token = id.toLowerCase();
        return UUID.test(token) ? findLive(token) : undefined;
      }
      const indexKey = index.keyOf(mode, id);
      return indexKey === undefined ? undefined : ownerOf(indexKey);
    },
    profileOf: async (token) => {
      const user = await find(token);
      return user === undefined ? undefined : (await open(user))?.profile;
    },
    isRestricted,
  };
}
