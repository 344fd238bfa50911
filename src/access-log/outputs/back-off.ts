const FIRST_MS = 500;
const MAX_MS = 60_000;
/** A receiver's wish beyond this is a mistake or mischief. */
const MAX_WISH_MS = 3_600_000;

/** How long to wait after `failures` in a row: anything up to a bound that doubles from 500 ms to a minute (full jitter), so that no two senders keep step. */
export function backOffMs(failures: number, chance: number): number {
  return Math.ceil(Math.min(FIRST_MS * 2 ** Math.min(failures, 40), MAX_MS) * chance);
}

/** `Retry-After` (RFC 9110 section 10.2.3), seconds or a date, as milliseconds from `nowMs`, an hour at most; undefined for anything else. */
export function findRetryAfterMs(field: string | null, nowMs: number): number | undefined {
  if (field === null) return undefined;
  const text = field.trim();
  const wishMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(wishMs) ? undefined : Math.min(Math.max(wishMs, 0), MAX_WISH_MS);
}
