// What is kept, and how it survives. Everything that arrives here is sealed already or says nothing about anybody: the store orders it,
// writes it in groups, finds it by key, and removes whole epochs. It holds no key and opens nothing; what must die at an instant is a
// key in keys/, never a record in here, as LevelDB keeps deleted values in its files for a while.
//
// A LevelDB folder (database-files.ts) becomes a database that outlives a full disk (database.ts); all writes pass through it one at a
// time, sessions and small changes in groups (group-commit.ts). The sessions of each epoch are in one of their own (epoch-databases.ts),
// everything else is in the main one. No type of LevelDB leaves this folder.

import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { EventLog } from "../event-log.ts";
import type { Metrics } from "../metrics.ts";
import { createCallerSessions } from "./caller-sessions.ts";
import type { CallerSessions } from "./caller-sessions.ts";
import { openCookieNames } from "./cookie-names.ts";
import type { CookieNames } from "./cookie-names.ts";
import { mainFiles } from "./database-files.ts";
import { Database } from "./database.ts";
import type { Health, ReopenDelay } from "./database.ts";
import { createDocuments } from "./documents.ts";
import type { Documents } from "./documents.ts";
import { EpochDatabases } from "./epoch-databases.ts";
import { EpochFolders } from "./epoch-folders.ts";
import { GroupCommit } from "./group-commit.ts";
import { createGroupWriter } from "./group-writer.ts";
import { RemovalNotes } from "./removal-notes.ts";
import { moveSessions } from "./session-move.ts";
import { createSessionRecords } from "./session-records.ts";
import type { SessionRecords } from "./session-records.ts";
import { timeFinds } from "./timed-finds.ts";

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
  readonly metrics: Pick<Metrics, "storeAppendDuration" | "storeFindDuration">;
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
  const reopen = options.reopen ?? REOPEN;
  const writing = { clock, metrics };
  const database = await Database.open({ files: mainFiles(dir), eventLog, reopen });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => database.close());
  const commit = new GroupCommit(createGroupWriter({ ...writing, database, sync }));
  opened.defer(() => commit.close());
  const openEpochs = (isSynced: boolean) => {
    const backlog = { bytes: 0 };
    const commitOf = (epoch: Database) =>
      new GroupCommit(createGroupWriter({ ...writing, database: epoch, sync: isSynced }), backlog);
    const folders = new EpochFolders(join(dir, "store", "epochs"));
    return EpochDatabases.open({ main: database, folders, eventLog, reopen, commitOf });
  };
  await moveSessions(database, () => openEpochs(true));
  const databases = await openEpochs(sync);
  opened.defer(() => databases.close());
  const notes = new RemovalNotes(database);
  const names = await openCookieNames(database, commit);
  const isOk = () => database.health === "ok" && databases.health === "ok";
  const owned = opened.move();
  let closing: Promise<void> | undefined;
  return {
    sessions: timeFinds(createSessionRecords({ databases, notes, sync }), { clock, metrics }),
    callerSessions: createCallerSessions(database, commit),
    names,
    documents: createDocuments(database, commit),
    health: () => (isOk() ? "ok" : "unavailable"),
    close: () => (closing ??= owned.disposeAsync()),
  };
}
