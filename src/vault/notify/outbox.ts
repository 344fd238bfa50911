// The outbox: messages that have not been delivered, in the store, so that they survive a restart. Each is sealed under its data
// subject's key, and is unreadable once that is destroyed; one that belongs to nobody, or tells of an erasure, under a key of its own
// that goes with it. The row is part of the batch of the operation that it tells of: both are there, or neither.

import type { Clock } from "../../clock.ts";
import { aeadKey, associatedData, openWith, sealWith } from "../../keys/aead.ts";
import type { Keyring } from "../../keys/keyring.ts";
import { randomUuid } from "../../keys/secure-random.ts";
import type { Change, Document, Documents } from "../../store/documents.ts";
import { Concealed } from "../concealed.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import { keyNameOf } from "../users/user-record.ts";
import type { ChannelName, Message, Notification } from "./notification.ts";

/** What is not delivered by then is dropped. */
export const MAX_AGE_MS = 24 * 3_600_000;
/** Messages that wait; more are refused. About 10 MB of profiles of 1 KiB. */
export const MAX_WAITING = 10_000;
const SLICE = 1000;
/** A full outbox is counted through only so often: it takes as long as reading it. */
const RECOUNT_EVERY_MS = 10_000;

export type OutboxParts = {
  readonly documents: Documents;
  readonly keyring: Pick<Keyring, "subjects">;
  readonly directory: Pick<UserDirectory, "find">;
  readonly clock: Clock;
  /** `MAX_WAITING` unless told. */
  readonly maxWaiting?: number;
};

/** A row in the open: nothing of it is personal. */
export type Entry = {
  /** `<channel>/<when it is due, 15 digits>/<id>`: what is due is the beginning of a range. */
  readonly key: string;
  readonly id: string;
  /** Attempts that failed. */
  readonly attempts: number;
  readonly happenedAtMs: number;
  readonly expiresAtMs: number;
  /** Name of the key in the keyring that seals it. */
  readonly sealedUnder: string;
  readonly sealed: Uint8Array;
};

export class Outbox {
  readonly #parts: OutboxParts;
  readonly #maxWaiting: number;
  /** Rows, those included that an operation has been given and has not stored yet. Not known, and so none free, until counted. */
  #waiting = Infinity;
  #countedAtMs = -Infinity;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.#maxWaiting = parts.maxWaiting ?? MAX_WAITING;
  }

  /** The row for a message, to be stored with what it tells of; undefined when there is no room. */
  async prepare(
    channel: ChannelName,
    notification: Notification,
  ): Promise<readonly Change[] | undefined> {
    if (!(await this.#takePlace())) return undefined;
    const { action, identity, mode, details = {}, usefulMs = MAX_AGE_MS } = notification;
    const id = randomUuid();
    const happenedAtMs = this.#parts.clock.now();
    const expiresAtMs = happenedAtMs + Math.min(usefulMs, MAX_AGE_MS);
    const { name, key } = await this.#keyFor(id, notification, expiresAtMs);
    const message: Message = { id, happenedAtMs, action, identity, mode, details };
    const sealed = sealWith(
      aeadKey(key),
      Buffer.from(JSON.stringify(message)),
      bindingOf(name, id),
    );
    const entry = { id, attempts: 0, happenedAtMs, expiresAtMs, sealedUnder: name, sealed };
    return [changeOf({ ...entry, key: rowKeyOf(channel, happenedAtMs, id) })];
  }

  /** The first `limit` whose time has come. */
  async due(channel: ChannelName, limit: number): Promise<readonly Entry[]> {
    const to = `${channel}/${timeKey(this.#parts.clock.now() + 1)}`;
    const rows = await this.#parts.documents.list("outbox", { prefix: `${channel}/`, to, limit });
    return rows.map(entryOf);
  }

  /** Undefined when its key is gone: expired, or the data subject was erased. Throws `open-failed` for a damaged row. */
  async open({ id, sealedUnder, sealed }: Entry): Promise<Concealed<Message> | undefined> {
    const key = await this.#parts.keyring.subjects.find(sealedUnder);
    if (key === undefined) return undefined;
    const plaintext = openWith(aeadKey(key), sealed, bindingOf(sealedUnder, id));
    return new Concealed(JSON.parse(plaintext.toString("utf8")) as Message); // authenticated: `prepare` wrote it
  }

  async postpone(entry: Entry, dueAtMs: number): Promise<void> {
    const channel = entry.key.slice(0, entry.key.indexOf("/"));
    const later = {
      ...entry,
      key: rowKeyOf(channel, dueAtMs, entry.id),
      attempts: entry.attempts + 1,
    };
    await this.#parts.documents.commit([removalOf(entry), changeOf(later)]);
  }

  async remove(entry: Entry): Promise<void> {
    await this.#parts.documents.commit([removalOf(entry)]);
    this.#waiting -= 1;
    // After the row: a crash in between leaves a key that nobody needs and that expires by itself.
    if (entry.sealedUnder === ownKeyName(entry.id))
      await this.#parts.keyring.subjects.destroy(entry.sealedUnder);
  }

  async #keyFor(id: string, { action, subject }: Notification, expiresAtMs: number) {
    const { directory, keyring } = this.#parts;
    const { subjects } = keyring;
    // What tells of an erasure has to outlive the key that the erasure destroys.
    if (subject !== undefined && action !== "forgetme") {
      // A user that is not stored yet is in the same batch as this row, with the first of its keys.
      const user = await directory.find(subject);
      const name = keyNameOf(subject, user?.generation ?? 0);
      const key = await subjects.find(name);
      if (key !== undefined) return { name, key };
    }
    const name = ownKeyName(id);
    return { name, key: await subjects.create(name, expiresAtMs) };
  }

  async #takePlace(): Promise<boolean> {
    const nowMs = this.#parts.clock.monotonic();
    const isFull = this.#waiting >= this.#maxWaiting;
    if (isFull && nowMs - this.#countedAtMs >= RECOUNT_EVERY_MS) {
      this.#countedAtMs = nowMs;
      this.#waiting = await this.#count();
    }
    if (this.#waiting >= this.#maxWaiting) return false;
    this.#waiting += 1;
    return true;
  }

  async #count(): Promise<number> {
    let count = 0;
    let from = "";
    while (count < this.#maxWaiting) {
      const rows = await this.#parts.documents.list("outbox", { from, limit: SLICE });
      count += rows.length;
      const last = rows.at(-1);
      if (last === undefined || rows.length < SLICE) break;
      from = `${last.key}\0`;
    }
    return count;
  }
}

function ownKeyName(id: string): string {
  return `outbox:${id}`;
}

/** What a row is bound to: purpose, the name of its key, its id. `sealWith` adds the version. */
function bindingOf(keyName: string, id: string): Buffer {
  return associatedData("notification", keyName, id);
}

function rowKeyOf(channel: string, dueAtMs: number, id: string): string {
  return `${channel}/${timeKey(dueAtMs)}/${id}`;
}

function timeKey(timeMs: number): string {
  return String(timeMs).padStart(15, "0");
}

/** JSON: `{version, attempts, happenedAtMs, expiresAtMs, sealedUnder, sealed}`, the sealed part in base64. */
function changeOf(entry: Entry): Change {
  const { key, attempts, happenedAtMs, expiresAtMs, sealedUnder } = entry;
  const sealed = Buffer.from(entry.sealed).toString("base64");
  const row = { version: 1, attempts, happenedAtMs, expiresAtMs, sealedUnder, sealed };
  return { table: "outbox", key, value: Buffer.from(JSON.stringify(row)) };
}

function removalOf({ key }: Entry): Change {
  return { table: "outbox", key, value: undefined };
}

function entryOf({ key, value }: Document): Entry {
  const id = key.slice(key.lastIndexOf("/") + 1);
  try {
    const { version, sealed, ...open } = JSON.parse(Buffer.from(value).toString("utf8"));
    if (version !== 1) throw new TypeError("an outbox row of another version");
    return { ...open, key, id, sealed: Buffer.from(sealed, "base64") };
  } catch {
    // A row that opens to nothing, so that a damaged one is dropped instead of holding up those behind it.
    return { ...DAMAGED, key, id, sealedUnder: ownKeyName(id) };
  }
}

const DAMAGED = {
  attempts: 0,
  happenedAtMs: 0,
  expiresAtMs: Infinity,
  sealed: new Uint8Array(),
} as const;
