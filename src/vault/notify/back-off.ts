const FIRST_MS = 1000;

/** How long to wait after `failures` in a row: doubling from 1 s to `maxMs`, less up to a half by chance, so that messages do not come back all at once. */
export function backOffMs(failures: number, maxMs: number, chance: number = Math.random()): number {
  const fullMs = Math.min(FIRST_MS * 2 ** Math.min(failures, 40), maxMs);
  return Math.ceil(fullMs * (1 - chance / 2));
}
