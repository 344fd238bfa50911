// The one table of keys: those of the main database, and those of the epochs' (`a`, `s`). Every key is a prefix byte and then fields of
// fixed width (the last may be open-ended), integers big-endian, so that the byte order LevelDB sorts by is the order of epochs and times,
// and everything of one epoch is one range.

/** What the first byte of a key says about the rest. */
const PREFIXES = {
  /** `a | epoch(4) | addressMac(16) | tag(11)` → sealed record. */
  address: 0x61,
  /** `c | id` → `expiresAtMs(8) | record`. */
  callerSession: 0x63,
  /** `d | table(1) | key` → document of the vault. */
  document: 0x64,
  /** `e | expiresAtMs(8) | id` → empty. */
  expiry: 0x65,
  /** `m | word` → what the store knows about itself. */
  meta: 0x6d,
  /** `n | cookie name` → empty. */
  name: 0x6e,
  /** `p | epoch(4)` → empty: there is a database of that epoch. */
  epoch: 0x70,
  /** `r | epoch(4) | tag(11)` → empty: that session has been removed, whatever its epoch's database says. */
  removal: 0x72,
  /**
   * `s | epoch(4) | tag(11)` → `addressMac(16)`, where the record lies. Every append asks whether its session is stored, and these small
   * entries stay in memory where the records would not: with the record in here, a store of a million took half as many appends.
   */
  session: 0x73,
} as const;

/** What the second byte of a document's key says; a number once given is never given again. */
const TABLES = {
  user: 1,
  userIndex: 2,
  app: 3,
  userSession: 4,
  sessionUser: 5,
  shared: 6,
  caller: 7,
  accessToken: 8,
  audit: 9,
  auditIndex: 10,
  legalBasis: 11,
  agreement: 12,
  activity: 13,
  request: 14,
  userExpiry: 15,
  timer: 16,
  meta: 17,
  outbox: 18,
  code: 19,
  sharedIndex: 20,
  doomedKey: 21,
} as const;

export type Table = keyof typeof TABLES;

const MAX_DOCUMENT_KEY_BYTES = 1024;

export const TAG_BYTES = 11;
export const ADDRESS_MAC_BYTES = 16;
const EPOCH_BYTES = 4;
const TIME_BYTES = 8;

/** All keys from `gte` up to and without `lt`. */
export type KeyRange = { readonly gte: Uint8Array; readonly lt: Uint8Array };

/** `epoch` is an unsigned 32-bit number; throws RangeError for anything else, and for a tag that is not 11 bytes. */
export function sessionKey(epoch: number, tag: Uint8Array): Buffer {
  return taggedKey(PREFIXES.session, epoch, tag);
}

/** As `sessionKey`; `addressMac` is 16 bytes. */
export function addressKey(epoch: number, addressMac: Uint8Array, tag: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(1 + EPOCH_BYTES + ADDRESS_MAC_BYTES + TAG_BYTES);
  writeEpoch(key, PREFIXES.address, epoch);
  key.set(sized(addressMac, ADDRESS_MAC_BYTES), 1 + EPOCH_BYTES);
  key.set(sized(tag, TAG_BYTES), 1 + EPOCH_BYTES + ADDRESS_MAC_BYTES);
  return key;
}

/** The epoch of a session key, of an address key, or of an entry in the list of epochs. */
export function epochOf(key: Uint8Array): number {
  return viewOf(key).readUInt32BE(1);
}

/** The tag at the end of a session key or of an address key. */
export function tagOf(key: Uint8Array): Uint8Array {
  return Uint8Array.from(key.subarray(-TAG_BYTES));
}

export function callerSessionKey(id: string): Buffer {
  return textKey(PREFIXES.callerSession, id);
}

export function expiryKey(expiresAtMs: number, id: string): Buffer {
  return Buffer.concat([Buffer.of(PREFIXES.expiry), encodeTime(expiresAtMs), Buffer.from(id)]);
}

/** The inverse of `expiryKey`. */
export function parseExpiryKey(key: Uint8Array): {
  readonly expiresAtMs: number;
  readonly id: string;
} {
  const bytes = viewOf(key);
  return {
    expiresAtMs: decodeTime(bytes.subarray(1)),
    id: bytes.toString("utf8", 1 + TIME_BYTES),
  };
}

/** 8 bytes. Whole milliseconds since 1970, not negative; throws RangeError for anything else. */
export function encodeTime(timeMs: number): Buffer {
  if (!Number.isSafeInteger(timeMs) || timeMs < 0) throw new RangeError("not a time");
  const bytes = Buffer.allocUnsafe(TIME_BYTES);
  bytes.writeBigUInt64BE(BigInt(timeMs));
  return bytes;
}

/** The time in the first 8 bytes. */
export function decodeTime(bytes: Uint8Array): number {
  return Number(viewOf(bytes).readBigUInt64BE());
}

/** Whether there can be a document under it: 1 KiB at most. */
export function isDocumentKey(key: string): boolean {
  return Buffer.byteLength(key) <= MAX_DOCUMENT_KEY_BYTES;
}

/** Throws RangeError for a key of more than 1 KiB. */
export function documentKey(table: Table, key: string): Buffer {
  if (!isDocumentKey(key)) throw new RangeError("a document key is too long");
  return Buffer.concat([Buffer.of(PREFIXES.document, TABLES[table]), Buffer.from(key)]);
}

export function textOfDocumentKey(key: Uint8Array): string {
  return viewOf(key).toString("utf8", 2);
}

/** The documents of a table whose keys begin with `prefix`. */
export function documentRange(table: Table, prefix: string): KeyRange {
  return rangeOf(documentKey(table, prefix));
}

export function nameKey(name: string): Buffer {
  return textKey(PREFIXES.name, name);
}

export function nameOf(key: Uint8Array): string {
  return viewOf(key).toString("utf8", 1);
}

export function metaKey(word: "format" | "probe"): Buffer {
  return textKey(PREFIXES.meta, word);
}

/** `epoch` is an unsigned 32-bit number; throws RangeError for anything else. */
export function epochKey(epoch: number): Buffer {
  return epochPrefix(PREFIXES.epoch, epoch);
}

export function epochListRange(): KeyRange {
  return rangeOf(epochPrefix(PREFIXES.epoch));
}

export function removalKey(epoch: number, tag: Uint8Array): Buffer {
  return taggedKey(PREFIXES.removal, epoch, tag);
}

/** The removal notes of one epoch. */
export function removalRange(epoch: number): KeyRange {
  return rangeOf(epochPrefix(PREFIXES.removal, epoch));
}

/** The session entries of one epoch, or of all. */
export function sessionRange(epoch?: number): KeyRange {
  return rangeOf(epochPrefix(PREFIXES.session, epoch));
}

/** The session records of one epoch, those of them that belong to one address, or those of all epochs. */
export function addressRange(epoch?: number, addressMac?: Uint8Array): KeyRange {
  const prefix = epochPrefix(PREFIXES.address, epoch);
  if (addressMac === undefined) return rangeOf(prefix);
  return rangeOf(Buffer.concat([prefix, sized(addressMac, ADDRESS_MAC_BYTES)]));
}

/** Expiry entries of everything whose time has come at `nowMs`: `expiresAtMs <= nowMs`. */
export function expiredRange(nowMs: number): KeyRange {
  const prefix = Buffer.of(PREFIXES.expiry);
  return { gte: prefix, lt: Buffer.concat([prefix, encodeTime(Math.floor(nowMs) + 1)]) };
}

export function nameRange(): KeyRange {
  return rangeOf(Buffer.of(PREFIXES.name));
}

/** Everything that begins with `prefix`. There is always an end, as no prefix byte of the table is 0xff. */
function rangeOf(prefix: Buffer): KeyRange {
  const lt = Buffer.from(prefix);
  for (let last = lt.length - 1; ; last -= 1) {
    const byte = lt.readUInt8(last);
    if (byte < 0xff) {
      lt.writeUInt8(byte + 1, last);
      return { gte: prefix, lt: lt.subarray(0, last + 1) };
    }
  }
}

function taggedKey(prefix: number, epoch: number, tag: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(1 + EPOCH_BYTES + TAG_BYTES);
  writeEpoch(key, prefix, epoch);
  key.set(sized(tag, TAG_BYTES), 1 + EPOCH_BYTES);
  return key;
}

function epochPrefix(prefix: number, epoch?: number): Buffer {
  if (epoch === undefined) return Buffer.of(prefix);
  const bytes = Buffer.allocUnsafe(1 + EPOCH_BYTES);
  writeEpoch(bytes, prefix, epoch);
  return bytes;
}

function writeEpoch(key: Buffer, prefix: number, epoch: number): void {
  key.writeUInt8(prefix, 0);
  key.writeUInt32BE(epoch, 1);
}

function textKey(prefix: number, text: string): Buffer {
  return Buffer.concat([Buffer.of(prefix), Buffer.from(text)]);
}

// SECURITY: a field of another width would move the ones behind it, and two different sessions could share a key.
function sized(field: Uint8Array, bytes: number): Uint8Array {
  if (field.length !== bytes) throw new RangeError(`a key field must have ${bytes} bytes`);
  return field;
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
