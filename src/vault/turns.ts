/** Runs `act` when everything that was begun before it under the same key has ended. Rejects with what `act` rejects with. */
export type TakeTurn = <T>(key: string, act: () => Promise<T>) => Promise<T>;

/**
 * Turns for operations that touch two places (a key in the keyring, a record in the store) and must not interleave on one key;
 * on different keys they run side by side. Holds one entry for each key under way, so it is bounded by the requests under way.
 */
export function createTurns(): TakeTurn {
  const last = new Map<string, Promise<unknown>>();
  return async (key, act) => {
    const before = last.get(key) ?? Promise.resolve();
    const mine = before.then(act, act);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
