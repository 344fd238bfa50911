import { LogveilError } from "../errors.ts";
import type { OpenLevel } from "./database-files.ts";
import type { Database } from "./database.ts";
import type { Change } from "./documents.ts";
import { countSessions } from "./session-count.ts";
import { sweepEpoch } from "./epoch-sweep.ts";
import type { GroupCommit, Operation, Write } from "./group-commit.ts";
import { addressKey, addressRange, sessionKey, tagOf } from "./key-layout.ts";
import { walkRange } from "./range-walk.ts";
import type { SealedSession, SessionSink } from "./session-sink.ts";

/** Bound of one answer of `tagsOfAddress`; the rest of them is left out. */
const MAX_TAGS_OF_ADDRESS = 100_000;

export type SessionRecords = SessionSink & {
  /** The sealed record, byte for byte. What is in it is not looked at: damage shows when it is opened. */
  readonly find: (epoch: number, tag: Uint8Array) => Promise<Uint8Array | undefined>;
  /** Erases one record with its entry in the address index. Nothing happens when there is none. */
  readonly remove: (epoch: number, tag: Uint8Array) => Promise<void>;
  /** What `remove` would take away, to be committed with other changes; an append of the same session meanwhile counts as before it. */
  readonly removalOf: (epoch: number, tag: Uint8Array) => Promise<Change>;
  /** Tags of the sessions that one address had in one epoch, in no meaningful order; at most 100,000. */
  readonly tagsOfAddress: (epoch: number, addressMac: Uint8Array) => Promise<readonly Uint8Array[]>;
  /** See epoch-sweep.ts. Rejects `store-unavailable` in an outage, and can be called again after it. */
  readonly sweepEpoch: (epoch: number) => Promise<void>;
  /** How many records are stored; approximate, see session-count.ts. */
  readonly count: () => Promise<number>;
};

type SessionRecordsParts = {
  readonly database: Database;
  readonly commit: GroupCommit;
  /** Whether a removal waits for the disk. */
  readonly sync: boolean;
};

export function createSessionRecords(parts: SessionRecordsParts): SessionRecords {
  const { database, commit } = parts;
  return {
    append: async (sessions) => commit.add(sessions.map(writeOf)),
    find: async (epoch, tag) => findRecord(database, epoch, tag),
    remove: async (epoch, tag) => removeSession(parts, epoch, tag),
    removalOf: (epoch, tag) => database.read((level) => removalOf(level, epoch, tag)),
    tagsOfAddress: (epoch, addressMac) => tagsOfAddress(database, epoch, addressMac),
    sweepEpoch: (epoch) => sweepEpoch(database, epoch),
    count: () => countSessions(database),
  };
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
function removeSession(
  { database, sync }: SessionRecordsParts,
  epoch: number,
  tag: Uint8Array,
): Promise<void> {
  return database.write(async (level) => {
    const { operations } = await removalOf(level, epoch, tag);
    if (operations.length > 0) await level.batch([...operations], { sync });
  });
}

async function removalOf(
  level: OpenLevel,
  epoch: number,
  tag: Uint8Array,
): Promise<{ readonly operations: readonly Operation[] }> {
  const key = sessionKey(epoch, tag);
  const addressMac = await level.get(key);
  if (addressMac === undefined) return { operations: [] };
  const keys = [key, addressKey(epoch, addressMac, tag)];
  return { operations: keys.map((each) => ({ type: "del", key: each })) };
}

async function tagsOfAddress(
  database: Database,
  epoch: number,
  addressMac: Uint8Array,
): Promise<readonly Uint8Array[]> {
  const tags: Uint8Array[] = [];
  for await (const keys of walkRange(database, addressRange(epoch, addressMac))) {
    tags.push(...keys.map(tagOf));
    if (tags.length >= MAX_TAGS_OF_ADDRESS) break;
  }
  return tags;
}
