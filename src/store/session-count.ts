import type { Database } from "./database.ts";
import { epochOf, sessionRange, tagOf } from "./key-layout.ts";
import type { KeyRange } from "./key-layout.ts";

/** Keys read of one epoch. The estimate beyond that many is off by about 1 / √1000: 3 %. */
const SAMPLE_KEYS = 1000;

/**
 * How many session records there are: exact for epochs of fewer than 1,000, an estimate for larger ones. Tags come from a MAC, so
 * they are spread evenly, and where the thousandth lies tells how dense they are. A thousand keys read an epoch, and no counter to
 * keep right across crashes and outages.
 */
export async function countSessions(database: Database): Promise<number> {
  let count = 0;
  let rest = sessionRange();
  while (true) {
    const keys = await readSample(database, rest);
    const first = keys.at(0);
    if (first === undefined) return count;
    const epoch = epochOf(first);
    count += estimate(keys.filter((key) => epochOf(key) === epoch));
    rest = { gte: sessionRange(epoch).lt, lt: rest.lt };
  }
}

/** `keys` are the first of one epoch. */
function estimate(keys: readonly Uint8Array[]): number {
  const last = keys.at(-1);
  if (last === undefined || keys.length < SAMPLE_KEYS) return keys.length;
  return Math.max(keys.length, Math.round(keys.length / positionOf(tagOf(last))));
}

/** Where a tag lies between the first (0) and the last (1) that are possible; its first 6 bytes are precise enough. */
function positionOf(tag: Uint8Array): number {
  return (Buffer.from(tag).readUIntBE(0, 6) + 1) / 2 ** 48;
}

function readSample(database: Database, range: KeyRange): Promise<readonly Uint8Array[]> {
  return database.read((level) =>
    level.keys({ ...range, limit: SAMPLE_KEYS, fillCache: false }).all(),
  );
}
