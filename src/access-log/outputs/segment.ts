import { open, readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";

/** One file of the spool, with lines in the order in which they came. */
export type Segment = {
  /** Grows by one from file to file and is never given twice. */
  readonly number: number;
  path: string;
  /** Whole lines, and the beginning of one after a write that failed. */
  bytes: number;
  /** Line ends so far; in a sealed one also a last line without. */
  lines: number;
  /** Nothing is appended to it any more. */
  isSealed: boolean;
  /** Settles when a change of its name that is under way is over. */
  moved: Promise<void>;
};

/** `0000000000000007.lines`, and when it is sealed, with how many there are: `0000000000000007-1234.lines`. */
const NAME = /^(\d{16})(?:-(\d{1,15}))?\.lines$/;
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

export function newSegment(dir: string, number: number): Segment {
  const path = join(dir, `${numberText(number)}.lines`);
  return { number, path, bytes: 0, lines: 0, isSealed: false, moved: Promise.resolve() };
}

/** The segments of an earlier process, in order, sealed; empty ones are removed. Rejects as the file system does. */
export async function findSegments(dir: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const name of (await readdir(dir)).toSorted()) {
    const [, number, lines] = NAME.exec(name) ?? [];
    if (number === undefined) continue;
    const path = join(dir, name);
    const { size: bytes } = await stat(path);
    const segment = { ...newSegment(dir, Number(number)), path, bytes, isSealed: true };
    segment.lines = Number(lines);
    if (lines === undefined) {
      segment.lines = await countLines(path);
      await seal(dir, segment);
    }
    // One that had lines and has been emptied is kept, so that they are counted.
    if (bytes > 0 || segment.lines > 0) segments.push(segment);
    else await removeSegment(segment);
  }
  return segments;
}

/** Tells the next process how many lines there are: what a damaged file has lost can be counted then. */
export async function seal(dir: string, segment: Segment): Promise<void> {
  const path = join(dir, `${numberText(segment.number)}-${String(segment.lines)}.lines`);
  const change = async () => {
    await rename(segment.path, path);
    segment.path = path;
  };
  const renamed = change();
  segment.moved = renamed.catch(() => undefined);
  await renamed;
  segment.isSealed = true;
}

/** One that is gone already is no failure. */
export async function removeSegment({ path }: Segment): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

export function countLineEnds(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/** A last line without an end counts: it was torn by a crash, and the reader finds that out. */
async function countLines(path: string): Promise<number> {
  await using file = await open(path, "r");
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let lines = 0;
  let last = NEWLINE;
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
    if (bytesRead === 0) return last === NEWLINE ? lines : lines + 1;
    lines += countLineEnds(chunk.subarray(0, bytesRead));
    last = chunk[bytesRead - 1] ?? NEWLINE;
  }
}

function numberText(number: number): string {
  return String(number).padStart(16, "0");
}

/** Up to `length` bytes from `offset`; fewer where the file ends, none when it is gone. */
export async function readSegment(
  segment: Segment,
  offset: number,
  length: number,
): Promise<Buffer> {
  const { path } = segment;
  try {
    await using file = await open(path, "r");
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await file.read(buffer, 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await segment.moved;
    return segment.path === path ? Buffer.alloc(0) : readSegment(segment, offset, length);
  }
}
