import { BlockList, isIPv4 } from "node:net";
import parseForwarded from "forwarded-parse";
import { findNodeAddress } from "./address.ts";

/** What a request says about the hops in front of us; repeated lines joined with a comma, in the order they came. */
export type ForwardingHeaders = {
  readonly xForwardedFor: string | undefined;
  /** RFC 7239. */
  readonly forwarded: string | undefined;
};

/** Takes canonical addresses, and `unix` for whoever connects to a Unix socket. */
export type TrustedProxies = { readonly trusts: (peer: string) => boolean };

/** More hops than any real chain has: a longer list is an attempt to make us work. */
const MAX_HOPS = 64;

/** The word for whoever connects to a Unix socket, which has no address. */
const UNIX = "unix";

/** `cidrs` such as `10.0.0.0/8` or `2001:db8::/32`; a bare address is a network of one; and the word `unix`. */
export function createTrustedProxies(cidrs: readonly string[]): TrustedProxies {
  const networks = new BlockList();
  const trustsUnix = cidrs.includes(UNIX);
  for (const cidr of cidrs.filter((cidr) => cidr !== UNIX)) {
    const [address = "", prefix] = cidr.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    networks.addSubnet(address, Number(prefix ?? (family === "ipv4" ? 32 : 128)), family);
  }
  const none = cidrs.length === 0;
  return {
    trusts: (peer) => {
      if (peer === UNIX) return trustsUnix;
      return !none && networks.check(peer, isIPv4(peer) ? "ipv4" : "ipv6");
    },
  };
}

/**
 * The client's address: the rightmost hop that is not a trusted proxy. SECURITY: hops are believed from the right only, each
 * vouched for by the trusted one behind it; everything to the left of the first untrusted hop is what a client made up.
 * A hop that hides itself (`unknown`, `_name`) or cannot be read ends the walk at the proxy that reported it.
 */
export function findClientAddress(
  peer: string,
  headers: ForwardingHeaders,
  proxies: TrustedProxies,
): string {
  return proxies.trusts(peer) ? findAddressBehind(peer, headers, proxies) : peer;
}

/** The same behind a peer that is known to be trusted, whatever its address. */
export function findAddressBehind(
  peer: string,
  headers: ForwardingHeaders,
  proxies: TrustedProxies,
): string {
  let nearest = peer;
  for (const hop of hopsFromTheRight(headers)) {
    const address = findNodeAddress(hop);
    if (address === undefined) return nearest;
    if (!proxies.trusts(address)) return address;
    nearest = address;
  }
  return nearest;
}

/**
 * X-Forwarded-For wins when both are there: proxies that write it append to it, while many pass a client's own `Forwarded`
 * on untouched.
 */
function hopsFromTheRight(headers: ForwardingHeaders): readonly string[] {
  if (headers.xForwardedFor !== undefined)
    return headers.xForwardedFor.split(",").slice(-MAX_HOPS).toReversed();
  if (headers.forwarded === undefined) return [];
  try {
    return parseForwarded(headers.forwarded)
      .slice(-MAX_HOPS)
      .map((element) => element["for"] ?? "")
      .toReversed();
  } catch {
    // Not RFC 7239: nothing in it can be believed, the peer itself is the nearest hop we know.
    return [];
  }
}
