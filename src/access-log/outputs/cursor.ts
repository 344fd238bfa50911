import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

/** Up to where an output has delivered: everything in earlier segments, and the first `offset` bytes, `lines` lines, of this one. */
export type Cursor = {
  readonly segment: number;
  readonly offset: number;
  readonly lines: number;
};

export const BEGINNING: Cursor = { segment: 0, offset: 0, lines: 0 };

/**
 * The cursor of an output; the beginning of the spool when there is none, or none that can be read: what was delivered already is then
 * delivered again, with the same ids.
 */
export async function readCursor(dir: string, output: string): Promise<Cursor> {
  try {
    const { version, segment, offset, lines } = JSON.parse(
      await readFile(pathOf(dir, output), "utf8"),
    );
    if (version !== 1 || ![segment, offset, lines].every(isCount)) return BEGINNING;
    return { segment, offset, lines };
  } catch {
    return BEGINNING;
  }
}

/** Replaces it as a whole. A loss of power may bring an older one back. Rejects as the file system does. */
export async function writeCursor(dir: string, output: string, cursor: Cursor): Promise<void> {
  const path = pathOf(dir, output);
  {
    await using file = await open(`${path}.next`, "w", 0o600);
    await file.writeFile(JSON.stringify({ version: 1, ...cursor }));
  }
  await rename(`${path}.next`, path);
}

function pathOf(dir: string, output: string): string {
  return join(dir, `${output}.cursor`);
}

/** 2^50: numbers of segments go on from here, and have sixteen digits. */
const MAX_COUNT = 2 ** 50;

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= MAX_COUNT;
}
