import { LogveilError } from "../errors.ts";
import { SECRET_BYTES, WRAPPED_BYTES, type MasterKeys } from "./key-wrapping.ts";
import { randomBytes } from "./secure-random.ts";

export const SUBJECT_ID_BYTES = 16;
const EXPIRY_BYTES = 8;
const FIELD_BYTES = SUBJECT_ID_BYTES + EXPIRY_BYTES;
export const ENTRY_BYTES = FIELD_BYTES + WRAPPED_BYTES;
const NEVER = 0xffff_ffff_ffff_ffffn;
const ZEROS = Buffer.alloc(ENTRY_BYTES);

/**
 * One shard of the data subjects' keys: entries of 88 bytes, nothing else.
 *
 * `id(16) | expires at(8) | master key id(4) | nonce(12) | wrapped key(32) | tag(16)`
 *
 * - id: HMAC-SHA-256 of the data subject's name under the index key, cut; nobody reads a name out of the file
 * - expires at: ms since 1970, big-endian; all ones for never
 * - the tag binds purpose, version, master key id, id and expiry
 *
 * New entries are appended. A tail that a crash tore (a part of an entry, zeros, or a last entry that fails its tag) was
 * never acknowledged and is left out; damage anywhere else is `keyring-corrupt`.
 */
export class SubjectShard {
  readonly #keys: MasterKeys;
  readonly #entries: Map<string, Buffer>;
  readonly #appended: Buffer[] = [];
  /** Appending is not enough: something was removed, changed or torn. */
  #isReplaced: boolean;

  private constructor(keys: MasterKeys, entries: Map<string, Buffer>, isTorn: boolean) {
    this.#keys = keys;
    this.#entries = entries;
    this.#isReplaced = isTorn;
  }

  /** Throws `keyring-corrupt` when the last entry is under a master key we do not have. */
  static parse(content: Buffer, keys: MasterKeys): SubjectShard {
    const end = wholeBytes(content, keys);
    const entries = new Map<string, Buffer>();
    for (let at = 0; at < end; at += ENTRY_BYTES) {
      const entry = content.subarray(at, at + ENTRY_BYTES);
      entries.set(idOf(entry), entry);
    }
    return new SubjectShard(keys, entries, end !== content.length);
  }

  /** For one round of changes; the original stays as it is on disk. */
  copy(): SubjectShard {
    return new SubjectShard(this.#keys, new Map(this.#entries), this.#isReplaced);
  }

  /** The key of `id`, unless it has expired at `nowMs`. Throws `keyring-corrupt`. */
  find(id: Buffer, nowMs: number): Buffer | undefined {
    const entry = this.#entries.get(id.toString("latin1"));
    return entry === undefined || isExpired(entry, nowMs) ? undefined : open(entry, this.#keys);
  }

  /** The key of `id`, a new one when there is none. Without `expiresAtMs` a new key never expires and a known one stays. */
  create(id: Buffer, nowMs: number, expiresAtMs: number | undefined): Buffer {
    const entry = this.#entries.get(id.toString("latin1"));
    const known = this.find(id, nowMs);
    const key = known ?? randomBytes(SECRET_BYTES);
    if (entry === undefined) this.#append(seal(id, expiresAtMs, key, this.#keys));
    else if (known === undefined || !hasExpiry(entry, expiresAtMs)) {
      this.#replace(seal(id, expiresAtMs, key, this.#keys));
    }
    return key;
  }

  /** Returns false when there was none. */
  destroy(id: Buffer): boolean {
    const existed = this.#entries.delete(id.toString("latin1"));
    if (existed) this.#isReplaced = true;
    return existed;
  }

  /** Returns how many had expired. */
  sweep(nowMs: number): number {
    const expired = [...this.#entries.values()].filter((entry) => isExpired(entry, nowMs));
    for (const entry of expired) this.#entries.delete(idOf(entry));
    if (expired.length > 0) this.#isReplaced = true;
    return expired.length;
  }

  hasExpired(nowMs: number): boolean {
    return [...this.#entries.values()].some((entry) => isExpired(entry, nowMs));
  }

  /** Returns how many were not under the current master key. */
  rewrap(): number {
    const old = [...this.#entries.values()].filter(
      (entry) => !this.#keys.isCurrent(entry.subarray(FIELD_BYTES)),
    );
    for (const entry of old) {
      const key = open(entry, this.#keys);
      const fields = entry.subarray(0, FIELD_BYTES);
      this.#replace(Buffer.concat([fields, this.#keys.wrap("subject", fields, key)]));
      key.fill(0);
    }
    return old.length;
  }

  /** What must be written so that the file holds this shard. */
  changes(): { readonly replace: Buffer } | { readonly append: Buffer } | undefined {
    if (this.#isReplaced) return { replace: Buffer.concat([...this.#entries.values()]) };
    return this.#appended.length > 0 ? { append: Buffer.concat(this.#appended) } : undefined;
  }

  #append(entry: Buffer): void {
    this.#entries.set(idOf(entry), entry);
    this.#appended.push(entry);
  }

  #replace(entry: Buffer): void {
    this.#entries.set(idOf(entry), entry);
    this.#isReplaced = true;
  }
}

function wholeBytes(content: Buffer, keys: MasterKeys): number {
  let end = content.length - (content.length % ENTRY_BYTES);
  const last = () => content.subarray(end - ENTRY_BYTES, end);
  while (end > 0 && last().equals(ZEROS)) end -= ENTRY_BYTES;
  return end > 0 && isTorn(last(), keys) ? end - ENTRY_BYTES : end;
}

function isTorn(entry: Buffer, keys: MasterKeys): boolean {
  try {
    keys.unwrap("subject", entry.subarray(0, FIELD_BYTES), entry.subarray(FIELD_BYTES)).fill(0);
    return false;
  } catch (error) {
    // SECURITY: an entry under a master key we were not given is no torn one; leaving it out would erase a data subject.
    if (error instanceof LogveilError && error.code === "keyring-corrupt") return true;
    throw error;
  }
}

function idOf(entry: Buffer): string {
  return entry.toString("latin1", 0, SUBJECT_ID_BYTES);
}

function isExpired(entry: Buffer, nowMs: number): boolean {
  return Number(entry.readBigUInt64BE(SUBJECT_ID_BYTES)) <= nowMs;
}

function hasExpiry(entry: Buffer, expiresAtMs: number | undefined): boolean {
  if (expiresAtMs === undefined) return true;
  return entry.readBigUInt64BE(SUBJECT_ID_BYTES) === BigInt(Math.ceil(expiresAtMs));
}

function seal(id: Buffer, expiresAtMs: number | undefined, key: Buffer, keys: MasterKeys): Buffer {
  const fields = Buffer.alloc(FIELD_BYTES);
  fields.set(id);
  const expiry = expiresAtMs === undefined ? NEVER : BigInt(Math.ceil(expiresAtMs));
  fields.writeBigUInt64BE(expiry, SUBJECT_ID_BYTES);
  return Buffer.concat([fields, keys.wrap("subject", fields, key)]);
}

function open(entry: Buffer, keys: MasterKeys): Buffer {
  return keys.unwrap("subject", entry.subarray(0, FIELD_BYTES), entry.subarray(FIELD_BYTES));
}
