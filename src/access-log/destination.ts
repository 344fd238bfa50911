import { pino } from "pino";

/** How a write ended: with all bytes out, or after `bytes` of them with the failure. */
export type Written = {
  readonly bytes: number;
  readonly failure: NodeJS.ErrnoException | undefined;
};

/** An open file descriptor that takes one write at a time. After a failure it must be closed and not written to again. */
export type Destination = {
  /** Never rejects. Part writes are continued, EAGAIN is waited out. `text` is ASCII. */
  readonly write: (text: string) => Promise<Written>;
  /** Syncs and closes the descriptor (1 and 2 stay open). Drops what it did not write. Never rejects. */
  readonly close: () => Promise<void>;
};

/**
 * pino's own destination (sonic-boom), used for what it is good at and for nothing else: it is given one batch at a time, so that its buffer, which
 * has no way back out, is empty whenever a file is swapped or given up (docs/design.md).
 */
export function openDestination(fd: number): Destination {
  const boom = pino.destination({ dest: fd, sync: false, minLength: 0 });
  // pino listens for EPIPE and turns the destination into a silent hole; its lines could not be counted.
  boom.removeAllListeners("error");
  let bytes = 0;
  let settle: (failure?: NodeJS.ErrnoException) => void = () => undefined;
  boom.on("write", (count: number) => void (bytes += count));
  boom.on("drain", () => settle());
  boom.on("error", (failure: NodeJS.ErrnoException) => settle(failure));
  return {
    write: (text) => {
      bytes = 0;
      return new Promise((resolve) => {
        settle = (failure) => resolve({ bytes, failure });
        boom.write(text);
      });
    },
    close: () =>
      new Promise((resolve) => {
        boom.once("close", resolve);
        settle = () => resolve();
        boom.destroy();
      }),
  };
}
