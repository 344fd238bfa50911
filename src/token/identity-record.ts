import { LogveilError } from "../errors.ts";

const VERSION = 1;

/** What a session record holds once it is opened: how the session's first request identified its client. */
export type IdentityRecord = {
  /** Wall clock at that request, ms since 1970. */
  readonly seenAtMs: number;
  /** Canonical; the scope (IPv6: the /64) for a session that many identities share. */
  readonly address: string;
  /** The whole header; empty when none was sent or the session is shared. The same for the two below. */
  readonly userAgent: string;
  /** The whole Cookie header. */
  readonly cookie: string;
  readonly host: string;
};

/** A JSON array, because the field names would be a third of what a million sessions take on disk. */
export function encodeIdentity(record: IdentityRecord): Buffer {
  const { seenAtMs, address, userAgent, cookie, host } = record;
  return Buffer.from(JSON.stringify([VERSION, seenAtMs, address, userAgent, cookie, host]));
}

/** Throws `open-failed` for what `encodeIdentity` did not write. */
export function decodeIdentity(plaintext: Uint8Array): IdentityRecord {
  const [version, seenAtMs, ...texts] = parseArray(plaintext);
  const [address, userAgent, cookie, host, ...rest] = texts.filter(isText);
  const isWhole = version === VERSION && typeof seenAtMs === "number" && texts.length === 4;
  if (!isWhole || rest.length > 0) throw new LogveilError("open-failed");
  if (address === undefined || userAgent === undefined) throw new LogveilError("open-failed");
  if (cookie === undefined || host === undefined) throw new LogveilError("open-failed");
  return { seenAtMs, address, userAgent, cookie, host };
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function parseArray(plaintext: Uint8Array): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(plaintext).toString());
    if (Array.isArray(value)) return value;
  } catch (cause) {
    throw new LogveilError("open-failed", { cause });
  }
  throw new LogveilError("open-failed");
}
