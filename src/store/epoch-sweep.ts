import { setImmediate as nextTurn } from "node:timers/promises";
import type { Database } from "./database.ts";
import type { OpenLevel } from "./database-files.ts";
import { addressRange, sessionRange } from "./key-layout.ts";
import type { KeyRange } from "./key-layout.ts";

/** Keys removed in one turn: a few milliseconds in a thread of LevelDB, for which appends wait. */
const SLICE_KEYS = 4000;

/**
 * Removes the sessions of one epoch with their address index, and gives their room on the disk back. Goes slice by slice
 * between other writes, in LevelDB's threads: the event loop sees one key of each slice. May be called again after a failure
 * or a crash, and goes on where it stopped. The records were unreadable before (the epoch's key is destroyed first).
 */
export async function sweepEpoch(database: Database, epoch: number): Promise<void> {
  const ranges = [sessionRange(epoch), addressRange(epoch)];
  for (const range of ranges) await clearRange(database, range);
  // Also makes the removal durable, whatever `session.durability` says: a compaction begins with a synced flush.
  for (const { gte, lt } of ranges) {
    await database.read((level) => level.compactRange(gte, lt));
  }
}

async function clearRange(database: Database, range: KeyRange): Promise<void> {
  let first: Uint8Array | undefined = range.gte;
  while (first !== undefined) {
    const slice: KeyRange = { gte: first, lt: range.lt };
    await database.write((level) => level.clear({ ...slice, limit: SLICE_KEYS }));
    // From where this slice began, not from the start of the range: there LevelDB would pass everything removed so far.
    first = await database.read((level) => firstKey(level, slice));
    await nextTurn();
  }
}

async function firstKey(level: OpenLevel, range: KeyRange): Promise<Uint8Array | undefined> {
  const keys = await level.keys({ ...range, limit: 1, fillCache: false }).all();
  return keys.at(0);
}
