import { MAX_LINE_BYTES } from "./line-splitter.ts";

/** A header and what belongs to it, before the message. */
export const MAX_FRAME_BYTES = MAX_LINE_BYTES + 2048;

const NEWLINE = 10;
const SPACE = 32;
const COUNT = /^[1-9]\d{0,8}$/;
/** Digits and their space. */
const MAX_COUNT_BYTES = 10;

export type SyslogFrames = {
  /** The frames that end in `chunk`, in Latin-1; one that is longer than `MAX_FRAME_BYTES` is cut there. */
  readonly push: (chunk: Buffer) => readonly string[];
  /** What the connection ended in without a newline. */
  readonly end: () => string | undefined;
  /** True when a count was none: where the next frame begins nobody knows. */
  readonly isBroken: () => boolean;
};

/**
 * Frames of syslog over TCP (RFC 6587): counted octets where a frame begins with a digit, otherwise up to a newline. Both may come on one
 * connection. Holds `MAX_FRAME_BYTES` at most, whatever is announced.
 */
export function createSyslogFrames(): SyslogFrames {
  let waiting: Buffer = Buffer.alloc(0);
  /** Bytes still to come of a frame that has been cut; Infinity up to a newline. */
  let skipped = 0;
  let isBroken = false;
  const skip = () => {
    if (skipped === Number.POSITIVE_INFINITY) {
      const end = waiting.indexOf(NEWLINE);
      if (end !== -1) skipped = 0;
      waiting = end === -1 ? Buffer.alloc(0) : waiting.subarray(end + 1);
      return;
    }
    const taken = Math.min(skipped, waiting.length);
    skipped -= taken;
    waiting = waiting.subarray(taken);
  };
  const next = (): string | undefined => {
    if (skipped > 0) skip();
    if (skipped > 0 || waiting.length === 0) return undefined;
    const first = waiting[0] ?? 0;
    if (first < 49 || first > 57) return nextLine();
    const space = waiting.subarray(0, MAX_COUNT_BYTES).indexOf(SPACE);
    const count = waiting.toString("latin1", 0, space === -1 ? MAX_COUNT_BYTES : space);
    if (space === -1 && waiting.length < MAX_COUNT_BYTES && COUNT.test(count)) return undefined;
    if (space === -1 || !COUNT.test(count)) {
      isBroken = true;
      return undefined;
    }
    return nextCounted(space + 1, Number(count));
  };
  const nextCounted = (from: number, bytes: number): string | undefined => {
    const kept = Math.min(bytes, MAX_FRAME_BYTES);
    if (waiting.length < from + kept) return undefined;
    const frame = waiting.toString("latin1", from, from + kept);
    waiting = waiting.subarray(from + kept);
    skipped = bytes - kept;
    return frame;
  };
  const nextLine = (): string | undefined => {
    const end = waiting.indexOf(NEWLINE);
    if (end === -1 && waiting.length < MAX_FRAME_BYTES) return undefined;
    const isCut = end === -1 || end > MAX_FRAME_BYTES;
    const kept = isCut ? MAX_FRAME_BYTES : end;
    const frame = waiting.toString("latin1", 0, kept);
    waiting = waiting.subarray(isCut ? kept : end + 1);
    if (isCut) skipped = Number.POSITIVE_INFINITY;
    return frame;
  };
  return {
    push: (chunk) => {
      waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
      const frames: string[] = [];
      for (let frame = next(); frame !== undefined; frame = next()) frames.push(frame);
      // A piece of a large chunk must not keep the whole of it.
      waiting = Buffer.from(waiting);
      return frames;
    },
    end: () => (waiting.length === 0 || skipped > 0 ? undefined : waiting.toString("latin1")),
    isBroken: () => isBroken,
  };
}
