import type { SubjectKeys } from "../../keys/subject-keys.ts";
import type { Change, Document, Documents } from "../../store/documents.ts";
import type { SharedRecord, SharedRecordPlaces } from "./shared-record.ts";
import { decodePlaces, encodeSharedRecord, keyNameOf, openSharedRecord } from "./shared-record.ts";

/** Where shared records lie, and the three indexes beside them: by expiry, by time of creation, by data subject. */
export type SharedRecordShelf = {
  /** Undefined for an unknown and for an expired one alike. Rejects `open-failed` for a damaged one. */
  readonly find: (id: string) => Promise<SharedRecord | undefined>;
  /** Makes the record's key, and says what stores or replaces the record. */
  readonly storing: (record: SharedRecord) => Promise<readonly Change[]>;
  readonly removal: (places: SharedRecordPlaces) => readonly Change[];
  /** Newest first, expired ones left out; `total` counts up to 10,000. */
  readonly list: (page: {
    readonly offset: number;
    readonly limit: number;
  }) => Promise<SharedRecordPage>;
  readonly idsOf: (subject: string) => Promise<readonly string[]>;
  /** Where a record and its index entries are, whether or not its key still exists. */
  readonly findPlaces: (id: string) => Promise<SharedRecordPlaces | undefined>;
  /** Those whose time has come at `nowMs`, oldest first: 500 at most, the others when these are gone. */
  readonly expired: (nowMs: number) => Promise<readonly ExpiredEntry[]>;
  readonly destroyKey: (id: string) => Promise<void>;
};

/** An entry of the expiry index. */
export type ExpiredEntry = { readonly id: string; readonly removal: Change };

export type SharedRecordPage = {
  readonly total: number;
  readonly rows: readonly SharedRecord[];
};

export type SharedRecordShelfParts = {
  readonly documents: Documents;
  readonly subjects: SubjectKeys;
  readonly nowMs: () => number;
};

/** Bound of what a list counts. */
const MAX_LISTED = 10_000;
const SLICE = 500;

export function createSharedRecordShelf(parts: SharedRecordShelfParts): SharedRecordShelf {
  const { documents, subjects, nowMs } = parts;
  const findPlaces = async (id: string) => {
    const stored = await documents.find("shared", id);
    return stored && decodePlaces(id, stored);
  };
  const find = async (id: string) => {
    const stored = await documents.find("shared", id);
    const key = stored && (await subjects.find(keyNameOf(id)));
    if (stored === undefined || key === undefined) return undefined;
    const record = openSharedRecord(id, stored, key);
    return record.expiresAtMs > nowMs() ? record : undefined;
  };
  return {
    find,
    findPlaces,
    storing: async (record) => {
      const key = await subjects.create(keyNameOf(record.id), record.expiresAtMs);
      const value = encodeSharedRecord(record, key);
      return [
        { table: "shared", key: record.id, value },
        ...indexKeysOf(record).map((key) => change(key, expiryOf(record))),
      ];
    },
    removal: (places) => [
      { table: "shared", key: places.id, value: undefined },
      ...indexKeysOf(places).map((key) => change(key, undefined)),
    ],
    list: async ({ offset, limit }) => {
      const range = { prefix: "created/", reverse: true, limit: MAX_LISTED };
      const entries = await documents.list("sharedIndex", range);
      const live = entries.filter(({ value }) => Number(Buffer.from(value).toString()) > nowMs());
      const rows: SharedRecord[] = [];
      for (const entry of live.slice(offset, offset + limit)) {
        const record = await find(idOf(entry));
        // Its key has just been destroyed, and the rest of it is being removed.
        if (record !== undefined) rows.push(record);
      }
      return { total: live.length, rows };
    },
    idsOf: async (subject) => {
      const ids: string[] = [];
      let from = "";
      for (;;) {
        const range = { prefix: `subject/${subject}/`, from, limit: SLICE };
        const slice = await documents.list("sharedIndex", range);
        ids.push(...slice.map(idOf));
        if (slice.length < SLICE) return ids;
        // The key behind the last one.
        from = `${slice.at(-1)?.key}\0`;
      }
    },
    expired: async (nowMs) => {
      const to = `expiry/${paddedTime(nowMs + 1)}`;
      const range = { prefix: "expiry/", to, limit: SLICE };
      const entries = await documents.list("sharedIndex", range);
      return entries.map((entry) => ({ id: idOf(entry), removal: change(entry.key, undefined) }));
    },
    destroyKey: async (id) => {
      await subjects.destroy(keyNameOf(id));
    },
  };
}

function indexKeysOf({ id, createdMs, expiresAtMs, subjects }: SharedRecordPlaces) {
  return [
    `created/${paddedTime(createdMs)}/${id}`,
    `expiry/${paddedTime(expiresAtMs)}/${id}`,
    ...subjects.map((subject) => `subject/${subject}/${id}`),
  ];
}

function change(key: string, value: Uint8Array | undefined): Change {
  return { table: "sharedIndex", key, value };
}

/** In every index entry, so that a list need not open what has expired. */
function expiryOf({ expiresAtMs }: SharedRecordPlaces): Buffer {
  return Buffer.from(paddedTime(expiresAtMs));
}

function idOf({ key }: Document): string {
  return key.slice(key.lastIndexOf("/") + 1);
}

/** Fifteen digits, until the year 33658. */
function paddedTime(timeMs: number): string {
  return String(Math.ceil(timeMs)).padStart(15, "0");
}
