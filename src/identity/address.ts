// A client's address in its one canonical spelling, so that one client has one token: IPv4 as dotted decimals, IPv6 as
// RFC 5952 writes it, an IPv4-mapped address as the IPv4 address it is, never a zone or a port.

import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

/** The canonical spelling of an IP address (brackets and zone are taken off), or undefined when `text` is not one. */
export function findAddress(text: string): string | undefined {
  // node:net refuses what ipaddr.js would take for an address too: octal, hexadecimal and shortened IPv4.
  if (isIPv4(text)) return text;
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (!isIPv6(bare)) return undefined;
  const zone = bare.indexOf("%");
  const address = ipaddr.IPv6.parse(zone === -1 ? bare : bare.slice(0, zone));
  return address.isIPv4MappedAddress()
    ? address.toIPv4Address().toString()
    : address.toRFC5952String();
}

/**
 * The address of a forwarding element, which may carry a port: `192.0.2.1:443`, `[2001:db8::1]:443`. Anything else that is
 * not an address (`unknown`, `_hidden`, a host name; RFC 7239 section 6) gives undefined.
 */
export function findNodeAddress(node: string): string | undefined {
  const text = node.trim();
  const withPort = /^\[(?<v6>[^\]]+)\](?::\d{1,5})?$|^(?<v4>\d[\d.]+):\d{1,5}$/.exec(text);
  return findAddress(withPort?.groups?.["v6"] ?? withPort?.groups?.["v4"] ?? text);
}

/** The network an address belongs to, coarse enough to show to support: IPv4 /24, IPv6 /48. Takes canonical addresses. */
export function networkOf(address: string): string {
  return isIPv4(address) ? prefixOf(address, 24) : prefixOf(address, 48);
}

/**
 * Whom the cap on new sessions counts as one: the address itself, or its /64 for IPv6, where one subscriber has at least that
 * many addresses (RFC 6177). Takes canonical addresses.
 */
export function capScopeOf(address: string): string {
  return isIPv4(address) ? address : prefixOf(address, 64);
}

function prefixOf(address: string, bits: number): string {
  const parsed = ipaddr.parse(address);
  const bytes = parsed.toByteArray().map((byte, index) => maskByte(byte, bits - index * 8));
  return `${ipaddr.fromByteArray(bytes).toString()}/${String(bits)}`;
}

function maskByte(byte: number, keptBits: number): number {
  if (keptBits >= 8) return byte;
  return keptBits <= 0 ? 0 : byte & (0xff << (8 - keptBits));
}
