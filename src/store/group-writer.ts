import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import type { OpenLevel } from "./database-files.ts";
import type { Database } from "./database.ts";
import type { Write } from "./group-commit.ts";

/** Stores one group of writes as one atomic batch; with `sync` it is on the disk before the promise resolves. */
export function createGroupWriter(parts: {
  readonly database: Database;
  readonly sync: boolean;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "storeAppendDuration">;
}): (writes: readonly Write[]) => Promise<void> {
  const { database, sync, clock, metrics } = parts;
  return async (writes) => {
    const sessions = writes.filter(isSession).length;
    const startMs = clock.monotonic();
    await database.write(async (level) => {
      const missing = await withoutStored(level, writes);
      const operations = missing.flatMap((write) => write.operations);
      if (operations.length > 0) await level.batch([...operations], { sync });
    }, sessions);
    if (sessions > 0) metrics.storeAppendDuration.observe((clock.monotonic() - startMs) / 1000);
  };
}

function isSession({ unlessStored }: Write): boolean {
  return unlessStored !== undefined;
}

/** A session stays as its first request left it: without those that are stored, and the first only of several in this group. */
async function withoutStored(
  level: OpenLevel,
  writes: readonly Write[],
): Promise<readonly Write[]> {
  const keys = writes.flatMap(({ unlessStored }) => unlessStored ?? []);
  // Not hasMany: that seeks with an iterator, past the filters which know in memory that a key is new.
  const stored = await level.getMany(keys);
  const taken = new Set(keys.filter((_, index) => stored[index] !== undefined).map(textOf));
  return writes.filter(({ unlessStored }) => {
    if (unlessStored === undefined) return true;
    const key = textOf(unlessStored);
    return !taken.has(key) && taken.add(key);
  });
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
