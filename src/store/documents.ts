import type { Database } from "./database.ts";
import { sizeOf } from "./group-commit.ts";
import type { GroupCommit, Operation } from "./group-commit.ts";
import { documentKey, documentRange, isDocumentKey, textOfDocumentKey } from "./key-layout.ts";
import type { KeyRange, Table } from "./key-layout.ts";

export type { Table } from "./key-layout.ts";

/** What goes into a batch with others: a document, or what another part of the store has made ready (caller-sessions.ts). */
export type Change = DocumentChange | { readonly operations: readonly Operation[] };

/** One document set, or removed when `value` is undefined. */
export type DocumentChange = {
  readonly table: Table;
  /** 1 KiB at most; ordered by its UTF-8 bytes. */
  readonly key: string;
  readonly value: Uint8Array | undefined;
};

/** Which documents of a table, all bounds together. Those in force without bounds are all of the table. */
export type DocumentRange = {
  readonly prefix?: string;
  /** From this key on; with `reverse` too it is the lower end. */
  readonly from?: string;
  /** Up to and without this key. */
  readonly to?: string;
  /** At most so many; 1000 unless told, 10,000 at most. */
  readonly limit?: number;
  readonly reverse?: boolean;
};

export type Document = { readonly key: string; readonly value: Uint8Array };

/** What the vault keeps beside sessions: ordered tables of opaque bytes. In an outage everything rejects `store-unavailable`. */
export type Documents = {
  /** Undefined also for a key that is too long to be stored. */
  readonly find: (table: Table, key: string) => Promise<Uint8Array | undefined>;
  readonly list: (table: Table, range?: DocumentRange) => Promise<readonly Document[]>;
  /** `changes` as one, checked, with what they weigh in bytes. Throws RangeError for a key that is too long. */
  readonly prepare: (changes: readonly Change[]) => {
    readonly operations: readonly Operation[];
    readonly bytes: number;
  };
  /** All of `changes` or none; resolves when they are stored as durably as `session.durability` asks. */
  readonly commit: (changes: readonly Change[]) => Promise<void>;
};

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;

export function createDocuments(database: Database, commit: GroupCommit): Documents {
  return {
    find: async (table, key) => {
      if (!isDocumentKey(key)) return undefined;
      return database.find(documentKey(table, key));
    },
    list: async (table, range = {}) => {
      const { limit = DEFAULT_LIMIT, reverse = false } = range;
      // To LevelDB -1 is no limit at all.
      if (!Number.isSafeInteger(limit) || limit < 0) throw new RangeError("not a limit");
      const bounds = boundsOf(table, range);
      const entries = await database.read((level) =>
        level.iterator({ ...bounds, limit: Math.min(limit, MAX_LIMIT), reverse }).all(),
      );
      return entries.map(([key, value]) => ({ key: textOfDocumentKey(key), value }));
    },
    prepare: (changes) => {
      const operations = changes.flatMap(operationsOf);
      return { operations, bytes: sizeOf({ operations }) };
    },
    commit: async (changes) => {
      const operations = changes.flatMap(operationsOf);
      if (operations.length > 0) await commit.add([{ operations }]);
    },
  };
}

function operationsOf(change: Change): readonly Operation[] {
  if ("operations" in change) return change.operations;
  const { table, key, value } = change;
  const bytes = documentKey(table, key);
  return [value === undefined ? { type: "del", key: bytes } : { type: "put", key: bytes, value }];
}

function boundsOf(table: Table, { prefix = "", from, to }: DocumentRange): KeyRange {
  const range = documentRange(table, prefix);
  const gte = from === undefined ? range.gte : later(range.gte, documentKey(table, from));
  const lt = to === undefined ? range.lt : earlier(range.lt, documentKey(table, to));
  return { gte, lt };
}

function later(one: Uint8Array, other: Uint8Array): Uint8Array {
  return Buffer.compare(one, other) < 0 ? other : one;
}

function earlier(one: Uint8Array, other: Uint8Array): Uint8Array {
  return Buffer.compare(one, other) < 0 ? one : other;
}
