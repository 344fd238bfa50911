import { LogveilError } from "../errors.ts";
import type { OpenLevel } from "./database-files.ts";
import type { Database } from "./database.ts";
import type { Change } from "./documents.ts";
import type { EpochDatabases } from "./epoch-databases.ts";
import type { Operation, Write } from "./group-commit.ts";
import { addressKey, addressRange, sessionKey, tagOf } from "./key-layout.ts";
import { walkRange } from "./range-walk.ts";
import { textOfTag } from "./removal-notes.ts";
import type { RemovalNotes } from "./removal-notes.ts";
import { SessionCount } from "./session-count.ts";
import type { SealedSession, SessionSink } from "./session-sink.ts";

/** Bound of one answer of `tagsOfAddress`; the rest of them is left out. */
const MAX_TAGS_OF_ADDRESS = 100_000;

export type SessionRecords = SessionSink & {
  /** The sealed record, byte for byte. What is in it is not looked at: damage shows when it is opened. */
  readonly find: (epoch: number, tag: Uint8Array) => Promise<Uint8Array | undefined>;
  /** Erases one record with its entry in the address index. Nothing happens when there is none. */
  readonly remove: (epoch: number, tag: Uint8Array) => Promise<void>;
  /**
   * To be committed with other changes: from then on nobody finds the session, as if it had been removed. Whoever commits it calls
   * `remove` afterwards, which takes the record; an append of the same session meanwhile is lost with it.
   */
  readonly removalOf: (epoch: number, tag: Uint8Array) => Promise<Change>;
  /** Tags of the sessions that one address had in one epoch, in no meaningful order; at most 100,000. */
  readonly tagsOfAddress: (epoch: number, addressMac: Uint8Array) => Promise<readonly Uint8Array[]>;
  /**
   * Removes all of an epoch with its files, whoever waits for another. Rejects `store-unavailable` in an outage; may be called again after
   * a failure or a crash, and goes on where it stopped.
   */
  readonly sweepEpoch: (epoch: number) => Promise<void>;
  /** The epochs that have anything in the store, ascending; empty ones and half removed ones too. */
  readonly epochs: () => readonly number[];
  /** How many records are stored; approximate, see session-count.ts. */
  readonly count: () => Promise<number>;
};

type SessionRecordsParts = {
  readonly databases: EpochDatabases;
  readonly notes: RemovalNotes;
  /** Whether a removal waits for the disk. */
  readonly sync: boolean;
};

export function createSessionRecords(parts: SessionRecordsParts): SessionRecords {
  const { databases } = parts;
  const count = new SessionCount(databases);
  return {
    append: async (sessions) => {
      const append = async (epoch: number, some: readonly SealedSession[]) => {
        await databases.commit(epoch, some.map(writeOf));
        count.forget(epoch);
      };
      const [first] = sessions;
      if (first === undefined) return;
      // All but those around a rollover.
      if (sessions.every(({ epoch }) => epoch === first.epoch)) {
        await append(first.epoch, sessions);
        return;
      }
      const epochs = Map.groupBy(sessions, ({ epoch }) => epoch);
      await settled([...epochs].map(([epoch, some]) => append(epoch, some)));
    },
    find: async (epoch, tag) => {
      // The note first: it is struck after the record has gone, and who looked for the record first could see neither.
      if (await parts.notes.has(epoch, tag)) return undefined;
      return databases.ask(epoch, (database) => findRecord(database, epoch, tag));
    },
    remove: async (epoch, tag) => {
      await removeSession(parts, epoch, tag);
      count.forget(epoch);
    },
    removalOf: async (epoch, tag) => removalOf(parts, epoch, tag),
    tagsOfAddress: (epoch, addressMac) => tagsOfAddress(parts, epoch, addressMac),
    sweepEpoch: async (epoch) => {
      await databases.sweep(epoch);
      count.forget(epoch);
    },
    epochs: () => databases.epochs(),
    count: () => count.all(),
  };
}

/** Rejects with the first failure when all have ended: what becomes of one epoch is nothing to another. */
async function settled(commits: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(commits);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

function writeOf({ epoch, tag, addressMac, record }: SealedSession): Write {
  const key = sessionKey(epoch, tag);
  return {
    unlessStored: key,
    operations: [
      { type: "put", key, value: addressMac },
      { type: "put", key: addressKey(epoch, addressMac, tag), value: record },
    ],
  };
}

async function findRecord(
  database: Database,
  epoch: number,
  tag: Uint8Array,
): Promise<Uint8Array | undefined> {
  const key = sessionKey(epoch, tag);
  const addressMac = await database.find(key);
  if (addressMac === undefined) return undefined;
  const record = await database.find(addressKey(epoch, addressMac, tag));
  if (record !== undefined) return record;
  // Both are stored and removed in one batch (a sweep takes the entry first): still there, it has lost its record to damage.
  if ((await database.find(key)) === undefined) return undefined;
  throw new LogveilError("store-corrupt");
}

/** A turn of its own: in one group with an append of the same session, that append would be left out as stored already. */
async function removeSession(
  { databases, notes, sync }: SessionRecordsParts,
  epoch: number,
  tag: Uint8Array,
): Promise<void> {
  await databases.ask(epoch, (database) =>
    database.write(async (level) => {
      const operations = await deletionsOf(level, epoch, tag);
      if (operations.length > 0) await level.batch([...operations], { sync });
    }),
  );
  // Last: struck before the record is gone, a crash would bring the session back.
  await notes.strike(epoch, tag, sync);
}

async function removalOf(
  { databases, notes }: SessionRecordsParts,
  epoch: number,
  tag: Uint8Array,
): Promise<Change> {
  if (await notes.has(epoch, tag)) return { operations: [] };
  const stored = await databases.ask(epoch, (database) => database.find(sessionKey(epoch, tag)));
  return { operations: stored === undefined ? [] : [notes.noting(epoch, tag)] };
}

async function deletionsOf(
  level: OpenLevel,
  epoch: number,
  tag: Uint8Array,
): Promise<readonly Operation[]> {
  const key = sessionKey(epoch, tag);
  const addressMac = await level.get(key);
  if (addressMac === undefined) return [];
  const keys = [key, addressKey(epoch, addressMac, tag)];
  return keys.map((each) => ({ type: "del", key: each }));
}

async function tagsOfAddress(
  { databases, notes }: SessionRecordsParts,
  epoch: number,
  addressMac: Uint8Array,
): Promise<readonly Uint8Array[]> {
  const removed = await notes.tagsOf(epoch);
  const tags: Uint8Array[] = [];
  await databases.ask(epoch, async (database) => {
    for await (const keys of walkRange(database, addressRange(epoch, addressMac))) {
      tags.push(...keys.map(tagOf));
      if (tags.length >= MAX_TAGS_OF_ADDRESS) break;
    }
  });
  return removed.size === 0 ? tags : tags.filter((tag) => !removed.has(textOfTag(tag)));
}
