import type { Database } from "./database.ts";
import type { KeyRange } from "./key-layout.ts";

/** Keys read in one go: about a millisecond of the event loop. */
const SLICE_KEYS = 1000;

/**
 * The keys of a range in order, in slices of at most 1,000, each read anew behind the last: nothing stays open between them, what is
 * removed behind the walk is not met again, and what is added before it is.
 */
export async function* walkRange(
  database: Pick<Database, "read">,
  range: KeyRange,
): AsyncGenerator<readonly Uint8Array[]> {
  let rest: Parameters<typeof readSlice>[1] = range;
  while (true) {
    const keys = await readSlice(database, rest);
    const last = keys.at(-1);
    if (last === undefined) return;
    yield keys;
    if (keys.length < SLICE_KEYS) return;
    rest = { gt: last, lt: range.lt };
  }
}

function readSlice(
  database: Pick<Database, "read">,
  range: KeyRange | { readonly gt: Uint8Array; readonly lt: Uint8Array },
): Promise<readonly Uint8Array[]> {
  return database.read((level) =>
    level.keys({ ...range, limit: SLICE_KEYS, fillCache: false }).all(),
  );
}
