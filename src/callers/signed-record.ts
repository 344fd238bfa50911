import type { KeyObject } from "node:crypto";
import { LogveilError } from "../errors.ts";
import { equalInConstantTime } from "../keys/constant-time.ts";
import { mac } from "../keys/mac.ts";

const MAC_BYTES = 32;
const VERSION = "1";

/**
 * `mac(32) | JSON`. SECURITY: whoever can write the store but has not the keyring cannot give a token another role, another subject
 * or more time. `place` is the record's table and key, so that no record stands for another.
 */
export function signRecord(key: KeyObject, place: string, fields: readonly unknown[]): Buffer {
  const body = Buffer.from(JSON.stringify(fields));
  return Buffer.concat([signatureOf(key, place, body), body]);
}

/** The inverse. Throws `open-failed` for a record that `signRecord` has not written for this place. */
export function readSignedRecord(key: KeyObject, place: string, record: Uint8Array): unknown {
  const body = record.subarray(MAC_BYTES);
  if (!equalInConstantTime(record.subarray(0, MAC_BYTES), signatureOf(key, place, body)))
    throw new LogveilError("open-failed");
  return JSON.parse(Buffer.from(body).toString("utf8"));
}

function signatureOf(key: KeyObject, place: string, body: Uint8Array): Buffer {
  return mac(key, "caller record", VERSION, place, body);
}
