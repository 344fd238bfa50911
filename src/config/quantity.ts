// Durations, sizes and rates as people write them. Whole numbers with a unit, nothing else: `30` could be seconds or
// milliseconds, `1.5h` and `1h30m` are one guess more than a configuration should need.

const DURATION_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_BYTES = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;
const RATE_MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

export const DURATION_PATTERN = "^([0-9]{1,9})(ms|s|m|h|d)$";
export const SIZE_PATTERN = "^([0-9]{1,9})(B|KiB|MiB|GiB|TiB)$";
export const RATE_PATTERN = "^([1-9][0-9]{0,8})/(s|m|h)$";

/** So many events in so long a time. */
export type Rate = { readonly count: number; readonly perMs: number };

/** `250ms 30s 15m 24h 30d` in milliseconds; undefined for anything else, and past 2^53. */
export function findDuration(text: string): number | undefined {
  const found = split(text, DURATION_PATTERN, DURATION_MS);
  return found && exactly(found.amount * found.factor);
}

/** `512B 16KiB 1MiB 2GiB 1TiB` in bytes; undefined for anything else, and past 2^53. */
export function findSize(text: string): number | undefined {
  const found = split(text, SIZE_PATTERN, SIZE_BYTES);
  return found && exactly(found.amount * found.factor);
}

/** `10/s 600/m 5000/h`, one at least; undefined for anything else. */
export function findRate(text: string): Rate | undefined {
  const found = split(text, RATE_PATTERN, RATE_MS);
  return found && { count: found.amount, perMs: found.factor };
}

function split(
  text: string,
  pattern: string,
  units: Readonly<Record<string, number>>,
): { readonly amount: number; readonly factor: number } | undefined {
  const [, digits = "", unit = ""] = new RegExp(pattern).exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : { amount: Number.parseInt(digits, 10), factor };
}

function exactly(product: number): number | undefined {
  return Number.isSafeInteger(product) ? product : undefined;
}
