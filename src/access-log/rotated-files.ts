import { lstat, readdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

const COMPRESSED = String.raw`(?:\.(?:gz|zst|xz|bz2|lz4|br))?`;

/** What follows the log's own name: the second (UTC) at which the file ended, a number when there are several, and what compresses it. */
const OURS = new RegExp(
  String.raw`^\.(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\dZ)(?:-\d+)?${COMPRESSED}$`,
);
/** What logrotate makes of it: `.1`, `.2.gz`; with `dateext` `-20261120`, with the hour or the second behind it too. */
const NUMBERED = new RegExp(String.raw`^\.\d{1,5}${COMPRESSED}$`);
const DATED = new RegExp(
  String.raw`^-(\d{4})-?([01]\d)-?([0-3]\d)(?:-?\d{2}|-\d{10})?${COMPRESSED}$`,
);

const HOUR_MS = 3_600_000;
/** The end of a calendar day in the last time zone that has it (UTC-12). */
const DAY_EVERYWHERE_MS = 36 * HOUR_MS;

/** What a removal came to. */
export type Removal = {
  readonly removed: number;
  /** When the oldest of those ended, ms since 1970; undefined when there were none. */
  readonly oldestMs: number | undefined;
  /** Due, and still there. */
  readonly failed: number;
};

/**
 * A name for the file that ended at `endedAtMs`: `access.log.2026-11-20T00-00-00Z`, and `-1`, `-2` … behind it when there is one
 * already, compressed or not. Rejects as `readdir` does.
 */
export async function freeRotatedName(path: string, endedAtMs: number): Promise<string> {
  const names = await readdir(dirname(path));
  const taken = new Set(names.map((name) => name.replace(new RegExp(`${COMPRESSED}$`), "")));
  const stamp = new Date(endedAtMs).toISOString().slice(0, 19).replaceAll(":", "-");
  const first = `${basename(path)}.${stamp}Z`;
  let name = first;
  for (let number = 1; taken.has(name); number += 1) {
    name = `${first}-${number}`;
  }
  return join(dirname(path), name);
}

/**
 * Removes the rotated files of `path` that ended before `beforeMs`, compressed ones too, and those that logrotate has named. Our own names
 * tell when a file ended, which copying and compressing do not change; others have been written last when their own time says so, and not
 * after the day in their name. What is no regular file, or of another log, is not touched. Never rejects: what cannot be removed is left
 * for the next time and counted.
 */
export async function removeRotatedFiles(path: string, beforeMs: number): Promise<Removal> {
  const folder = dirname(path);
  const names = (await readdir(folder).catch(() => [])).filter((name) =>
    name.startsWith(basename(path)),
  );
  const ends = await Promise.all(
    names.map(async (name) => ({ name, endedAtMs: await endOf(folder, name, basename(path)) })),
  );
  // NaN is before nothing.
  const expired = ends.filter(({ endedAtMs }) => endedAtMs < beforeMs);
  const removals = await Promise.allSettled(
    expired.map(async ({ name, endedAtMs }) => {
      await unlink(join(folder, name));
      return endedAtMs;
    }),
  );
  const removed = removals.filter((removal) => removal.status === "fulfilled");
  return {
    removed: removed.length,
    oldestMs: removed.length === 0 ? undefined : Math.min(...removed.map(({ value }) => value)),
    failed: removals.length - removed.length,
  };
}

/** NaN for what is no rotated file of this log. */
async function endOf(folder: string, name: string, logName: string): Promise<number> {
  const suffix = name.slice(logName.length);
  const ours = OURS.exec(suffix);
  const dated = DATED.exec(suffix);
  if (ours === null && dated === null && !NUMBERED.test(suffix)) return Number.NaN;
  const status = await lstat(join(folder, name)).catch(() => undefined);
  if (status?.isFile() !== true) return Number.NaN;
  if (ours !== null) return Date.parse(`${ours[1]}${ours[2]}:${ours[3]}:${ours[4]}`);
  if (dated === null) return status.mtimeMs;
  const day = Date.parse(`${dated[1]}-${dated[2]}-${dated[3]}`);
  // A number that looks like a date and is none.
  return Number.isNaN(day) ? Number.NaN : Math.min(status.mtimeMs, day + DAY_EVERYWHERE_MS);
}
