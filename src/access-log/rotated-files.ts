import { readdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What follows the log's own name: the second (UTC) at which the file ended, a number when there are several, and what compresses it. */
const SUFFIX = /^\.(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\dZ)(?:-\d+)?(?:\.gz)?$/;

/**
 * A name for the file that ended at `endedAtMs`: `access.log.2026-11-20T00-00-00Z`, and `-1`, `-2` … behind it when there is one
 * already, compressed or not. Rejects as `readdir` does.
 */
export async function freeRotatedName(path: string, endedAtMs: number): Promise<string> {
  const taken = new Set(await readdir(dirname(path)));
  const stamp = new Date(endedAtMs).toISOString().slice(0, 19).replaceAll(":", "-");
  const first = `${basename(path)}.${stamp}Z`;
  let name = first;
  for (let number = 1; taken.has(name) || taken.has(`${name}.gz`); number += 1) {
    name = `${first}-${number}`;
  }
  return join(dirname(path), name);
}

/**
 * Removes the rotated files of `path` that ended before `beforeMs`, going by their names, which copying and compressing do not
 * change. Nothing else is touched. Answers how many it removed; one that cannot be removed is left for the next time.
 */
export async function removeRotatedFiles(path: string, beforeMs: number): Promise<number> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  const expired = names.filter((name) => endOf(name, basename(path)) < beforeMs);
  const removals = await Promise.allSettled(expired.map((name) => unlink(join(folder, name))));
  return removals.filter(({ status }) => status === "fulfilled").length;
}

/** NaN, which is before nothing, for what is no rotated file of this log. */
function endOf(name: string, logName: string): number {
  if (!name.startsWith(logName)) return Number.NaN;
  const match = SUFFIX.exec(name.slice(logName.length));
  return match === null ? Number.NaN : Date.parse(`${match[1]}${match[2]}:${match[3]}:${match[4]}`);
}
