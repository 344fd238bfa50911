// What is kept, and how it survives. Everything that arrives here is sealed already or says nothing about anybody: the store orders it,
// writes it in groups, finds it by key, and removes whole epochs as ranges. It holds no key and opens nothing; what must
// die at an instant is a key in keys/, never a record in here, as LevelDB keeps deleted values in its files for a while.
//
// A LevelDB folder (database-files.ts) becomes a database that outlives a full disk (database.ts); all writes pass through it one at a
// time, sessions and small changes in groups (group-commit.ts). No type of LevelDB leaves this folder.

import type { Clock } from "../clock.ts";
import type { EventLog } from "../event-log.ts";
import type { Metrics } from "../metrics.ts";
import { createCallerSessions } from "./caller-sessions.ts";
import type { CallerSessions } from "./caller-sessions.ts";
import { openCookieNames } from "./cookie-names.ts";
import type { CookieNames } from "./cookie-names.ts";
import { Database } from "./database.ts";
import type { Health, ReopenDelay } from "./database.ts";
import { createDocuments } from "./documents.ts";
import type { Documents } from "./documents.ts";
import { GroupCommit } from "./group-commit.ts";
import { createGroupWriter } from "./group-writer.ts";
import { createSessionRecords } from "./session-records.ts";
import type { SessionRecords } from "./session-records.ts";

/** What the vault asks of a store. In an outage everything rejects `store-unavailable` at once, after `close` `store-closed`. */
export type Store = {
  readonly sessions: SessionRecords;
  readonly callerSessions: CallerSessions;
  readonly names: CookieNames;
  readonly documents: Documents;
  /** "unavailable" from a failed write until the database has been opened again and has taken a write. */
  readonly health: () => Health;
  /** Waits for the writes accepted so far. */
  readonly close: () => Promise<void>;
};

export type StoreOptions = {
  /** The data folder; the store is `<dir>/store`, mode 0700, and `<dir>/store.marker`. */
  readonly dir: string;
  /** "process": what is acknowledged survives kill -9. "disk": it survives power loss, at one fsync a group. */
  readonly durability: "process" | "disk";
  readonly clock: Clock;
  readonly eventLog: EventLog;
  readonly metrics: Pick<Metrics, "storeAppendDuration">;
  /** Default: 1 s, doubling to 30 s. */
  readonly reopen?: ReopenDelay;
};

const REOPEN: ReopenDelay = { firstMs: 1000, maxMs: 30_000 };

/**
 * Opens the store, or creates it when none has been there. Rejects `store-locked` (another process, or this one, has it open),
 * `store-missing`, `store-corrupt`, `store-unavailable`; nothing is repaired or removed then. The caller closes it.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dir, durability, clock, eventLog, metrics } = options;
  const sync = durability === "disk";
  const database = await Database.open({ dir, eventLog, reopen: options.reopen ?? REOPEN });
  const commit = new GroupCommit(createGroupWriter({ database, sync, clock, metrics }));
  const close = async () => {
    await commit.close();
    await database.close();
  };
  try {
    return {
      sessions: createSessionRecords({ database, commit, sync }),
      callerSessions: createCallerSessions(database, commit),
      names: await openCookieNames(database, commit),
      documents: createDocuments(database, commit),
      health: () => database.health,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
