const FIRST_MS = 1000;
/** A receiver's wish beyond this is a mistake or mischief. */
const MAX_WISH_MS = 24 * 3_600_000;

/** How long to wait after `failures` in a row: doubling from 1 s to `maxMs`, less up to a half by chance, so that messages do not come back all at once. */
export function backOffMs(failures: number, maxMs: number, chance: number = Math.random()): number {
  const fullMs = Math.min(FIRST_MS * 2 ** Math.min(failures, 40), maxMs);
  return Math.ceil(fullMs * (1 - chance / 2));
}

/** `Retry-After` (RFC 9110 section 10.2.3), seconds or a date, as milliseconds from `nowMs`, 24 h at most; undefined for anything else. */
export function findRetryAfterMs(field: string | null, nowMs: number): number | undefined {
  if (field === null) return undefined;
  const text = field.trim();
  const wishMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(wishMs) ? undefined : Math.min(Math.max(wishMs, 0), MAX_WISH_MS);
}
