import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type BenchFolder = AsyncDisposable & {
  readonly path: string;
  /** A new folder in it. */
  readonly make: (name: string) => Promise<string>;
};

/** The temporary folder of a run, removed at its end. */
export async function createBenchFolder(): Promise<BenchFolder> {
  const path = await mkdtemp(join(tmpdir(), "logveil-bench-"));
  let made = 0;
  return {
    path,
    make: async (name) => {
      made += 1;
      const folder = join(path, `${made}-${name}`);
      await mkdir(folder);
      return folder;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}
