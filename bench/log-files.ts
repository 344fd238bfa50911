// What a server wrote into its log folder, rotated files included. They are larger than memory should be, so they are streamed.

import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A dotted quad, wherever it stands: no log of logveil may have one, its tokens are spelled as IPv6. */
const IPV4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])/;

const AROUND = 60;

/** How much of each file is searched; every line is counted. */
const SEARCHED_BYTES = 16 * 2 ** 20;

export type LogSummary = {
  readonly lines: number;
  /** An address that must not be there, with what stands around it. */
  readonly address: string | undefined;
};

export async function summariseLogs(folder: string): Promise<LogSummary> {
  let lines = 0;
  let address: string | undefined;
  for (const file of await filesIn(folder)) {
    let searched = 0;
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) {
      const bytes: Buffer = chunk;
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
      if (searched < SEARCHED_BYTES) address ??= findAddress(bytes.toString("latin1"));
      searched += bytes.length;
    }
  }
  return { lines, address };
}

function findAddress(text: string): string | undefined {
  const at = text.search(IPV4);
  return at < 0 ? undefined : text.slice(Math.max(0, at - AROUND), at + AROUND);
}

/** The first `count` different session tokens of a JSON access log. */
export async function readTokens(folder: string, count: number): Promise<readonly string[]> {
  const tokens = new Set<string>();
  for await (const line of linesIn(folder)) {
    const token = /"session\.id":"([0-9a-f-]{36})"/.exec(line)?.[1];
    if (token !== undefined) tokens.add(token);
    if (tokens.size >= count) break;
  }
  return [...tokens];
}

/** The session token of the first line that contains `text`. */
export async function findToken(folder: string, text: string): Promise<string | undefined> {
  for await (const line of linesIn(folder)) {
    if (line.includes(text)) return /"session\.id":"([0-9a-f-]{36})"/.exec(line)?.[1];
  }
  return undefined;
}

/** What the files of a folder occupy on the disk, in bytes. */
export async function occupiedBytes(folder: string): Promise<number> {
  const stats = await Promise.all((await filesIn(folder)).map((file) => stat(file)));
  return stats.reduce((total, { blocks }) => total + blocks * 512, 0);
}

async function* linesIn(folder: string): AsyncGenerator<string> {
  for (const file of await filesIn(folder)) {
    yield* createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  }
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}
