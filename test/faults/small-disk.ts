import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type SmallDisk = Disposable & {
  readonly path: string;
  /** Leaves no more than `bytes` free. */
  readonly fillExcept: (bytes: number) => void;
  readonly free: () => void;
};

/** Why `openSmallDisk` gives none, for a test's title. */
export const NO_SMALL_DISK = " (skipped: only root can mount a small disk)";

/** A tmpfs at `path`, unmounted with it; undefined where none can be mounted. */
export function openSmallDisk(path: string, size: string): SmallDisk | undefined {
  mkdirSync(path, { mode: 0o700 });
  try {
    const options = `size=${size},mode=0700`;
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  const ballast = join(path, "ballast");
  return {
    path,
    fillExcept: (bytes) => {
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
    },
    free: () => rmSync(ballast),
    // Lazily: a process that a failed test has just killed may not have let go of it.
    [Symbol.dispose]: () => void execFileSync("umount", ["--lazy", path], { stdio: "ignore" }),
  };
}
