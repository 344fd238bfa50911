// The `expiration` field of Databunker's dialect: how long something that a caller stores may live.

import { LogveilError } from "../errors.ts";

/** `m` is a month of 31 days, not a minute: the dialect's clients rely on it. */
const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([
  ["s", 1],
  ["h", 3600],
  ["d", 86_400],
  ["m", 31 * 86_400],
]);

export type Expiration = {
  /** Absolute, ms since 1970; at most `maxMs` from now. */
  readonly expiresAtMs: number;
  /** False when something was given that the grammar does not know, and the cap was used instead. */
  readonly isUnderstood: boolean;
};

/**
 * Reads `value`, as it came out of a body, into an instant. A number (or digits) up to the present second is a number of
 * seconds from now, a larger one is a unix time; `30d`, `2h`, `45s` and `1m` are spans; nothing, zero and what is not
 * understood mean `maxMs`, which is the cap as well. Throws `expiration-invalid` for a negative number and for one that 64-bit
 * time cannot hold.
 */
export function parseExpiration(value: unknown, nowMs: number, maxMs: number): Expiration {
  const latestMs = nowMs + maxMs;
  const stated = findStated(value);
  if (stated === undefined) return { expiresAtMs: latestMs, isUnderstood: isAbsent(value) };
  const { seconds, isSpan } = stated;
  // Asked this way round, because NaN is in no range.
  const isInRange = seconds >= 0 && seconds <= Number.MAX_SAFE_INTEGER;
  if (!isInRange) throw new LogveilError("expiration-invalid");
  if (seconds === 0) return { expiresAtMs: latestMs, isUnderstood: true };
  const isUnixTime = !isSpan && seconds > Math.floor(nowMs / 1000);
  const expiresAtMs = isUnixTime ? seconds * 1000 : nowMs + seconds * 1000;
  return { expiresAtMs: Math.min(expiresAtMs, latestMs), isUnderstood: true };
}

type Stated = { readonly seconds: number; readonly isSpan: boolean };

function findStated(value: unknown): Stated | undefined {
  // Rounded down: a negative fraction must not become a zero, which would mean the longest time there is.
  if (typeof value === "number") return { seconds: Math.floor(value), isSpan: false };
  if (typeof value !== "string") return undefined;
  const match = /^(?<count>[0-9]+)(?<unit>[mhds])?$/.exec(value);
  if (match?.groups === undefined) return undefined;
  const { count, unit } = match.groups;
  const factor = unit === undefined ? 1 : (UNIT_SECONDS.get(unit) ?? 1);
  return { seconds: Number(count) * factor, isSpan: unit !== undefined };
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}
