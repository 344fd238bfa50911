import { hash } from "node:crypto";
import { CipherSuite, DhkemX25519HkdfSha256, ExportOnly, HkdfSha256 } from "@hpke/core";
import { LogveilError } from "../errors.ts";
import { NONCE_BYTES, TAG_BYTES } from "./aead.ts";
import { encodeParts } from "./netstring.ts";

export const SESSION_TAG_BYTES = 11;
const VERSION = 1;
const KEY_ID_BYTES = 4;
const ENC_BYTES = 32;
const HEADER_BYTES = 1 + KEY_ID_BYTES + ENC_BYTES;

/** What a sealed identity is for; bound into its key and into its associated data, so that neither can stand for the other. */
export type SealingPurpose = "logveil session record" | "logveil sealed identity";

const PURPOSE: SealingPurpose = "logveil session record";

/**
 * A session's identity, sealed to its epoch:
 *
 * `version(1) | key id(4) | enc(32) | nonce(12) | ciphertext | tag(16)`
 *
 * - key id: the first bytes of SHA-256 of the epoch's X25519 public key
 * - enc: the sender's ephemeral X25519 public key, one for each process and epoch
 * - key: HPKE (RFC 9180) base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, export-only AEAD; `info` binds purpose,
 *   version and epoch; the AES-256-GCM key is `Export("aead key", 32)` (section 5.3). HPKE's own sealing counts nonces in
 *   the context and so needs records in order; ours carry their nonce, because a store has no order.
 * - nonce: a 96-bit counter under `enc`. SECURITY: unique because the sender's pair never leaves its process.
 * - associated data: purpose, version, epoch, session tag as netstrings: a record cannot stand under another token.
 */
export type SessionRecord = {
  readonly keyId: Buffer;
  readonly enc: Buffer;
  readonly nonce: Buffer;
  /** `ciphertext | tag`. */
  readonly sealed: Buffer;
};

export const hpke = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new ExportOnly(),
});

/** HPKE exporter context of the AEAD key. */
export const AEAD_KEY_CONTEXT = new TextEncoder().encode("aead key");

export type SealingPair = Awaited<ReturnType<typeof hpke.kem.deriveKeyPair>>;

/** The HPKE `info` of an epoch. */
export function hpkeInfo(epoch: number, purpose = PURPOSE): Buffer {
  return encodeParts([purpose, String(VERSION), String(epoch)]);
}

export function recordAad(epoch: number, tag: Uint8Array, purpose = PURPOSE): Buffer {
  return encodeParts([purpose, String(VERSION), String(epoch), tag]);
}

export function sealingKeyId(publicKey: Uint8Array): Buffer {
  return hash("sha256", publicKey, "buffer").subarray(0, KEY_ID_BYTES);
}

/** Everything before the nonce: the same for all records of one sender and epoch. */
export function recordHeader(publicKey: Uint8Array, enc: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(VERSION), sealingKeyId(publicKey), enc]);
}

/** Where `ciphertext | tag` begins. */
export const SEALED_AT = HEADER_BYTES + NONCE_BYTES;

/** A record under the layer of session-trees.ts: the same, with `ciphertext | tag` masked. */
const MASKED_VERSION = 2;

/** Throws `open-failed` for what is no record. */
export function maskedVersionOf(record: Uint8Array): number {
  if (record[0] !== VERSION || record.length < SEALED_AT) throw new LogveilError("open-failed");
  return MASKED_VERSION;
}

/** Undefined for a record that is not masked, or is none. */
export function unmaskedVersionOf(record: Uint8Array): number | undefined {
  return record[0] === MASKED_VERSION && record.length >= SEALED_AT ? VERSION : undefined;
}

/**
 * `enc(6) | counter of the nonce(6) | 0(4)`. Unique among the records of one session, which is stored again only after a loss or an
 * erasure, and the identities sealed into its log lines: by the counter within a sender, by 48 random bits of `enc` across senders.
 */
export function maskIvOf(record: Uint8Array): Buffer {
  const iv = Buffer.alloc(16);
  iv.set(record.subarray(1 + KEY_ID_BYTES, 1 + KEY_ID_BYTES + 6), 0);
  iv.set(record.subarray(SEALED_AT - 6, SEALED_AT), 6);
  return iv;
}

/** Splits a record. Throws `open-failed` for another version or one that is too short. */
export function parseSessionRecord(record: Uint8Array): SessionRecord {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const isOurs = bytes[0] === VERSION && bytes.length >= HEADER_BYTES + NONCE_BYTES + TAG_BYTES;
  if (!isOurs) throw new LogveilError("open-failed");
  return {
    keyId: bytes.subarray(1, 1 + KEY_ID_BYTES),
    enc: bytes.subarray(1 + KEY_ID_BYTES, HEADER_BYTES),
    nonce: bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES),
    sealed: bytes.subarray(HEADER_BYTES + NONCE_BYTES),
  };
}
