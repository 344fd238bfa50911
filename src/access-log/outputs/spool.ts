// The spool: what network outputs could not deliver yet, on the disk. Lines are appended to segment files; each output reads them in
// order behind a cursor of its own, so a slow receiver holds no other back, and a segment that all have read is removed as a whole file.
// Past `maxBytes` the oldest segment goes first, and what nobody had read of it is counted. One logveil at a time: the store's lock,
// taken before the spool is opened, keeps a second one out of the default folder.

import { fstatSync, ftruncate, open } from "node:fs";
import { chmod, mkdir, stat } from "node:fs/promises";
import { promisify } from "node:util";
import type { EventLog } from "../../event-log.ts";
import { openDestination } from "../destination.ts";
import type { Destination, Written } from "../destination.ts";
import type { Medium } from "../medium.ts";
import {
  countLineEnds,
  findSegments,
  isMissing,
  newSegment,
  removeSegment,
  seal,
} from "./segment.ts";
import type { Segment } from "./segment.ts";
import type { SpoolReader } from "./spool-reader.ts";

export type SpoolOptions = {
  /** Created 0700 when it is missing; files in it are 0600. */
  readonly dir: string;
  /** Of all segments together; cursors of less than 100 bytes come on top. 1 MiB at least. */
  readonly maxBytes: number;
};

/** A segment is a sixteenth of the spool, so that little is dropped at once, and at most this: that much is read at start. */
const MAX_SEGMENT_BYTES = 8 * 1024 * 1024;
/** A segment in which nobody has anything to read is left behind from this size on. */
const WORTH_REMOVING_BYTES = 1024 * 1024;

type Appending = {
  readonly segment: Segment;
  readonly fd: number;
  readonly destination: Destination;
};

/** The medium that lines for the network are written to. Nothing in it is synced: it survives the end of the process, not of the power. */
export class Spool implements Medium {
  readonly #options: SpoolOptions;
  readonly #eventLog: EventLog;
  readonly #readers: SpoolReader[] = [];
  readonly #segmentBytes: number;
  #segments: Segment[] = [];
  #isOpen = false;
  #nextNumber = 1;
  #appending: Appending | undefined;
  #closing: Promise<unknown> = Promise.resolve();
  #isFull = false;

  constructor(options: SpoolOptions, eventLog: EventLog) {
    this.#options = options;
    this.#eventLog = eventLog;
    this.#segmentBytes = Math.min(MAX_SEGMENT_BYTES, Math.floor(options.maxBytes / 16));
  }

  get dir(): string {
    return this.#options.dir;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** In order. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Before the first `prepare`. */
  add(reader: SpoolReader): void {
    this.#readers.push(reader);
  }

  async prepare(bytes: number): Promise<void> {
    if (!this.#isOpen) await this.#open();
    const segment = this.#appending?.segment ?? this.#segments.find(({ isSealed }) => !isSealed);
    if (segment !== undefined && (this.#isRemoved() || this.#isFinished(segment, bytes)))
      await this.#finish(segment);
    await this.release();
    if (bytes === 0) return;
    await this.#makeRoom(bytes);
    await this.#beginAppending();
  }

  async write(text: string): Promise<Written> {
    if (this.#appending === undefined) return { bytes: 0, failure: new Error("closed") };
    const { segment, destination } = this.#appending;
    const written = await destination.write(text);
    const lines = countLineEnds(Buffer.from(text.slice(0, written.bytes), "latin1"));
    segment.bytes += written.bytes;
    segment.lines += lines;
    for (const reader of this.#readers) reader.appended(lines);
    return written;
  }

  async abandon(fragment: number): Promise<number> {
    if (this.#appending === undefined) return 0;
    const { segment, fd } = this.#appending;
    const isTakenBack = await promisify(ftruncate)(fd, segment.bytes - fragment).then(
      () => true,
      () => false,
    );
    this.#retire();
    if (!isTakenBack) return 0;
    segment.bytes -= fragment;
    return fragment;
  }

  /** When all is delivered, so that a delivered line does not stay on the disk for want of new ones. */
  isDue(): boolean {
    if (!this.#isOpen) return true;
    if (this.#isRemoved()) return true;
    return this.#segments.some((segment) => segment.bytes > 0 && this.#isRead(segment));
  }

  reopen(): void {
    // Nobody rotates a spool from outside.
  }

  /** The files stay; those that all outputs have read are removed. */
  async close(): Promise<void> {
    this.#retire();
    await this.#closing;
  }

  /** Removes what every output has read. Rejects when the disk does; called again then. */
  async release(): Promise<void> {
    const read = this.#segments.filter((segment) => segment.isSealed && this.#isRead(segment));
    await this.#remove(read);
    if (this.#segments.length <= 1) this.#isFull = false;
  }

  /** After the last line, and when no reader moves any more. */
  async tidy(): Promise<void> {
    const isRead = this.#segments.every((segment) => this.#isRead(segment));
    if (!this.#isOpen) return;
    const last = this.#segments.find(({ isSealed }) => !isSealed);
    if (isRead) await this.#remove([...this.#segments]);
    else if (last !== undefined) await this.#finish(last);
  }

  /** Somebody has removed its file. */
  async #giveUp(segment: Segment): Promise<void> {
    this.#segments = this.#segments.filter((other) => other !== segment);
    for (const reader of this.#readers) reader.lose(segment, "damaged");
    await removeSegment(segment);
  }

  async #open(): Promise<void> {
    const { dir } = this.#options;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    // SECURITY: the folder may be there already, with the mode that somebody else gave it.
    if (((await stat(dir)).mode & 0o077) !== 0) await chmod(dir, 0o700);
    this.#segments = await findSegments(dir);
    this.#nextNumber = (this.#segments.at(-1)?.number ?? 0) + 1;
    for (const reader of this.#readers) {
      const next = await reader.open();
      this.#nextNumber = Math.max(this.#nextNumber, next);
    }
    this.#isOpen = true;
  }

  /** Nobody reads what goes into a file without a name. */
  #isRemoved(): boolean {
    try {
      return this.#appending !== undefined && fstatSync(this.#appending.fd).nlink === 0;
    } catch {
      // What cannot be asked is left to the next write, which finds out.
      return false;
    }
  }

  #isRead({ number, bytes }: Segment): boolean {
    return this.#readers.every((reader) => reader.hasRead(number, bytes));
  }

  #isFinished(segment: Segment, more: number): boolean {
    if (segment.bytes === 0) return false;
    if (segment.bytes + more > this.#segmentBytes) return true;
    return (more === 0 || segment.bytes >= WORTH_REMOVING_BYTES) && this.#isRead(segment);
  }

  async #finish(segment: Segment): Promise<void> {
    this.#retire();
    try {
      await seal(this.#options.dir, segment);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await this.#giveUp(segment);
    }
  }

  async #makeRoom(bytes: number): Promise<void> {
    while (this.bytes + bytes > this.#options.maxBytes) {
      const [oldest] = this.#segments;
      if (oldest === undefined) return;
      if (!oldest.isSealed) await this.#finish(oldest);
      // An output may have read it to its end meanwhile.
      if (this.#segments[0] !== oldest) continue;
      // First, so that it is said and counted once, also when the disk refuses the removal.
      this.#segments.shift();
      for (const reader of this.#readers) reader.lose(oldest, "spool-full");
      if (!this.#isFull) this.#eventLog.emit("access-log.spool-full");
      this.#isFull = true;
      await removeSegment(oldest);
    }
  }

  async #beginAppending(): Promise<void> {
    if (this.#appending !== undefined) return;
    let segment = this.#segments.find(({ isSealed }) => !isSealed);
    if (segment === undefined) {
      segment = newSegment(this.#options.dir, this.#nextNumber);
      this.#nextNumber += 1;
      this.#segments.push(segment);
    }
    const fd = await promisify(open)(segment.path, "a", 0o600);
    this.#appending = { segment, fd, destination: openDestination(fd) };
  }

  async #remove(segments: readonly Segment[]): Promise<void> {
    this.#segments = this.#segments.filter((segment) => !segments.includes(segment));
    for (const segment of segments) {
      for (const reader of this.#readers) reader.forget(segment);
      await removeSegment(segment);
    }
  }

  #retire(): void {
    if (this.#appending !== undefined)
      this.#closing = Promise.all([this.#closing, this.#appending.destination.close()]);
    this.#appending = undefined;
  }
}
