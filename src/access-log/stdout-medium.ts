import { openDestination } from "./destination.ts";
import type { Destination } from "./destination.ts";
import type { Medium } from "./medium.ts";

/** Standard output, or what it was redirected to. */
const STDOUT = 1;

/**
 * Standard output as a medium. A broken-off line is continued and not taken back: behind it may be a pipe, or a file that others
 * write to as well. Nobody else may touch `process.stdout` in the same process: it would make the pipe non-blocking and
 * sonic-boom then waits 100 ms whenever the pipe is full.
 */
export function createStdoutMedium(fd: number = STDOUT): Medium {
  let destination: Destination | undefined;
  const close = async () => {
    const closing = destination;
    destination = undefined;
    await closing?.close();
  };
  return {
    prepare: () => Promise.resolve(),
    write: (text) => {
      destination ??= openDestination(fd);
      return destination.write(text);
    },
    abandon: async () => {
      await close();
      return 0;
    },
    isDue: () => false,
    reopen: () => undefined,
    close,
  };
}
