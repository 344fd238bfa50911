import { isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import { LogveilError } from "../errors.ts";

export const TAG_BYTES = 11;

/**
 * 120 bits that stand for a client within an epoch, with two spellings of one value:
 *
 * - UUID version 8 (RFC 9562 section 5.8): `eeeeeeee-aaaa-8bbb-8ccc-dddddddddddd`
 * - IPv6 unique local address (RFC 4193): `fd` and the same 30 hex digits `e a b c d`, written as RFC 5952 asks
 *
 * e is the epoch; a, b, c, d are the 88 bits of the tag.
 */
export type SessionToken = {
  /** The second, since 1970, at which the epoch began; unsigned 32 bit. */
  readonly epoch: number;
  /** 11 bytes of a keyed MAC over the identity, under a key of the epoch. */
  readonly tag: Uint8Array;
};

// The variant nibble is 8 and never 9, a or b: 120 bits fit without its two free bits, and a value has one spelling.
const UUID = /^([0-9a-f]{8})-([0-9a-f]{4})-8([0-9a-f]{3})-8([0-9a-f]{3})-([0-9a-f]{12})$/i;
const ADDRESS_PREFIX = 0xfd;

export function formatUuid(token: SessionToken): string {
  const hex = digits(token);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(12, 15)}-8${hex.slice(15, 18)}-${hex.slice(18)}`;
}

/** Lower case, shortest form (RFC 5952). */
export function formatAddress(token: SessionToken): string {
  const bytes = Buffer.from(`fd${digits(token)}`, "hex");
  return new ipaddr.IPv6([...bytes]).toRFC5952String();
}

/** Reads either spelling, in either letter case. Throws `session-invalid`. */
export function parseSessionToken(text: string): SessionToken {
  const token = findSessionToken(text);
  if (token === undefined) throw new LogveilError("session-invalid");
  return token;
}

/** As `parseSessionToken`, but undefined for what is no token. */
export function findSessionToken(text: string): SessionToken | undefined {
  const groups = UUID.exec(text);
  if (groups !== null) return tokenOf(Buffer.from(groups.slice(1).join(""), "hex"));
  // node takes `fd00::1%eth0`, which is an address and an interface.
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const bytes = Buffer.from(ipaddr.IPv6.parse(text).toByteArray());
  return bytes[0] === ADDRESS_PREFIX ? tokenOf(bytes.subarray(1)) : undefined;
}

function tokenOf(bytes: Buffer): SessionToken {
  return { epoch: bytes.readUInt32BE(0), tag: Uint8Array.from(bytes.subarray(4)) };
}

function digits({ epoch, tag }: SessionToken): string {
  const bytes = Buffer.alloc(4 + TAG_BYTES);
  bytes.writeUInt32BE(epoch, 0);
  bytes.set(tag, 4);
  return bytes.toString("hex");
}
