// The header of the PROXY protocol (HAProxy, "The PROXY protocol versions 1 & 2", 2020/03/05), by which a load balancer says whose
// connection it passes on. Why no package reads it: docs/design.md.

import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

export type ProxyHeader = {
  /** Bytes; what follows belongs to the client. */
  readonly length: number;
  /** The client's address; undefined when the header names none that we know (LOCAL, UNKNOWN, other families). */
  readonly source: string | undefined;
};

/** Of any header, TLVs included, as nginx has it. */
const MAX_BYTES = 4096;
/** Section 2.1, with its line end. */
const MAX_LINE_BYTES = 107;
const LINE_START = Buffer.from("PROXY ");
const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n");
const FIXED_BYTES = 16;

const LINE =
  /^PROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP(?<family>[46]) (?<source>\S+) (?<destination>\S+) (?<ports>\d{1,5} \d{1,5}))\r\n$/;

/** Undefined while `bytes` are the beginning of a header; `malformed` when they can be none. */
export function findProxyHeader(bytes: Buffer): ProxyHeader | "malformed" | undefined {
  if (beginsLike(bytes, SIGNATURE)) return findBinaryHeader(bytes);
  return beginsLike(bytes, LINE_START) ? findLine(bytes) : "malformed";
}

function beginsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

function findLine(bytes: Buffer): ProxyHeader | "malformed" | undefined {
  const end = bytes.subarray(0, MAX_LINE_BYTES).indexOf("\r\n");
  if (end === -1) return bytes.length < MAX_LINE_BYTES ? undefined : "malformed";
  const length = end + 2;
  const groups = LINE.exec(bytes.toString("latin1", 0, length))?.groups;
  if (groups === undefined) return "malformed";
  const { family, source, destination = "", ports = "" } = groups;
  if (source === undefined) return { length, source: undefined };
  const isAddress = family === "4" ? isIPv4 : isIPv6;
  const isWhole = isAddress(source) && isAddress(destination) && ports.split(" ").every(isPort);
  return isWhole ? { length, source } : "malformed";
}

function isPort(digits: string): boolean {
  return Number(digits) <= 65_535;
}

/** Section 2.2. */
function findBinaryHeader(bytes: Buffer): ProxyHeader | "malformed" | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  const [command = 0, family = 0] = bytes.subarray(12);
  const length = FIXED_BYTES + bytes.readUInt16BE(14);
  // Version 2, LOCAL or PROXY; UNSPEC, INET, INET6 or UNIX, each UNSPEC, STREAM or DGRAM.
  const isKnown = (command === 0x20 || command === 0x21) && family >> 4 <= 3 && (family & 15) <= 2;
  const addressBytes = command === 0x21 ? (ADDRESS_BYTES.get(family) ?? 0) : 0;
  // Two addresses with a port each.
  const isWhole = addressBytes === 0 || length >= FIXED_BYTES + 2 * addressBytes + 4;
  if (!isKnown || !isWhole || length > MAX_BYTES) return "malformed";
  if (bytes.length < length) return undefined;
  return { length, source: addressIn(bytes.subarray(FIXED_BYTES, FIXED_BYTES + addressBytes)) };
}

/** TCP over IPv4 and over IPv6. */
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [0x11, 4],
  [0x21, 16],
]);

function addressIn(bytes: Buffer): string | undefined {
  return bytes.length === 0 ? undefined : ipaddr.fromByteArray([...bytes]).toString();
}
