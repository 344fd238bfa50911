// A log from beginning to end: cut into lines, cleaned, written. In steps: nothing of a step is written before all its sessions can be
// looked up, and a step is all that is in memory.

import type { LineFormats } from "../access-log/line-formats.ts";
import type { CleanLine, CleanLineOf } from "./line-cleaner.ts";
import type { LineCounts } from "./line-counts.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { SplitLine } from "./line-splitter.ts";

export type CopyParts = {
  readonly clean: CleanLineOf;
  /** Resolves when the sessions of all lines so far are stored; rejects when one could not be. */
  readonly stored: () => Promise<void>;
  readonly formats: LineFormats;
  /** ASCII, whole lines. */
  readonly write: (lines: string) => Promise<void>;
  /** The lines that end in `bytes` have been written; `rest` follows and ends none. */
  readonly onRead: (bytes: Buffer, rest: Buffer) => Promise<void>;
  readonly counts: LineCounts;
  /** Of the last line that had a time. */
  lastAtMs: number | undefined;
};

const NEWLINE = 10;
/** What a step may hold: its new sessions wait together in memory until they are stored. */
const MAX_STEP_LINES = 4096;
const MAX_STEP_CHARACTERS = 1024 * 1024;

/** Resolves at the end of `chunks`. Rejects with their failure when the lines before it are written. */
export async function copyLog(chunks: AsyncIterable<Buffer>, parts: CopyParts): Promise<void> {
  const splitter = new LineSplitter();
  for await (const chunk of chunks) {
    await copyLines(splitter.split(chunk), parts);
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    await parts.onRead(chunk.subarray(0, end), chunk.subarray(end));
  }
  const last = splitter.last();
  if (last !== undefined) await copyLines([last], parts);
}

async function copyLines(lines: readonly SplitLine[], parts: CopyParts): Promise<void> {
  let from = 0;
  let characters = 0;
  for (const [at, { text }] of lines.entries()) {
    characters += text.length;
    if (at + 1 - from < MAX_STEP_LINES && characters < MAX_STEP_CHARACTERS) continue;
    await copyStep(lines.slice(from, at + 1), parts);
    from = at + 1;
    characters = 0;
  }
  if (from < lines.length) await copyStep(lines.slice(from), parts);
}

async function copyStep(lines: readonly SplitLine[], parts: CopyParts): Promise<void> {
  const cleaned: CleanLine[] = [];
  for (const { text, isCut } of lines) {
    if (text === "") continue;
    const line = parts.clean({ text, atMs: parts.lastAtMs });
    const clean = line instanceof Promise ? await line : line;
    parts.lastAtMs = timeOf(clean) ?? parts.lastAtMs;
    parts.counts[clean.kind] += 1;
    if (isCut) parts.counts.cut += 1;
    cleaned.push(clean);
  }
  await parts.stored();
  let text = "";
  for (const line of cleaned) text += formatLine(line, parts.formats);
  if (text !== "") await parts.write(text);
}

function timeOf(line: CleanLine): number | undefined {
  return line.kind === "request" ? line.exchange.startedAtMs : line.entry.atMs;
}

function formatLine(line: CleanLine, { exchange, text }: LineFormats): string {
  return line.kind === "request" ? exchange(line.exchange) : text(line.entry);
}
