// How a user is erased. In one batch with the event: the record shrinks to a header without a name in it, the index forgets, the apps
// go, the key is doomed (doomed-keys.ts), and a note says that other parts of the vault hold something of this person. Then the key is
// destroyed and those parts are asked. A crash anywhere in between is made good by `resume`.

import { LogveilError } from "../../errors.ts";
import type { Change } from "../../store/documents.ts";
import type { HoldingPart } from "../rights/holdings.ts";
import { resumeEach } from "../resumption.ts";
import { appRemovals } from "./user-app-record.ts";
import type { Hold, UserParts } from "./user-parts.ts";
import { encodeErasedUser, keyNameOf } from "./user-record.ts";
import type { Profile, StoredUser } from "./user-record.ts";
import { indexChange, indexTurn, recordChange } from "./user-records.ts";
import { userTurn } from "./user-turn.ts";

export type UserErasure = {
  /**
   * What has to be stored, under the user's turn. Rejects `not-found`, `user-erased` and `record-restricted`. What the schema
   * marks `preserve` goes on as a smaller record under a new key.
   */
  readonly prepare: (token: string, hold: Hold) => Promise<readonly Change[]>;
  /** After that is stored: destroys the key, then what others hold. Calling it again does no harm. */
  readonly finish: (token: string) => Promise<void>;
  /** Finishes what a crash, or a full disk, has interrupted; resolves how many those were. One that fails stops none of the others. */
  readonly resume: () => Promise<number>;
};

export type UserErasureParts = Omit<UserParts, "trail" | "requests" | "selfService"> & {
  /** All parts that hold something of users. */
  readonly holdings: readonly HoldingPart[];
};

const NOTE = "user.erasing/";

export function createUserErasure(parts: UserErasureParts): UserErasure {
  const { documents, doomedKeys } = parts;
  // Not the record: it is done with, and what the schema preserves of it must survive.
  const holdings = parts.holdings.filter(({ kind }) => kind !== "profile");
  const finish: UserErasure["finish"] = async (token) => {
    const note = await documents.find("meta", NOTE + token);
    if (note === undefined) return;
    await doomedKeys.carryOut(Buffer.from(note).toString("utf8"));
    for (const holding of holdings) {
      const { changes = [] } = await holding.eraseOf(token);
      await documents.commit(changes);
    }
    await documents.commit([{ table: "meta", key: NOTE + token, value: undefined }]);
  };
  return {
    prepare: (token, hold) => prepare(parts, token, hold),
    finish,
    resume: () =>
      resumeEach(documents, { table: "meta", prefix: NOTE }, ({ key }) =>
        finish(key.slice(NOTE.length)),
      ),
  };
}

async function prepare(
  parts: UserErasureParts,
  token: string,
  hold: Hold,
): Promise<readonly Change[]> {
  const { directory, documents, doomedKeys } = parts;
  await hold(userTurn(token));
  const user = await directory.find(token);
  if (user === undefined) throw new LogveilError("not-found");
  if (user.isErased) throw new LogveilError("user-erased");
  if (await directory.isRestricted(token)) throw new LogveilError("record-restricted");
  await hold(user.indexKeys.map(indexTurn));
  const keyName = keyNameOf(token, user.generation);
  return [
    ...user.indexKeys.map((indexKey) => indexChange(indexKey, undefined)),
    ...(await appRemovals(documents, token)),
    ...(await remainsOf(parts, user)),
    doomedKeys.doom(keyName),
    { table: "meta", key: NOTE + token, value: Buffer.from(keyName) },
    ...(await parts.notify({ action: "forgetme", identity: token, mode: "token" })),
  ];
}

async function remainsOf(parts: UserErasureParts, user: StoredUser): Promise<readonly Change[]> {
  const { token, counter, indexKeys } = user;
  const preserved = await findPreserved(parts, user);
  if (preserved === undefined)
    return [{ table: "user", key: token, value: encodeErasedUser(user) }];
  const generation = user.generation + 1;
  const key = await parts.subjects.create(keyNameOf(token, generation));
  const kept = [...parts.index.keysOf(preserved).values()].filter((indexKey) =>
    indexKeys.includes(indexKey),
  );
  const state = { counter: counter + 1, generation, indexKeys: kept };
  return [
    recordChange(token, state, preserved, key),
    ...kept.map((indexKey) => indexChange(indexKey, token)),
  ];
}

/** Nothing survives of a record that is damaged: that must not stand in the way of its erasure. */
async function findPreserved(
  { directory, schema }: UserErasureParts,
  user: StoredUser,
): Promise<Profile | undefined> {
  if (!schema.isGiven) return undefined;
  const opened = await directory.open(user).catch((error: unknown) => {
    if (error instanceof LogveilError && error.code === "open-failed") return undefined;
    throw error;
  });
  return opened === undefined ? undefined : schema.preservedOf(opened.profile);
}
