import type { Database } from "./database.ts";
import { epochKey, epochListRange, epochOf, removalRange } from "./key-layout.ts";
import { walkRange } from "./range-walk.ts";

/** Which epochs have a database, as the main database says: so one that is lost is not taken for one that never was. */
export class EpochList {
  readonly #main: Database;
  readonly #epochs: Set<number>;

  private constructor(main: Database, epochs: Set<number>) {
    this.#main = main;
    this.#epochs = epochs;
  }

  static async open(main: Database): Promise<EpochList> {
    const epochs = new Set<number>();
    for await (const keys of walkRange(main, epochListRange()))
      for (const key of keys) epochs.add(epochOf(key));
    return new EpochList(main, epochs);
  }

  has(epoch: number): boolean {
    return this.#epochs.has(epoch);
  }

  /** In no meaningful order. */
  all(): ReadonlySet<number> {
    return this.#epochs;
  }

  /** On the disk when it resolves. */
  async add(epoch: number): Promise<void> {
    await this.#main.write((level) =>
      level.put(epochKey(epoch), new Uint8Array(0), { sync: true }),
    );
    this.#epochs.add(epoch);
  }

  /** With what was noted about its sessions; on the disk when it resolves. */
  async remove(epoch: number): Promise<void> {
    if (!this.#epochs.has(epoch)) return;
    await this.#main.write(async (level) => {
      await level.clear({ ...removalRange(epoch) });
      await level.del(epochKey(epoch), { sync: true });
    });
    this.#epochs.delete(epoch);
  }
}
