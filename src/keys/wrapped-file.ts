import { crc32 } from "node:zlib";
import { LogveilError } from "../errors.ts";
import { WRAPPED_BYTES, type MasterKeys, type WrapPurpose } from "./key-wrapping.ts";

const VERSION = 1;
const CHECKSUM_BYTES = 4;

/**
 * A file that holds one wrapped secret: `version(1) | fields | master key id(4) | nonce(12) | wrapped(32) | tag(16) | CRC-32(4)`.
 * The tag binds purpose, version, master key id and fields. The checksum protects nothing; it tells a damaged file
 * (`keyring-corrupt`) from a master key we do not have (`key-wrong`).
 */
export type WrappedFile = { readonly fields: Buffer; readonly wrapped: Buffer };

export function encodeWrappedFile(file: WrappedFile): Buffer {
  const body = Buffer.concat([Buffer.of(VERSION), file.fields, file.wrapped]);
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([body, checksum]);
}

/** Throws `keyring-corrupt`. */
export function parseWrappedFile(content: Buffer, fieldBytes: number): WrappedFile {
  const bodyBytes = 1 + fieldBytes + WRAPPED_BYTES;
  const isWhole =
    content.length === bodyBytes + CHECKSUM_BYTES &&
    content[0] === VERSION &&
    content.readUInt32BE(bodyBytes) === crc32(content.subarray(0, bodyBytes));
  if (!isWhole) throw new LogveilError("keyring-corrupt");
  return {
    fields: content.subarray(1, 1 + fieldBytes),
    wrapped: content.subarray(1 + fieldBytes, bodyBytes),
  };
}

/** The same secret, bound to the same fields unless told others, under the current master key. */
export function rewrap(
  keys: MasterKeys,
  purpose: WrapPurpose,
  file: WrappedFile,
  fields: Buffer = file.fields,
): WrappedFile {
  const secret = keys.unwrap(purpose, file.fields, file.wrapped);
  const wrapped = keys.wrap(purpose, fields, secret);
  secret.fill(0);
  return { fields, wrapped };
}
