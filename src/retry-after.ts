/**
 * `Retry-After` (RFC 9110 section 10.2.3), seconds or a date, as milliseconds from `nowMs`, from 0 to `maxMs`; undefined for anything
 * else.
 */
export function findRetryAfterMs(
  field: string | null,
  nowMs: number,
  maxMs: number,
): number | undefined {
  if (field === null) return undefined;
  const text = field.trim();
  const wishMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(wishMs) ? undefined : Math.min(Math.max(wishMs, 0), maxMs);
}
