import type { Database } from "./database.ts";
import type { GroupCommit } from "./group-commit.ts";
import { nameKey, nameOf, nameRange } from "./key-layout.ts";
import { walkRange } from "./range-walk.ts";

/** Bounds, so that an upstream that invents cookie names fills nothing: what is beyond them is not remembered. */
const MAX_NAMES = 1000;
const MAX_NAME_CHARACTERS = 256;

/** Names of the cookies that the upstream sets. Kept in memory too, so that an outage does not take them away. */
export type CookieNames = {
  readonly list: () => Promise<readonly string[]>;
  /** Resolves when the name is stored; at once when it is known, longer than 256 characters, or one too many (1,000). */
  readonly add: (name: string) => Promise<void>;
};

export async function openCookieNames(
  database: Database,
  commit: GroupCommit,
): Promise<CookieNames> {
  const names = new Set<string>();
  for await (const keys of walkRange(database, nameRange())) {
    for (const key of keys) names.add(nameOf(key));
  }
  return {
    list: async () => [...names],
    add: async (name) => {
      if (names.has(name) || names.size >= MAX_NAMES || name.length > MAX_NAME_CHARACTERS) return;
      names.add(name);
      try {
        await commit.add([
          { operations: [{ type: "put", key: nameKey(name), value: new Uint8Array(0) }] },
        ]);
      } catch (error) {
        // To be tried again when the upstream sets the cookie again.
        names.delete(name);
        throw error;
      }
    },
  };
}
