import { randomUuid } from "../../src/keys/secure-random.ts";
import { createUserIndex } from "../../src/vault/users/user-index.ts";
import { encodeErasedUser, encodeUser, keyNameOf } from "../../src/vault/users/user-record.ts";
import type { Profile } from "../../src/vault/users/user-record.ts";
import type { OpenedVault } from "./opened-vault.ts";

type Parts = Pick<OpenedVault, "documents" | "keyring">;

/** Puts a user record into the store as the vault would, without its operations; resolves to the user token. */
export async function addUser({ documents, keyring }: Parts, profile: Profile): Promise<string> {
  const token = randomUuid();
  const index = createUserIndex(keyring.blindIndexKey, "GB");
  const indexKeys = [...index.keysOf(profile).values()];
  const key = await keyring.subjects.create(keyNameOf(token, 0));
  const state = { counter: 1, generation: 0, indexKeys, isRestricted: false };
  await documents.commit([
    { table: "user", key: token, value: encodeUser(token, state, profile, key) },
    ...indexKeys.map((name) => ({
      table: "userIndex" as const,
      key: name,
      value: Buffer.from(token),
    })),
  ]);
  return token;
}

/** The record and its key; what hangs on it is left alone. */
export async function removeUser({ documents, keyring }: Parts, token: string): Promise<void> {
  const state = { counter: 1, generation: 0, indexKeys: [], isRestricted: false, isErased: false };
  await documents.commit([{ table: "user", key: token, value: encodeErasedUser(state) }]);
  await keyring.subjects.destroy(keyNameOf(token, 0));
}
