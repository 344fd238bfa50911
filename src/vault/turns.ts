/** Runs `act` when everything that was begun before it under any of the same keys has ended. Rejects with what `act` rejects with. */
export type TakeTurn = <T>(keys: string | readonly string[], act: () => Promise<T>) => Promise<T>;

/**
 * Turns for operations that touch several places (a key in the keyring, an index, a record) and must not interleave on one key;
 * on different keys they run side by side. Holds one entry for each key under way, so it is bounded by the requests under way.
 */
export function createTurns(): TakeTurn {
  const last = new Map<string, Promise<unknown>>();
  return async (keys, act) => {
    const mineKeys = typeof keys === "string" ? [keys] : [...new Set(keys)];
    // All places in line are taken in one go, so two operations cannot each wait for the other.
    const before = Promise.allSettled(mineKeys.map((key) => last.get(key) ?? Promise.resolve()));
    const mine = before.then(act);
    for (const key of mineKeys) last.set(key, mine);
    try {
      return await mine;
    } finally {
      for (const key of mineKeys) if (last.get(key) === mine) last.delete(key);
    }
  };
}
