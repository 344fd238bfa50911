import type { EventLog } from "../../event-log.ts";
import type { DropReason, LineCounter } from "../line-counter.ts";
import { BEGINNING, readCursor, writeCursor } from "./cursor.ts";
import type { Cursor } from "./cursor.ts";
import { findEntry } from "./entry.ts";
import type { Entry } from "./entry.ts";
import { readSegment } from "./segment.ts";
import type { Segment } from "./segment.ts";
import type { Spool } from "./spool.ts";

/** Consecutive lines of one segment. */
export type Batch = {
  readonly entries: readonly Entry[];
  /** Lines among them that are not as they were written. */
  readonly damaged: number;
  readonly lines: number;
  readonly behind: Cursor;
  /** Its segment has been dropped meanwhile: its lines are in memory only, and still to be delivered. */
  isDetached: boolean;
};

const NEWLINE = 0x0a;

export type ReaderCounter = LineCounter & {
  /** Lines that an earlier process had accepted and not delivered. */
  readonly resumed: (lines: number) => void;
};

/** What one output has still to deliver. One batch is in hand at a time. */
export class SpoolReader {
  readonly #spool: Spool;
  readonly #output: string;
  readonly #counter: ReaderCounter;
  readonly #eventLog: EventLog;
  #cursor = BEGINNING;
  #held: Batch | undefined;
  #waiting = 0;
  #onAppend: () => void = () => undefined;

  constructor(spool: Spool, parts: { output: string; counter: ReaderCounter; eventLog: EventLog }) {
    this.#spool = spool;
    this.#output = parts.output;
    this.#counter = parts.counter;
    this.#eventLog = parts.eventLog;
    spool.add(this);
  }

  /** Lines in the spool, or in hand, that are not delivered. */
  get waiting(): number {
    return this.#waiting;
  }

  onAppend(wake: () => void): void {
    this.#onAppend = wake;
  }

  /** Takes up what an earlier process has left. Answers the number that the next segment must have at least. */
  async open(): Promise<number> {
    const cursor = await readCursor(this.#spool.dir, this.#output);
    this.#cursor = cursor;
    const left = this.#spool.segments.filter(({ number }) => number >= cursor.segment);
    const lines = left.reduce((sum, segment) => sum + segment.lines, 0);
    const read = left[0]?.number === cursor.segment ? Math.min(cursor.lines, left[0].lines) : 0;
    this.#waiting = lines - read;
    this.#counter.resumed(this.#waiting);
    return cursor.segment + 1;
  }

  appended(lines: number): void {
    this.#waiting += lines;
    this.#onAppend();
  }

  hasRead(number: number, bytes: number): boolean {
    const { segment, offset } = this.#cursor;
    return segment > number || (segment === number && offset >= bytes);
  }

  /** The next batch of about `maxBytes`; undefined when there is none. Rejects when the disk does. */
  async read(maxBytes: number): Promise<Batch | undefined> {
    if (!this.#spool.isOpen) return undefined;
    for (;;) {
      const segment = this.#spool.segments.find(({ number }) => number >= this.#cursor.segment);
      if (segment === undefined) return undefined;
      if (segment.number > this.#cursor.segment)
        this.#cursor = { ...BEGINNING, segment: segment.number };
      const batch = await this.#readFrom(segment, maxBytes);
      // It may have been dropped while it was read; then it is not this reader's any more.
      if (!this.#spool.segments.includes(segment)) continue;
      if (batch !== undefined) return (this.#held = batch);
      if (!segment.isSealed) return undefined;
      this.#leave(segment);
    }
  }

  /**
   * All entries of the batch are delivered, or dropped and counted. Rejects when the disk does; the cursor has moved all the same, and is
   * written with the next batch.
   */
  async commit(batch: Batch): Promise<void> {
    this.#waiting -= batch.lines - batch.damaged;
    this.#drop(batch.damaged, "damaged");
    this.#held = undefined;
    if (batch.isDetached) return;
    this.#cursor = batch.behind;
    try {
      await writeCursor(this.#spool.dir, this.#output, this.#cursor);
    } finally {
      // Also on a full disk, which is what makes room on it.
      await this.#spool.release();
    }
  }

  /** It has been read, and goes. */
  forget(segment: Segment): void {
    if (this.#cursor.segment === segment.number) this.#leave(segment);
  }

  /** It goes before it has been read to its end; what is in hand of it is still delivered. */
  lose(segment: Segment, reason: DropReason): void {
    const { segment: number, lines: read } = this.#cursor;
    if (number > segment.number) return;
    let lines = segment.lines - (number === segment.number ? read : 0);
    if (this.#held?.behind.segment === segment.number && !this.#held.isDetached) {
      this.#held.isDetached = true;
      lines -= this.#held.lines;
    }
    this.#drop(lines, reason);
    this.#cursor = { ...BEGINNING, segment: segment.number + 1 };
  }

  async #readFrom(segment: Segment, maxBytes: number): Promise<Batch | undefined> {
    const { offset } = this.#cursor;
    if (offset >= segment.bytes) return undefined;
    const bytes = await this.#linesAt(segment, offset, maxBytes);
    if (bytes === undefined) return undefined;
    const texts = bytes.toString("latin1").split("\n");
    if (texts.at(-1) === "") texts.pop();
    const entries = texts.map(findEntry).filter((entry) => entry !== undefined);
    const lines = texts.length;
    const behind = {
      segment: segment.number,
      offset: offset + bytes.length,
      lines: this.#cursor.lines + lines,
    };
    return { entries, damaged: lines - entries.length, lines, behind, isDetached: false };
  }

  /** Whole lines, and of a sealed segment also a last one that is torn. Undefined when there are none. */
  async #linesAt(segment: Segment, offset: number, maxBytes: number): Promise<Buffer | undefined> {
    const rest = segment.bytes - offset;
    for (let wanted = Math.min(maxBytes, rest); ; wanted = Math.min(wanted * 2, rest)) {
      const bytes = await readSegment(segment, offset, wanted);
      if (bytes.length < wanted && segment.isSealed) return bytes.length === 0 ? undefined : bytes;
      const end = bytes.lastIndexOf(NEWLINE) + 1;
      if (end > 0) return bytes.subarray(0, end);
      if (wanted === rest) return segment.isSealed ? bytes : undefined;
    }
  }

  /** Its end is reached. What is missing of the lines that it had is gone: the file was cut short, or lines in it run together. */
  #leave(segment: Segment): void {
    const missing = segment.lines - this.#cursor.lines;
    this.#cursor = { ...BEGINNING, segment: segment.number + 1 };
    if (missing > 0) this.#drop(missing, "damaged");
    // More lines than there were: a bit became a newline. They have all been counted, so they have all been there.
    if (missing < 0) {
      this.#waiting -= missing;
      this.#counter.resumed(-missing);
    }
  }

  #drop(lines: number, reason: DropReason): void {
    if (lines <= 0) return;
    this.#waiting -= lines;
    this.#counter.dropped(lines, reason);
    if (reason === "damaged")
      this.#eventLog.emit("access-log.spool-damaged", { output: this.#output, lines });
  }
}
