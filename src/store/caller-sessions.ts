import type { Database } from "./database.ts";
import type { Change } from "./documents.ts";
import type { GroupCommit, Operation } from "./group-commit.ts";
import {
  callerSessionKey,
  decodeTime,
  encodeTime,
  expiredRange,
  expiryKey,
  parseExpiryKey,
} from "./key-layout.ts";
import { walkRange } from "./range-walk.ts";

/** Sessions that callers store through the API, by their own ids, each with its own expiry. */
export type CallerSessions = {
  /** Stores or replaces. `expiresAtMs` is whole milliseconds since 1970; anything else rejects with RangeError. */
  readonly put: (id: string, record: Uint8Array, expiresAtMs: number) => Promise<void>;
  /** Whether it has expired is for the vault to say: this finds it until it is swept. */
  readonly find: (id: string) => Promise<Uint8Array | undefined>;
  readonly remove: (id: string) => Promise<void>;
  /** Runs `act` when nobody else changes what lies under `id`, the sweep included. Not reentrant: no `put` or `remove` in it. */
  readonly inTurn: <Result>(id: string, act: () => Promise<Result>) => Promise<Result>;
  /** What `put` or, without `next`, `remove` would store, to be committed with other changes within the same turn. */
  readonly changeOf: (id: string, next?: CallerRecord) => Promise<Change>;
  /** Removes those with `expiresAtMs <= nowMs` and answers their ids, oldest first: at most 10,000 in one call, the others in the next. */
  readonly sweep: (nowMs: number) => Promise<readonly string[]>;
};

/** Bound of one sweep. */
const MAX_SWEPT = 10_000;

/** Bytes of the expiry in front of each record: it names the entry in the expiry index that goes with it. */
const EXPIRY_BYTES = 8;

export function createCallerSessions(database: Database, commit: GroupCommit): CallerSessions {
  const records = new CallerRecords(database, commit);
  return {
    put: (id, record, expiresAtMs) => records.replace(id, { record, expiresAtMs }),
    find: async (id) => (await records.find(id))?.record,
    remove: (id) => records.replace(id, undefined),
    inTurn: (id, act) => records.inTurn(id, act),
    changeOf: async (id, next) => ({ operations: await records.operationsOf(id, next) }),
    sweep: (nowMs) => sweepExpired(database, records, nowMs),
  };
}

export type CallerRecord = { readonly record: Uint8Array; readonly expiresAtMs: number };

class CallerRecords {
  readonly #database: Database;
  readonly #commit: GroupCommit;
  /** The last change under way of each id; bounded by the group commit, which refuses what it cannot hold. */
  readonly #changes = new Map<string, Promise<unknown>>();

  constructor(database: Database, commit: GroupCommit) {
    this.#database = database;
    this.#commit = commit;
  }

  async find(id: string): Promise<CallerRecord | undefined> {
    const value = await this.#database.find(callerSessionKey(id));
    if (value === undefined) return undefined;
    return { expiresAtMs: decodeTime(value), record: value.subarray(EXPIRY_BYTES) };
  }

  /** Record and expiry entry change together, or not at all. */
  replace(id: string, next: CallerRecord | undefined): Promise<void> {
    return this.inTurn(id, () => this.#commitChange(id, next));
  }

  /** False when it was given more time, or removed, since the sweep saw its expiry entry. */
  removeExpired(id: string, nowMs: number): Promise<boolean> {
    return this.inTurn(id, async () => {
      const current = await this.find(id);
      if (current === undefined || current.expiresAtMs > nowMs) return false;
      await this.#commitChange(id, undefined);
      return true;
    });
  }

  async operationsOf(id: string, next: CallerRecord | undefined): Promise<readonly Operation[]> {
    const current = await this.find(id);
    return [
      ...(current === undefined ? [] : removal(id, current)),
      ...(next === undefined ? [] : insertion(id, next)),
    ];
  }

  async #commitChange(id: string, next: CallerRecord | undefined): Promise<void> {
    const operations = await this.operationsOf(id, next);
    if (operations.length > 0) await this.#commit.add([{ operations }]);
  }

  /** One change of an id at a time: two that both read the old expiry would leave an entry that nothing removes. */
  async inTurn<Result>(id: string, change: () => Promise<Result>): Promise<Result> {
    const before = this.#changes.get(id) ?? Promise.resolve();
    // What came of the change before is its own caller's business.
    const turn = before.then(change, change);
    this.#changes.set(id, turn);
    try {
      return await turn;
    } finally {
      if (this.#changes.get(id) === turn) this.#changes.delete(id);
    }
  }
}

function removal(id: string, { expiresAtMs }: CallerRecord): readonly Operation[] {
  return [
    { type: "del", key: callerSessionKey(id) },
    { type: "del", key: expiryKey(expiresAtMs, id) },
  ];
}

function insertion(id: string, { record, expiresAtMs }: CallerRecord): readonly Operation[] {
  const value = Buffer.concat([encodeTime(expiresAtMs), record]);
  return [
    { type: "put", key: callerSessionKey(id), value },
    { type: "put", key: expiryKey(expiresAtMs, id), value: new Uint8Array(0) },
  ];
}

async function sweepExpired(
  database: Database,
  records: CallerRecords,
  nowMs: number,
): Promise<readonly string[]> {
  const swept: string[] = [];
  for await (const keys of walkRange(database, expiredRange(nowMs))) {
    const ids = keys.map((key) => parseExpiryKey(key).id);
    const removed = await Promise.all(ids.map((id) => records.removeExpired(id, nowMs)));
    swept.push(...ids.filter((_, index) => removed[index] === true));
    if (swept.length >= MAX_SWEPT) break;
  }
  return swept;
}
