/**
 * The epoch of an instant: the second, since 1970 (UTC), at which it began; unsigned 32 bit, so until 2106.
 * Epochs begin at multiples of `rotateMs`, which is a whole number of seconds, 1000 at least.
 */
export function epochAt(nowMs: number, rotateMs: number): number {
  return (Math.floor(nowMs / rotateMs) * (rotateMs / 1000)) >>> 0;
}
