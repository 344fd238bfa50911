import type { Database } from "./database.ts";
import { FORMAT, FORMAT_WITH_SESSIONS } from "./database-files.ts";
import type { EpochDatabases } from "./epoch-databases.ts";
import { addressRange, epochOf, metaKey, sessionRange } from "./key-layout.ts";
import type { KeyRange } from "./key-layout.ts";
import { walkRange } from "./range-walk.ts";

/** Keys cleared in one turn: a few milliseconds in a thread of LevelDB. */
const SLICE_KEYS = 4000;

/**
 * Moves the sessions of a store of format 1, which kept them in the main database, into those of their epochs. Before anybody is served,
 * some twenty seconds for a million; copies all before it removes any, so that a crash at any instant leaves a store that begins again.
 * `open` gives databases whose commits are on the disk when they resolve.
 */
export async function moveSessions(
  main: Database,
  open: () => Promise<EpochDatabases>,
): Promise<void> {
  const format = await main.find(metaKey("format"));
  if (format === undefined || !FORMAT_WITH_SESSIONS.equals(format)) return;
  const ranges = [sessionRange(), addressRange()];
  const databases = await open();
  try {
    for (const range of ranges) await copy(main, range, databases);
  } finally {
    await databases.close();
  }
  for (const range of ranges) await clear(main, range);
  for (const { gte, lt } of ranges) await main.read((level) => level.compactRange(gte, lt));
  await main.write((level) => level.put(metaKey("format"), FORMAT, { sync: true }));
}

async function copy(main: Database, range: KeyRange, databases: EpochDatabases): Promise<void> {
  for await (const keys of walkRange(main, range)) {
    const values = await main.read((level) => level.getMany([...keys]));
    const operations = keys.flatMap((key, index) => {
      const value = values[index];
      return value === undefined ? [] : [{ type: "put" as const, key, value }];
    });
    for (const [epoch, some] of Map.groupBy(operations, ({ key }) => epochOf(key)))
      await databases.commit(epoch, [{ operations: some }]);
  }
}

async function clear(main: Database, range: KeyRange): Promise<void> {
  let first: Uint8Array | undefined = range.gte;
  while (first !== undefined) {
    const slice: KeyRange = { gte: first, lt: range.lt };
    await main.write((level) => level.clear({ ...slice, limit: SLICE_KEYS }));
    // From where this slice began, not from the start of the range: there LevelDB would pass everything removed so far.
    const [next] = await main.read((level) => level.keys({ ...slice, limit: 1 }).all());
    first = next;
  }
}
