import type { Socket } from "node:net";
import { findAddress } from "../identity/address.ts";
import { findClientAddress } from "../identity/client-address.ts";
import type { TrustedProxies } from "../identity/client-address.ts";
import { sessionCookiesOf, splitCookies } from "../identity/cookies.ts";
import type { Cookie, CookieNames } from "../identity/cookies.ts";
import type { RequestFields } from "./request-fields.ts";

/** The other end of a connection; the same for all its requests. */
export type Peer = {
  readonly address: string;
  readonly isTrusted: boolean;
  /** Requests on this connection whose answer is not finished. */
  inFlight: number;
};

/** A client as one request shows it. Lives for that request's head only (DESIGN section 5). */
export type KnownClient = {
  readonly address: string;
  readonly userAgent: string;
  readonly cookieHeader: string;
  readonly cookies: readonly Cookie[];
  readonly sessionCookies: string;
  readonly host: string;
};

/** The address of a peer that has none: a Unix socket, or a connection that is gone already. */
const NO_ADDRESS = "::";

export type PeerLookup = (socket: Socket) => Peer;

/** Looks at a connection once and remembers it with the socket. */
export function createPeerLookup(proxies: TrustedProxies): PeerLookup {
  const peers = new WeakMap<Socket, Peer>();
  return (socket) => {
    const known = peers.get(socket);
    if (known !== undefined) return known;
    const address = findAddress(socket.remoteAddress ?? "") ?? NO_ADDRESS;
    const peer = { address, isTrusted: proxies.trusts(address), inFlight: 0 };
    peers.set(socket, peer);
    return peer;
  };
}

export function knownClientOf(
  fields: RequestFields,
  peer: Peer,
  proxies: TrustedProxies,
  sessionCookieNames: CookieNames,
): KnownClient {
  const cookieHeader = fields.cookie ?? "";
  const cookies = cookieHeader === "" ? [] : splitCookies(cookieHeader);
  return {
    address: peer.isTrusted ? findClientAddress(peer.address, fields, proxies) : peer.address,
    userAgent: fields.userAgent ?? "",
    cookieHeader,
    cookies,
    sessionCookies: cookies.length === 0 ? "" : sessionCookiesOf(cookies, sessionCookieNames),
    host: fields.host ?? "",
  };
}

/** A peer whose request could not even be read: all that is known is its address. */
export function unreadClientOf(peer: Peer): KnownClient {
  return {
    address: peer.address,
    userAgent: "",
    cookieHeader: "",
    cookies: [],
    sessionCookies: "",
    host: "",
  };
}
