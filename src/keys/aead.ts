import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomBytes,
  type KeyObject,
} from "node:crypto";
import { LogveilError } from "../errors.ts";
import { encodeParts } from "./netstring.ts";

export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
const ALGORITHM = "aes-256-gcm";
const VERSION = 1;

/** A 32-byte AES-256-GCM key that cannot print itself. The bytes are copied. */
export function aeadKey(bytes: Uint8Array): KeyObject {
  return createSecretKey(bytes);
}

/**
 * AES-256-GCM (NIST SP 800-38D): `ciphertext | tag`.
 * SECURITY: one nonce must never be used twice under one key; whoever calls this says why its nonces are unique.
 */
export function encrypt(
  key: KeyObject,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array,
): readonly [ciphertext: Buffer, tag: Buffer] {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return [ciphertext, cipher.getAuthTag()];
}

/** The inverse of `encrypt` on `ciphertext | tag`. Throws `open-failed`, without a word on what was wrong. */
export function decrypt(
  key: KeyObject,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array,
): Buffer {
  const split = sealed.length - TAG_BYTES;
  if (split < 0) throw new LogveilError("open-failed");
  // SECURITY: without authTagLength node takes tags of 4 bytes, which can be forged.
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(split));
  try {
    const plaintext = decipher.update(sealed.subarray(0, split));
    decipher.final();
    return plaintext;
  } catch (cause) {
    throw new LogveilError("open-failed", { cause });
  }
}

/**
 * Seals under a key that many records share: `version(1) | nonce(12) | ciphertext | tag(16)`. The version is bound too.
 * Nonces are random, so one key must not seal more than 2^32 records (SP 800-38D section 8.3).
 *
 * @param aad what the record is bound to: purpose, key id and record key, through `associatedData`.
 */
export function sealWith(key: KeyObject, plaintext: Uint8Array, aad: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const [ciphertext, tag] = encrypt(key, nonce, plaintext, withVersion(aad));
  return Buffer.concat([Buffer.of(VERSION), nonce, ciphertext, tag]);
}

/** Opens what `sealWith` sealed. Throws `open-failed`. */
export function openWith(key: KeyObject, sealed: Uint8Array, aad: Uint8Array): Buffer {
  if (sealed[0] !== VERSION || sealed.length < 1 + NONCE_BYTES + TAG_BYTES) {
    throw new LogveilError("open-failed");
  }
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  return decrypt(key, nonce, sealed.subarray(1 + NONCE_BYTES), withVersion(aad));
}

/** The associated data of one record; no two lists of parts give the same bytes. */
export function associatedData(
  purpose: string,
  ...parts: readonly (string | Uint8Array)[]
): Buffer {
  return encodeParts([purpose, ...parts]);
}

function withVersion(aad: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(VERSION), aad]);
}
