// The sessions of each epoch have a database of their own, so that an epoch that has expired is closed, set aside and unlinked: LevelDB
// itself removes nothing then, and nobody who reads or writes another epoch waits. (It holds its lock while it unlinks what a compaction
// has left, and every read takes that lock on the main thread.)
//
// They are opened when they are asked for, and of those that nobody is using a few stay open. The list in the main database says which
// there are: written when a database exists and before anything is stored in it, struck before it goes.

import { LRUCache } from "lru-cache";
import { LogveilError } from "../errors.ts";
import type { EventLog } from "../event-log.ts";
import { createSerial } from "../keys/serial.ts";
import { Database } from "./database.ts";
import type { DatabaseOptions, Health, ReopenDelay } from "./database.ts";
import type { EpochFolders } from "./epoch-folders.ts";
import { EpochList } from "./epoch-list.ts";
import type { GroupCommit, Write } from "./group-commit.ts";

/** How many stay open that nobody is using: the epochs written last (two at a rollover), and those that were only looked into. */
const MAX_WRITTEN = 2;
const MAX_READ = 4;

export type EpochDatabasesParts = {
  readonly main: Database;
  readonly folders: EpochFolders;
  readonly eventLog: EventLog;
  readonly reopen: ReopenDelay;
  /** The commit of a database that has been opened. */
  readonly commitOf: (database: Database) => GroupCommit;
};

/** A database that is open or is being opened. */
type Slot = {
  /** Undefined when the epoch was swept before its turn came. Once open, it stays until the slot is closed. */
  readonly opening: Promise<Opened | undefined>;
  /** What is under way in it. */
  readonly uses: Set<Promise<unknown>>;
  opened: Opened | undefined;
  /** How many sessions wait for it to be opened; not undefined for a database that has been written. */
  sessions: number | undefined;
};

type Opened = { readonly database: Database; readonly commit: GroupCommit };

export class EpochDatabases {
  readonly #parts: EpochDatabasesParts;
  readonly #list: EpochList;
  /** Folders that are not in the list: of a creation or a removal that was cut short. */
  readonly #unlisted: Set<number>;
  readonly #slots = new Map<number, Slot>();
  readonly #written = this.#createIdle(MAX_WRITTEN);
  readonly #read = this.#createIdle(MAX_READ);
  /** Opens, closes and takes away one database at a time, in the order in which that was asked for. */
  readonly #serially = createSerial();
  readonly #sweeps = new Map<number, Promise<void>>();
  /** Removes what sweeps before the start have left. */
  #removal: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(parts: EpochDatabasesParts, list: EpochList, unlisted: Set<number>) {
    this.#parts = parts;
    this.#list = list;
    this.#unlisted = unlisted;
  }

  /** Opens none of them. Rejects `store-missing` when one that is in the list has no folder. */
  static async open(parts: EpochDatabasesParts): Promise<EpochDatabases> {
    const { eventLog, folders, main } = parts;
    const list = await EpochList.open(main);
    const found = await folders.prepare();
    const missing = list.all().difference(new Set(found.epochs));
    if (missing.size > 0) throw new LogveilError("store-missing");
    if (found.unknown > 0) eventLog.emit("store.unknown-folders", { folders: found.unknown });
    const unlisted = new Set(found.epochs).difference(list.all());
    const databases = new EpochDatabases(parts, list, unlisted);
    databases.#removal = databases.#removeAside(found.swept);
    return databases;
  }

  get health(): Health {
    const isOk = [...this.#slots.values()].every(({ opened }) => opened?.database.health !== "unavailable"); // prettier-ignore
    return isOk ? "ok" : "unavailable";
  }

  /** Those with anything on the disk, ascending. */
  epochs(): readonly number[] {
    return [...this.#list.all(), ...this.#unlisted].toSorted((a, b) => a - b);
  }

  /** Asks something of the epoch's database. Undefined when there is none; rejects with the code for which it cannot be opened. */
  async ask<Result>(
    epoch: number,
    query: (database: Database) => Promise<Result>,
  ): Promise<Result | undefined> {
    this.#refuseClosed();
    if (!this.#list.has(epoch)) return undefined;
    return this.#use(
      epoch,
      this.#slotOf(epoch),
      async (opened) => opened && query(opened.database),
    );
  }

  /** Commits to the epoch's database, which is created when there is none. Rejects `store-unavailable` when it cannot be opened. */
  async commit(epoch: number, writes: readonly Write[]): Promise<void> {
    this.#refuseClosed();
    const slot = this.#slotOf(epoch);
    slot.sessions = (slot.sessions ?? 0) + writes.length;
    await this.#use(epoch, slot, async (opened) => {
      if (opened === undefined) throw new LogveilError("store-unavailable");
      await opened.commit.add(writes);
    });
  }

  /** Removes the epoch's database; resolves when its files are gone. Finishes what an earlier call has left. */
  async sweep(epoch: number): Promise<void> {
    this.#refuseClosed();
    const running = this.#sweeps.get(epoch) ?? this.#sweep(epoch);
    this.#sweeps.set(epoch, running);
    try {
      await running;
    } finally {
      this.#sweeps.delete(epoch);
    }
  }

  /** Waits for what has been accepted. Everything later rejects `store-closed`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([
      this.#removal,
      ...this.#sweeps.values(),
      ...[...this.#slots.values()].flatMap(({ uses }) => [...uses]),
    ]);
    for (const [epoch, slot] of this.#slots) this.#retire(epoch, slot);
    await this.#serially(async () => undefined);
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new LogveilError("store-closed");
  }

  #slotOf(epoch: number): Slot {
    const known = this.#slots.get(epoch);
    if (known !== undefined) return known;
    const opening = this.#serially(() => this.#open(epoch, slot));
    const slot: Slot = { opening, uses: new Set(), opened: undefined, sessions: undefined };
    this.#slots.set(epoch, slot);
    return slot;
  }

  /** A slot that is in use is in no cache, so it is not closed. */
  async #use<Result>(
    epoch: number,
    slot: Slot,
    act: (opened: Opened | undefined) => Promise<Result>,
  ): Promise<Result> {
    if (slot.uses.size === 0) {
      this.#written.delete(epoch);
      this.#read.delete(epoch);
    }
    const use = slot.opened === undefined ? slot.opening.then(act) : act(slot.opened);
    slot.uses.add(use);
    try {
      return await use;
    } finally {
      slot.uses.delete(use);
      if (slot.uses.size === 0 && this.#slots.get(epoch) === slot)
        (slot.sessions === undefined ? this.#read : this.#written).set(epoch, slot);
    }
  }

  /** Whoever writes is refused at once while the database cannot be opened, as in any other outage; whoever reads is told why. */
  async #open(epoch: number, slot: Slot): Promise<Opened | undefined> {
    const isWanted = this.#list.has(epoch) || slot.sessions !== undefined;
    const database = isWanted ? await this.#openOrFail(epoch, slot) : undefined;
    if (database === undefined) {
      this.#slots.delete(epoch);
      return undefined;
    }
    return (slot.opened = { database, commit: this.#parts.commitOf(database) });
  }

  async #openOrFail(epoch: number, slot: Slot): Promise<Database> {
    const options = this.#optionsOf(epoch);
    try {
      return await Database.open(options);
    } catch (error) {
      if (slot.sessions !== undefined) return Database.unavailable(options, slot.sessions);
      this.#slots.delete(epoch);
      throw error;
    }
  }

  #optionsOf(epoch: number): DatabaseOptions {
    const { eventLog, folders, reopen } = this.#parts;
    const files = {
      folder: folders.path(epoch),
      isMarked: async () => this.#list.has(epoch),
      mark: async () => {
        await folders.sync();
        await this.#list.add(epoch);
        this.#unlisted.delete(epoch);
      },
    };
    return { files, eventLog, reopen };
  }

  #createIdle(max: number): LRUCache<number, Slot> {
    return new LRUCache<number, Slot>({
      max,
      dispose: (slot, epoch, reason) => {
        if (reason === "evict") this.#retire(epoch, slot);
      },
    });
  }

  /** Closes it in its turn: opened again meanwhile, it would be locked. */
  #retire(epoch: number, slot: Slot): void {
    this.#slots.delete(epoch);
    void this.#serially(() => closeSlot(slot));
  }

  async #sweep(epoch: number): Promise<void> {
    const { folders } = this.#parts;
    // Out of sight before its turn comes, so that whoever asks from now on is behind it.
    const slot = this.#slots.get(epoch);
    this.#slots.delete(epoch);
    this.#written.delete(epoch);
    this.#read.delete(epoch);
    await this.#serially(async () => {
      if (slot !== undefined) {
        await Promise.allSettled(slot.uses);
        await closeSlot(slot);
      }
      await this.#list.remove(epoch);
      await folders.setAside(epoch);
      this.#unlisted.delete(epoch);
    });
    await folders.removeAside(epoch);
  }

  /** In the background. What cannot be removed is found again at the next start. */
  async #removeAside(epochs: readonly number[]): Promise<void> {
    for (const epoch of epochs)
      if (!this.#isClosed) await this.#parts.folders.removeAside(epoch).catch(() => undefined);
  }
}

/** What it has acknowledged is in its files, whatever closing it reports. */
async function closeSlot({ opened }: Slot): Promise<void> {
  await opened?.commit.close();
  await opened?.database.close().catch(() => undefined);
}
