import type { Written } from "./destination.ts";

/** What an output writes to. All calls come one after the other, so a medium needs no lock. */
export type Medium = {
  /**
   * Makes ready for `bytes` more: opens, reopens, rotates, whatever is due. Rejects when the medium cannot be opened; it can
   * be called again then.
   */
  readonly prepare: (bytes: number) => Promise<void>;
  /** Comes after a successful `prepare`. */
  readonly write: (text: string) => Promise<Written>;
  /**
   * Gives up after a failed write whose last `fragment` bytes are the beginning of a line. Answers how many of these were taken
   * back (they are written again later, otherwise the line is continued where it broke off).
   */
  readonly abandon: (fragment: number) => Promise<number>;
  /** True when `prepare` has something to do although no line comes. Cheap: asked twice a second. */
  readonly isDue: () => boolean;
  /** Asks for the medium to be opened anew before the next write. */
  readonly reopen: () => void;
  readonly close: () => Promise<void>;
};
