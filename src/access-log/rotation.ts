/** When a file is due to be rotated: at multiples of `rotateMs` since 1970 (UTC), and before it would pass `maxSizeBytes`. */
export type RotationOptions = {
  /** 1000 at least: rotated files are named to the second. */
  readonly rotateMs: number;
  /** A file never passes this, except by one batch (64 KiB) when it is smaller than that. */
  readonly maxSizeBytes: number;
};

/** What is in the current file: how much, and of which interval. An empty file is never rotated. */
export class Rotation {
  readonly #options: RotationOptions;
  #bytes = 0;
  #interval = 0;

  constructor(options: RotationOptions) {
    this.#options = options;
  }

  /** A file was opened that holds `bytes`, the last of them written at `writtenAtMs`. */
  begin(bytes: number, writtenAtMs: number): void {
    this.#bytes = bytes;
    this.#interval = this.#intervalOf(writtenAtMs);
  }

  wrote(bytes: number, nowMs: number): void {
    const interval = this.#intervalOf(nowMs);
    // The oldest line counts. A clock that was wrong for a while and comes back may lower it, too.
    this.#interval = this.#bytes === 0 ? interval : Math.min(interval, this.#interval);
    this.#bytes += bytes;
  }

  /**
   * The instant (ms since 1970) at which the current file ends and after which it is named, or undefined while `more` bytes may
   * still go into it. At a boundary that is the boundary itself, however late it is noticed.
   */
  endOf(nowMs: number, more: number): number | undefined {
    if (this.#bytes === 0) return undefined;
    if (this.#intervalOf(nowMs) > this.#interval) {
      return (this.#interval + 1) * this.#options.rotateMs;
    }
    return this.#bytes + more > this.#options.maxSizeBytes ? nowMs : undefined;
  }

  #intervalOf(instantMs: number): number {
    return Math.floor(instantMs / this.#options.rotateMs);
  }
}
