// The only source of time. Parts take a Clock, so that tests move it by hand.

export type Clock = {
  /** Wall clock in milliseconds since 1970 (UTC). May jump in both directions. */
  readonly now: () => number;
  /** Milliseconds from an arbitrary start; never goes back. For durations. */
  readonly monotonic: () => number;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/**
 * A clock whose wall time is never before `notBeforeMs`. SECURITY: with the keyring's high-water mark as that instant, a
 * machine whose clock was set back cannot revive what has expired.
 */
export function createAdvancingClock(clock: Clock, notBeforeMs: () => number): Clock {
  return { now: () => Math.max(clock.now(), notBeforeMs()), monotonic: clock.monotonic };
}
