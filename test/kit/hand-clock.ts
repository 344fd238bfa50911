import type { Clock } from "../../src/clock.ts";

export type HandClock = Clock & {
  /** Time passes: wall and monotonic time move on together. Negative steps are a `TypeError`; use `jumpTo` for those. */
  readonly advance: (ms: number) => void;
  /** Somebody sets the machine's clock: wall time jumps, forwards or back, and monotonic time stays. */
  readonly jumpTo: (nowMs: number) => void;
};

/** A clock that moves only when a test moves it. Starts at noon UTC on a day without a leap second or a change of DST. */
export function createHandClock(startMs: number = Date.UTC(2026, 1, 10, 12)): HandClock {
  let nowMs = startMs;
  let monotonicMs = 0;
  return {
    now: () => nowMs,
    monotonic: () => monotonicMs,
    advance: (ms) => {
      if (!(ms >= 0)) throw new TypeError("time passes forwards only");
      nowMs += ms;
      monotonicMs += ms;
    },
    jumpTo: (ms) => {
      nowMs = ms;
    },
  };
}
