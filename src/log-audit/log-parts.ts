// A log as text: compressed or not, lines of any length, in bounded memory.

import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";

/** A line, or a part of one that is too long to be looked at as a whole. */
export type LogPart = {
  /** From 1 on. */
  readonly line: number;
  /** How many characters (UTF-16 code units) of the line stand before the part. */
  readonly before: number;
  /** Characters at its beginning that the part before it ended with: what lies across the cut is whole in one of them. */
  readonly repeated: number;
  readonly isWholeLine: boolean;
  readonly text: string;
};

/** What the scrubber looks at as one text at most. */
export const MAX_PART_CHARACTERS = 8000;
/** Longer than what is looked for, but for tokens and keys, which are found by their beginnings too. */
const REPEATED_CHARACTERS = 512;

const LINE_FEED = "\n";
const CARRIAGE_RETURN = "\r";

/** RFC 1952 section 2.3.1, RFC 8878 section 3.1.1. */
const DECOMPRESSORS: readonly { readonly magic: string; readonly create: typeof createGunzip }[] = [
  { magic: "1f8b", create: createGunzip },
  { magic: "28b52ffd", create: createZstdDecompress as unknown as typeof createGunzip }, // both are transforms
];

export function openLogFile(path: string): AsyncIterable<Uint8Array | string> {
  return createReadStream(path, { highWaterMark: 128 * 1024 });
}

/**
 * The lines of a log, in batches of as many as a chunk of it held. Gzip (also several members) and Zstandard are told by their first bytes; what is not
 * UTF-8 reads as U+FFFD. Holds one chunk and one part. Rejects when the log cannot be read, or breaks off within a compressed file.
 */
export async function* readLogParts(
  source: AsyncIterable<Uint8Array | string>,
): AsyncIterable<readonly LogPart[]> {
  const decoder = new TextDecoder();
  const cutter = new PartCutter();
  for await (const chunk of decompressed(source)) {
    const parts = cutter.take(
      typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true }),
    );
    if (parts.length > 0) yield parts;
  }
  cutter.take(decoder.decode());
  const rest = cutter.end();
  if (rest.length > 0) yield rest;
}

async function* decompressed(
  source: AsyncIterable<Uint8Array | string>,
): AsyncIterable<Uint8Array | string> {
  const chunks = source[Symbol.asyncIterator]();
  const { start, isOver } = await readStart(chunks);
  const all = joined(start, isOver, chunks);
  const magic = start.subarray(0, 4).toString("hex");
  const decompressor = DECOMPRESSORS.find((one) => magic.startsWith(one.magic));
  if (decompressor === undefined) yield* all;
  else {
    // A failure of either end destroys the other, and ends the loop of whoever reads.
    yield* pipeline(Readable.from(all), decompressor.create(), () => {});
  }
}

async function readStart(chunks: AsyncIterator<Uint8Array | string>) {
  let start: Buffer = Buffer.alloc(0);
  while (start.length < 4) {
    const next = await chunks.next();
    if (next.done === true) return { start, isOver: true };
    start = Buffer.concat([start, Buffer.from(next.value)]);
  }
  return { start, isOver: false };
}

async function* joined(
  start: Buffer,
  isOver: boolean,
  chunks: AsyncIterator<Uint8Array | string>,
): AsyncIterable<Uint8Array | string> {
  yield start;
  if (!isOver) yield* { [Symbol.asyncIterator]: () => chunks };
}

/** Cuts text into lines and parts as it comes. */
class PartCutter {
  #text = "";
  #line = 1;
  #before = 0;
  #repeated = 0;

  take(text: string): readonly LogPart[] {
    const parts: LogPart[] = [];
    const all = this.#text + text;
    let from = 0;
    let feed = all.indexOf(LINE_FEED);
    while (feed !== -1) {
      this.#endLine(all.slice(from, feed), parts);
      from = feed + 1;
      feed = all.indexOf(LINE_FEED, from);
    }
    this.#text = this.#cutLong(all.slice(from), parts);
    return parts;
  }

  end(): readonly LogPart[] {
    const parts: LogPart[] = [];
    if (this.#text !== "") this.#endLine(this.#text, parts);
    this.#text = "";
    return parts;
  }

  #endLine(text: string, parts: LogPart[]): void {
    const rest = this.#cutLong(text, parts);
    const end = rest.endsWith(CARRIAGE_RETURN) ? rest.length - 1 : rest.length;
    if (end > this.#repeated) this.#push(rest.slice(0, end), this.#before === 0, parts);
    this.#line++;
    this.#before = 0;
    this.#repeated = 0;
  }

  /** What is left when all that is too long for a part is cut off. */
  #cutLong(text: string, parts: LogPart[]): string {
    let from = 0;
    while (text.length - from > MAX_PART_CHARACTERS) {
      this.#push(text.slice(from, from + MAX_PART_CHARACTERS), false, parts);
      this.#before += MAX_PART_CHARACTERS - REPEATED_CHARACTERS;
      this.#repeated = REPEATED_CHARACTERS;
      from += MAX_PART_CHARACTERS - REPEATED_CHARACTERS;
    }
    return text.slice(from);
  }

  #push(text: string, isWholeLine: boolean, parts: LogPart[]): void {
    const { before, repeated } = { before: this.#before, repeated: this.#repeated };
    parts.push({ line: this.#line, before, repeated, isWholeLine, text });
  }
}
