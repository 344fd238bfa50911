import type { Clock } from "../../clock.ts";
import { LogveilError } from "../../errors.ts";

/** What people without an access token may have written down: one counter for all of them, in this process. */
export type AnonymousRate = {
  /** Rejects `too-many-requests` once the hour's share is used up. */
  readonly count: () => void;
};

const WINDOW_MS = 3_600_000;

/** So many in an hour, counted from the first of them, so that nobody fills the disk from outside. */
export function createAnonymousRate(clock: Clock, maxPerHour: number): AnonymousRate {
  let beganAt = -Infinity;
  let used = 0;
  return {
    count: () => {
      const now = clock.monotonic();
      if (now - beganAt >= WINDOW_MS) {
        beganAt = now;
        used = 0;
      }
      if (used >= maxPerHour) throw new LogveilError("too-many-requests");
      used += 1;
    },
  };
}
