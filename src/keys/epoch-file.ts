import { LogveilError } from "../errors.ts";
import { encodeWrappedFile, parseWrappedFile } from "./wrapped-file.ts";

const FIELD_BYTES = 4 + 8 + 8;

/**
 * `epochs/<epoch>.key`: a WrappedFile with the fields `epoch(4) | ends at(8) | expires at(8)`, big-endian, ms since 1970.
 * They are bound to the wrapped secret, so nobody moves an expiry in the file.
 */
export type EpochFile = {
  /** The second, since 1970, at which the epoch began. */
  readonly epoch: number;
  readonly endsAtMs: number;
  /** From then on no token of the epoch can be looked up. Never moves later. */
  readonly expiresAtMs: number;
  readonly wrapped: Buffer;
};

export function epochFields(file: Omit<EpochFile, "wrapped">): Buffer {
  const fields = Buffer.alloc(FIELD_BYTES);
  fields.writeUInt32BE(file.epoch, 0);
  fields.writeBigUInt64BE(BigInt(file.endsAtMs), 4);
  fields.writeBigUInt64BE(BigInt(file.expiresAtMs), 12);
  return fields;
}

export function encodeEpochFile(file: EpochFile): Buffer {
  return encodeWrappedFile({ fields: epochFields(file), wrapped: file.wrapped });
}

/** Throws `keyring-corrupt`, also when the file is not the one of `epoch`. */
export function parseEpochFile(content: Buffer, epoch: number): EpochFile {
  const { fields, wrapped } = parseWrappedFile(content, FIELD_BYTES);
  if (fields.readUInt32BE(0) !== epoch) throw new LogveilError("keyring-corrupt");
  return {
    epoch,
    endsAtMs: Number(fields.readBigUInt64BE(4)),
    expiresAtMs: Number(fields.readBigUInt64BE(12)),
    wrapped,
  };
}
