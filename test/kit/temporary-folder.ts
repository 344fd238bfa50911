import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TemporaryFolder = AsyncDisposable & {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** Absolute path of something in the folder; nothing is created. */
  readonly file: (...names: readonly string[]) => string;
  /** Removes the folder with all that is in it; a second call does nothing. */
  readonly remove: () => Promise<void>;
};

/** A new empty folder (mode 0700) of its own for one test. Whoever creates it removes it: `await using` or `remove()`. */
export async function createTemporaryFolder(): Promise<TemporaryFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "logveil-")));
  // Retries, because a process that a test has just ended may still be writing its last file.
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  return {
    path,
    file: (...names) => join(path, ...names),
    remove,
    [Symbol.asyncDispose]: remove,
  };
}
