const FIRST_MS = 500;
const MAX_MS = 60_000;

/** How long to wait after `failures` in a row: anything up to a bound that doubles from 500 ms to a minute (full jitter), so that no two senders keep step. */
export function backOffMs(failures: number, chance: number): number {
  return Math.ceil(Math.min(FIRST_MS * 2 ** Math.min(failures, 40), MAX_MS) * chance);
}
