// How far a copy has come, in a file of its own beside what it writes. Both are on the disk before the state says so; what the output has
// beyond it, after a crash, is cut off and written again.

import { LogveilError } from "../errors.ts";
import { findFile, replaceFile } from "../keys/durable-file.ts";
import { systemFileSteps } from "../keys/file-steps.ts";
import { createRunningDigest } from "../keys/running-digest.ts";
import type { RunningDigest } from "../keys/running-digest.ts";
import type { LineCounts } from "./line-counts.ts";

export type CopyState = {
  /** Bytes of the unpacked input whose lines have been written; at the beginning of a line. */
  readonly offset: number;
  /** SHA-256 of these bytes, hexadecimal: another input is refused. */
  readonly digest: string;
  readonly outputBytes: number;
  /** Time of the last line that had one, for those after it that have none. */
  readonly lastAtMs: number | undefined;
  readonly counts: LineCounts;
  /** The output's format: what follows is to be of the same. */
  readonly format: string;
};

const VERSION = 1;

export async function writeState(path: string, state: CopyState): Promise<void> {
  const text = `${JSON.stringify({ version: VERSION, ...state })}\n`;
  await replaceFile(systemFileSteps, path, Buffer.from(text));
}

/** Undefined when there is no such file. Rejects `resume-mismatch` for what is no state. */
export async function findState(path: string): Promise<CopyState | undefined> {
  const content = await findFile(path);
  if (content === undefined) return undefined;
  try {
    const state = JSON.parse(content.toString()) as CopyState & { readonly version: unknown };
    const { counts, digest, format, outputBytes, offset, version } = state;
    const numbers = [
      offset,
      outputBytes,
      counts.request,
      counts.error,
      counts.unparsed,
      counts.cut,
    ];
    const isWhole = numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
    if (
      version === VERSION &&
      isWhole &&
      /^[0-9a-f]{64}$/.test(digest) &&
      typeof format === "string"
    )
      return state;
  } catch (cause) {
    throw new LogveilError("resume-mismatch", { cause });
  }
  throw new LogveilError("resume-mismatch");
}

/** The input behind what `state` has read. Rejects `resume-mismatch` when that is not how the input begins. `digest` has read it then. */
export async function* skipRead(
  chunks: AsyncIterable<Buffer>,
  { offset, digest: expected }: Pick<CopyState, "offset" | "digest">,
  digest: RunningDigest,
): AsyncGenerator<Buffer> {
  let left = offset;
  for await (const chunk of chunks) {
    if (left === 0) {
      yield chunk;
      continue;
    }
    const skipped = chunk.subarray(0, left);
    digest.update(skipped);
    left -= skipped.length;
    if (left > 0) continue;
    if (digest.soFar() !== expected) throw new LogveilError("resume-mismatch");
    if (skipped.length < chunk.length) yield chunk.subarray(skipped.length);
  }
  if (left > 0) throw new LogveilError("resume-mismatch");
}

export const NOTHING_READ = createRunningDigest().soFar();
