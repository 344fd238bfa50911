import { open, truncate } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { LogveilError } from "../errors.ts";

/** Where the lines of a copy go. */
export type CopyOutput = {
  readonly write: (lines: string) => Promise<void>;
  /** What has been written is on the disk, where there is one; resolves how many bytes that are. */
  readonly sync: () => Promise<number>;
  readonly close: () => Promise<void>;
};

/**
 * A file (created 0600) from byte `bytes` on: what it has beyond that, of a copy that was killed, is cut off. Undefined appends. Rejects
 * `output-exists` for a file that has something in it when it is to begin at 0, `resume-mismatch` for one that is shorter than that.
 */
export async function openCopyFile(path: string, bytes: number | undefined): Promise<CopyOutput> {
  const handle = await orUnwritable(() => open(path, "a", 0o600));
  try {
    const { size } = await handle.stat();
    if (bytes === 0 && size > 0) throw new LogveilError("output-exists");
    if (bytes !== undefined && size < bytes) throw new LogveilError("resume-mismatch");
    // Not for what is no file: it has no length.
    if (bytes !== undefined && size > bytes) await orUnwritable(() => truncate(path, bytes));
    return outputOf(handle, bytes ?? size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function outputOf(handle: FileHandle, before: number): CopyOutput {
  let written = before;
  return {
    write: async (lines) => {
      await orUnwritable(() => handle.appendFile(lines, "latin1"));
      written += lines.length;
    },
    sync: async () => {
      await orUnwritable(() => handle.datasync());
      return written;
    },
    close: () => handle.close(),
  };
}

async function orUnwritable<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (cause) {
    throw new LogveilError("output-unwritable", { cause });
  }
}
