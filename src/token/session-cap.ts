import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";

// About 100 bytes each. Whoever makes the table forget a scope needs 65,536 others for it, and gains one more round of `count`.
const MAX_SCOPES = 65_536;

export type CapOptions = {
  /** New sessions that one scope may have within `perMs`. */
  readonly count: number;
  readonly perMs: number;
};

type Window = { readonly startedAtMs: number; count: number };

/** Counts the new sessions of each scope (an address, an IPv6 /64) in windows of fixed length on the monotonic clock. */
export class SessionCap {
  readonly #options: CapOptions;
  readonly #clock: Clock;
  readonly #windows = new LRUCache<string, Window>({ max: MAX_SCOPES });

  constructor(options: CapOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /**
   * Counts one new session; false when the scope has had its share and the session is not to be.
   *
   * @param scope a digest of it. SECURITY: the table outlives the request, so it must not hold addresses.
   */
  admit(scope: string): boolean {
    const nowMs = this.#clock.monotonic();
    const window = this.#windows.get(scope);
    if (window === undefined || nowMs - window.startedAtMs >= this.#options.perMs) {
      this.#windows.set(scope, { startedAtMs: nowMs, count: 1 });
      return this.#options.count > 0;
    }
    if (window.count >= this.#options.count) return false;
    window.count += 1;
    return true;
  }
}
