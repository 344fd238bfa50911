import { fchmod, fstat, fstatSync, ftruncate, open } from "node:fs";
import { mkdir, open as openHandle, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "../clock.ts";
import type { EventLog } from "../event-log.ts";
import { openDestination } from "./destination.ts";
import type { Destination, Written } from "./destination.ts";
import type { Medium } from "./medium.ts";
import { freeRotatedName, removeRotatedFiles } from "./rotated-files.ts";
import type { Removal } from "./rotated-files.ts";
import { Rotation } from "./rotation.ts";
import type { RotationOptions } from "./rotation.ts";

export type LogFileOptions = RotationOptions & {
  /** The current file. Its folder is created when it is missing. */
  readonly path: string;
  /** How long after their end rotated files are kept. */
  readonly keepMs: number;
};

type OpenFile = {
  readonly fd: number;
  readonly destination: Destination;
  /** Undefined for what is no regular file (a device, a pipe): that is never rotated or truncated. */
  readonly inode: number | undefined;
};

/** A rotated file goes at most a 24th of its time late, and an hour. */
const SWEEPS_IN_KEEP = 24;
const SWEEP_EVERY_MS = { atLeast: 60_000, atMost: 3_600_000 } as const;
/** A folder that forbids renaming is not asked again at every batch. */
const ROTATE_AGAIN_AFTER_MS = 60_000;

/**
 * The access log's file: mode 0600, rotated by rename, opened anew on request. Whatever fails leaves it with whole lines only,
 * except for a crash or power cut in the middle of a write: the torn line is then ended when the file is opened again, so that
 * it spoils no other.
 */
export class LogFile implements Medium {
  readonly #options: LogFileOptions;
  readonly #clock: Clock;
  readonly #eventLog: EventLog;
  readonly #rotation: Rotation;
  #file: OpenFile | undefined;
  #mustReopen = false;
  #rotateNotBefore = Number.NEGATIVE_INFINITY;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #sweeping: Promise<void> = Promise.resolve();
  #unremoved = 0;
  #closing: Promise<unknown> = Promise.resolve();

  constructor(options: LogFileOptions, parts: { clock: Clock; eventLog: EventLog }) {
    this.#options = options;
    this.#clock = parts.clock;
    this.#eventLog = parts.eventLog;
    this.#rotation = new Rotation(options);
  }

  async prepare(bytes: number): Promise<void> {
    const isReopening = this.#mustReopen;
    this.#mustReopen = false;
    if (isReopening) this.#retire();
    this.#file ??= await this.#open();
    if (isReopening) this.#eventLog.emit("access-log.reopened");
    const endedAtMs = this.#endOfFile(bytes);
    if (endedAtMs !== undefined) await this.#rotate(this.#file, endedAtMs);
    if (this.#isSweepDue()) this.#sweep();
  }

  async write(text: string): Promise<Written> {
    if (this.#file === undefined) return { bytes: 0, failure: new Error("closed") };
    const written = await this.#file.destination.write(text);
    this.#rotation.wrote(written.bytes, this.#clock.now());
    return written;
  }

  async abandon(fragment: number): Promise<number> {
    const file = this.#file;
    const isTakenBack = file?.inode !== undefined && (await shorten(file.fd, fragment));
    this.#retire();
    return isTakenBack ? fragment : 0;
  }

  isDue(): boolean {
    if (this.#file === undefined || this.#mustReopen) return true;
    // Nobody reads what goes into a file without a name, and it would fill the disk unseen. One that was renamed keeps its name.
    if (isRemoved(this.#file)) this.#mustReopen = true;
    return this.#mustReopen || this.#isSweepDue() || this.#endOfFile(0) !== undefined;
  }

  reopen(): void {
    this.#mustReopen = true;
  }

  async close(): Promise<void> {
    this.#retire();
    await Promise.all([this.#closing, this.#sweeping]);
  }

  async #open(): Promise<OpenFile> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const fd = await promisify(open)(path, "a", 0o600);
    const destination = openDestination(fd);
    try {
      const status = await promisify(fstat)(fd);
      if (!status.isFile()) return { fd, destination, inode: undefined };
      // SECURITY: the file may be there already, with the mode that logrotate or a shell gave it.
      if ((status.mode & 0o077) !== 0) await promisify(fchmod)(fd, 0o600);
      const added = await endTornLine(path, status.size, destination);
      this.#rotation.begin(status.size + added, status.mtimeMs);
      return { fd, destination, inode: status.ino };
    } catch (error) {
      await destination.close();
      throw error;
    }
  }

  /** The old file's last pages are synced in the background; nobody waits for a disk here. */
  #retire(): void {
    if (this.#file !== undefined) {
      this.#closing = Promise.all([this.#closing, this.#file.destination.close()]);
    }
    this.#file = undefined;
  }

  #endOfFile(more: number): number | undefined {
    if (this.#file?.inode === undefined || this.#clock.monotonic() < this.#rotateNotBefore) {
      return undefined;
    }
    return this.#rotation.endOf(this.#clock.now(), more);
  }

  async #rotate(file: OpenFile, endedAtMs: number): Promise<void> {
    const { path } = this.#options;
    try {
      const there = await stat(path).catch(() => undefined);
      // Somebody else may have moved the file and put a new one there; that one is opened and not renamed.
      if (there?.ino === file.inode) await rename(path, await freeRotatedName(path, endedAtMs));
    } catch {
      // The lines are safe in the file as it is, so an oversized file is the lesser evil.
      this.#rotateNotBefore = this.#clock.monotonic() + ROTATE_AGAIN_AFTER_MS;
      this.#eventLog.emit("access-log.rotation-failed");
      return;
    }
    this.#retire();
    this.#file = await this.#open();
    this.#eventLog.emit("access-log.rotated");
    this.#sweep();
  }

  #isSweepDue(): boolean {
    const { atLeast, atMost } = SWEEP_EVERY_MS;
    const everyMs = Math.min(Math.max(this.#options.keepMs / SWEEPS_IN_KEEP, atLeast), atMost);
    return this.#clock.monotonic() - this.#sweptAt >= everyMs;
  }

  /** In the background, one after the other. */
  #sweep(): void {
    this.#sweptAt = this.#clock.monotonic();
    const beforeMs = this.#clock.now() - this.#options.keepMs;
    this.#sweeping = this.#sweeping.then(async () =>
      this.#tellRemoved(await removeRotatedFiles(this.#options.path, beforeMs)),
    );
  }

  /** The proof of a short retention: how many files went, and how far back they reached. */
  #tellRemoved({ removed, oldestMs, failed }: Removal): void {
    if (oldestMs !== undefined) {
      const oldest = new Date(oldestMs).toISOString().slice(0, 10);
      this.#eventLog.emit("access-log.removed", { files: removed, oldest });
    }
    if (failed !== 0 && failed !== this.#unremoved) {
      this.#eventLog.emit("access-log.removal-failed", { files: failed });
    }
    this.#unremoved = failed;
  }
}

function isRemoved({ fd, inode }: OpenFile): boolean {
  try {
    return inode !== undefined && fstatSync(fd).nlink === 0;
  } catch {
    // What cannot be asked is left to the next write, which finds out.
    return false;
  }
}

/** Cuts `bytes` off the end; false when that is not possible. */
async function shorten(fd: number, bytes: number): Promise<boolean> {
  if (bytes === 0) return true;
  try {
    const { size } = await promisify(fstat)(fd);
    await promisify(ftruncate)(fd, size - bytes);
    return true;
  } catch {
    return false;
  }
}

/** Answers how many bytes were added. Rejects with the failure when the newline cannot be written. */
async function endTornLine(path: string, size: number, destination: Destination): Promise<number> {
  if (size === 0 || (await endsWithNewline(path, size))) return 0;
  const { failure } = await destination.write("\n");
  if (failure !== undefined) throw failure;
  return 1;
}

async function endsWithNewline(path: string, size: number): Promise<boolean> {
  const file = await openHandle(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] === 0x0a;
  } finally {
    await file.close();
  }
}
