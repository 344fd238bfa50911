import { ownCopyOf } from "./own-copy.ts";

/** What is counted under a name, and by how much at most that is too much. */
export type Frequency<T> = { readonly name: string; readonly tally: T; readonly missed: number };

/**
 * The most frequent of any number of names, in a table of fixed size (Metwally et al., Space-Saving, 2005): a new name takes the place of the rarest. What
 * came more often than lines divided by the table's size is in it for sure. Deterministic.
 */
export class Frequent<T extends { count: number }> {
  readonly #size: number;
  readonly #create: () => T;
  readonly #tallies = new Map<string, { tally: T; readonly missed: number }>();

  constructor(size: number, create: () => T) {
    this.#size = size;
    this.#create = create;
  }

  /** Counts one, and gives the tally of `name` for what else is to be noted. */
  count(name: string): T {
    const known = this.#tallies.get(name) ?? this.#admit(name);
    known.tally.count++;
    return known.tally;
  }

  /** The most frequent first, equals by their names. `tally.count` is at least true when `missed` is taken off. */
  ranked(): readonly Frequency<T>[] {
    return [...this.#tallies]
      .map(([name, { tally, missed }]) => ({ name, tally, missed }))
      .sort(
        (a, b) =>
          b.tally.count - b.missed - (a.tally.count - a.missed) || (a.name < b.name ? -1 : 1),
      );
  }

  #admit(name: string): { tally: T; readonly missed: number } {
    const missed = this.#tallies.size < this.#size ? 0 : this.#evict();
    const admitted = { tally: this.#create(), missed };
    admitted.tally.count = missed;
    this.#tallies.set(ownCopyOf(name), admitted);
    return admitted;
  }

  #evict(): number {
    let rarest: string | undefined;
    let least = Infinity;
    for (const [name, { tally }] of this.#tallies) {
      if (tally.count < least) [rarest, least] = [name, tally.count];
    }
    if (rarest !== undefined) this.#tallies.delete(rarest);
    return least;
  }
}
