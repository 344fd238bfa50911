import { createRunningDigest } from "../keys/running-digest.ts";
import type { CopyOutput } from "./copy-output.ts";
import type { CopyParts } from "./log-copy.ts";
import { skipRead, writeState } from "./resume-state.ts";
import type { CopyState } from "./resume-state.ts";

/** What has to be done again after a crash is this much, at most. */
const EVERY_BYTES = 8 * 1024 * 1024;

export type Checkpoints = {
  /** Notes where it begins. */
  readonly begin: () => Promise<void>;
  /** The input behind what has been read before. */
  readonly resume: (chunks: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;
  /** After each step (`CopyParts.onRead`). */
  readonly onRead: CopyParts["onRead"];
  /** When all has been read. */
  readonly finish: () => Promise<void>;
};

type Progressing = Pick<CopyParts, "counts" | "lastAtMs">;

/** Keeps `path` up to date with what `output` has. `before` is what it said at the start. */
export function createCheckpoints(
  path: string,
  output: Pick<CopyOutput, "sync">,
  { before, copy }: { readonly before: CopyState; readonly copy: () => Progressing },
): Checkpoints {
  const digest = createRunningDigest();
  let read = before.offset;
  let noted = before.offset;
  const note = async () => {
    // The output first: the state must not say more than is there.
    const outputBytes = await output.sync();
    const { counts, lastAtMs } = copy();
    const { format } = before;
    const position = { offset: read, digest: digest.soFar(), outputBytes };
    await writeState(path, { ...position, lastAtMs, counts, format });
    noted = read;
  };
  return {
    begin: () => writeState(path, before),
    resume: (chunks) => skipRead(chunks, before, digest),
    onRead: async (bytes, rest) => {
      digest.update(bytes);
      read += bytes.length;
      if (bytes.length > 0 && read - noted >= EVERY_BYTES) await note();
      digest.update(rest);
      read += rest.length;
    },
    finish: note,
  };
}
