import type { Database } from "./database.ts";
import type { EpochDatabases } from "./epoch-databases.ts";
import { sessionRange, tagOf } from "./key-layout.ts";

/** Keys read of one epoch. The estimate beyond that many is off by about 1 / √1000: 3 %. */
const SAMPLE_KEYS = 1000;

/**
 * How many session records there are: exact for epochs of fewer than 1,000, an estimate for larger ones. Tags come from a MAC, so
 * they are spread evenly, and where the thousandth lies tells how dense they are. A thousand keys read an epoch, once until it changes,
 * and no counter to keep right across crashes and outages.
 */
export class SessionCount {
  readonly #databases: EpochDatabases;
  /** Of epochs that have not been written since. As many as there are databases. */
  readonly #counted = new Map<number, number>();

  constructor(databases: EpochDatabases) {
    this.#databases = databases;
  }

  async all(): Promise<number> {
    let count = 0;
    for (const epoch of this.#databases.epochs()) count += await this.#of(epoch);
    return count;
  }

  /** Called after each change of the epoch. */
  forget(epoch: number): void {
    this.#counted.delete(epoch);
  }

  async #of(epoch: number): Promise<number> {
    const known = this.#counted.get(epoch);
    if (known !== undefined) return known;
    const sample = await this.#databases.ask(epoch, (database) => readSample(database, epoch));
    const count = estimate(sample ?? []);
    this.#counted.set(epoch, count);
    return count;
  }
}

/** `keys` are the first of one epoch. */
function estimate(keys: readonly Uint8Array[]): number {
  const last = keys.at(-1);
  if (last === undefined || keys.length < SAMPLE_KEYS) return keys.length;
  return Math.max(keys.length, Math.round(keys.length / positionOf(tagOf(last))));
}

/** Where a tag lies between the first (0) and the last (1) that are possible; its first 6 bytes are precise enough. */
function positionOf(tag: Uint8Array): number {
  return (Buffer.from(tag).readUIntBE(0, 6) + 1) / 2 ** 48;
}

function readSample(database: Database, epoch: number): Promise<readonly Uint8Array[]> {
  return database.read((level) =>
    level.keys({ ...sessionRange(epoch), limit: SAMPLE_KEYS, fillCache: false }).all(),
  );
}
