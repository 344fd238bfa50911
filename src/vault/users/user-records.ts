// How user records are made and changed: what goes into the batch, for whoever has the permission to store it with its event. A change
// holds the turn of the user and of every index key that it gives or takes, from the reading to the storing; so two changes of one
// user come one after the other, and of two users who want one e-mail address one gets it.

import { LogveilError } from "../../errors.ts";
import type { ErrorCode } from "../../errors.ts";
import { randomUuid } from "../../keys/secure-random.ts";
import type { Change } from "../../store/documents.ts";
import { findPatched, requireBounded } from "./record-patch.ts";
import type { RecordPatch } from "./record-patch.ts";
import type { OpenedUser } from "./user-directory.ts";
import type { UserFollower } from "./user-follower.ts";
import { LOOKUP_FIELDS } from "./user-index.ts";
import type { LookupField } from "./user-index.ts";
import type { Hold, UserParts } from "./user-parts.ts";
import { encodeUser, keyNameOf } from "./user-record.ts";
import type { Profile, StoredUser, UserState } from "./user-record.ts";
import { userTurn } from "./user-turn.ts";

export type NewUser = {
  readonly token: string;
  readonly key: Buffer;
  readonly changes: readonly Change[];
};

/** A change that is allowed and not yet made. Holds the user's turn. */
export type DraftedChange = {
  readonly user: StoredUser;
  readonly key: Buffer;
  readonly before: Profile;
  readonly after: Profile;
};

export type UserRecords = {
  /**
   * Makes the user's key, and what else has to be stored. Rejects `user-schema-violated`, `duplicate-login` (`-email`, `-phone`,
   * `-custom`), `lookup-fields-missing`, `record-too-large`. When the changes are not stored after all, `discard` takes the key back.
   */
  readonly create: (profile: Profile, hold: Hold) => Promise<NewUser>;
  readonly discard: (token: string) => Promise<void>;
  /** Rejects `user-missing`, `record-restricted`, `patch-failed`, `user-schema-violated-on-change`, `record-too-large`. */
  readonly draftChange: (token: string, patch: RecordPatch, hold: Hold) => Promise<DraftedChange>;
  /** What has to be stored. Rejects `duplicate-on-change`. */
  readonly change: (draft: DraftedChange, hold: Hold) => Promise<readonly Change[]>;
};

const DUPLICATE: Readonly<Record<LookupField, ErrorCode>> = {
  login: "duplicate-login",
  email: "duplicate-email",
  phone: "duplicate-phone",
  custom: "duplicate-custom",
};

export function createUserRecords(parts: UserParts): UserRecords {
  return {
    create: (profile, hold) => create(parts, profile, hold),
    discard: async (token) => {
      await parts.subjects.destroy(keyNameOf(token, 0));
    },
    draftChange: (token, patch, hold) => draftChange(parts, token, patch, hold),
    change: (draft, hold) => change(parts, draft, hold),
  };
}

/** Rejects `record-restricted` for what may neither be used nor changed (GDPR Art. 18). */
export async function requireUnrestricted(
  { directory }: Pick<UserParts, "directory">,
  token: string,
): Promise<void> {
  if (await directory.isRestricted(token)) throw new LogveilError("record-restricted");
}

async function create(parts: UserParts, profile: Profile, hold: Hold): Promise<NewUser> {
  const { directory, index, schema, subjects, followers } = parts;
  requireBounded(profile);
  schema.check(profile);
  const keys = index.keysOf(profile);
  await hold([...keys.values()].map(indexTurn));
  for (const field of LOOKUP_FIELDS) {
    const indexKey = keys.get(field);
    const owner = indexKey === undefined ? undefined : await directory.ownerOf(indexKey);
    if (owner !== undefined) throw new LogveilError(DUPLICATE[field]);
  }
  if (keys.size === 0) throw new LogveilError("lookup-fields-missing");
  const token = randomUuid();
  const key = await subjects.create(keyNameOf(token, 0));
  const state = { counter: 1, generation: 0, indexKeys: [...keys.values()] };
  const user = { token, profile, key };
  const changes = [
    recordChange(token, state, profile, key),
    ...state.indexKeys.map((indexKey) => indexChange(indexKey, token)),
    ...(await follow(followers, (follower) => follower.created?.(user))),
    ...(await parts.notify({
      action: "profilenew",
      identity: token,
      mode: "token",
      subject: token,
      details: { profile },
    })),
  ];
  return { token, key, changes };
}

async function draftChange(
  parts: UserParts,
  token: string,
  patch: RecordPatch,
  hold: Hold,
): Promise<DraftedChange> {
  const { directory, schema } = parts;
  await hold(userTurn(token));
  const user = await directory.find(token);
  const opened = user === undefined ? undefined : await directory.open(user);
  if (user === undefined || opened === undefined) throw new LogveilError("user-missing");
  await requireUnrestricted(parts, token);
  const after = patched(parts, opened, patch);
  schema.checkChange(opened.profile, after);
  return { user, key: opened.key, before: opened.profile, after };
}

function patched({ schema }: UserParts, { profile }: OpenedUser, patch: RecordPatch): Profile {
  const after = findPatched(profile, patch);
  if (after !== undefined) return after;
  if (!schema.isGiven) throw new LogveilError("patch-failed");
  throw new LogveilError("user-schema-violated-on-change", { detail: "JSON Patch" });
}

async function change(
  parts: UserParts,
  { user, key, before, after }: DraftedChange,
  hold: Hold,
): Promise<readonly Change[]> {
  const { token, counter, generation } = user;
  const { directory, index, followers } = parts;
  const indexKeys = [...index.keysOf(after).values()];
  const given = indexKeys.filter((indexKey) => !user.indexKeys.includes(indexKey));
  const taken = user.indexKeys.filter((indexKey) => !indexKeys.includes(indexKey));
  await hold([...given, ...taken].map(indexTurn));
  for (const indexKey of given)
    if ((await directory.ownerOf(indexKey)) !== undefined)
      throw new LogveilError("duplicate-on-change");
  const state = { counter: counter + 1, generation, indexKeys };
  const changed = { token, profile: after, key, before };
  return [
    recordChange(token, state, after, key),
    ...given.map((indexKey) => indexChange(indexKey, token)),
    ...taken.map((indexKey) => indexChange(indexKey, undefined)),
    ...(await follow(followers, (follower) => follower.changed?.(changed))),
    ...(await parts.notify({
      action: "profilechange",
      identity: token,
      mode: "token",
      subject: token,
      details: { old: before, profile: after },
    })),
  ];
}

async function follow(
  followers: readonly UserFollower[],
  ask: (follower: UserFollower) => Promise<readonly Change[]> | undefined,
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const follower of followers) changes.push(...((await ask(follower)) ?? []));
  return changes;
}

export function indexTurn(indexKey: string): string {
  return `index/${indexKey}`;
}

export function recordChange(
  token: string,
  state: Omit<UserState, "isErased">,
  profile: Profile,
  key: Buffer,
): Change {
  return { table: "user", key: token, value: encodeUser(token, state, profile, key) };
}

/** The index key leads to `token`, or to nobody. */
export function indexChange(indexKey: string, token: string | undefined): Change {
  const value = token === undefined ? undefined : Buffer.from(token);
  return { table: "userIndex", key: indexKey, value };
}
