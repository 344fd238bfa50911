import type { Socket } from "node:net";
import { originOf, UNIX_PEER } from "../http/connection-origin.ts";
import type { ErrorType } from "../http/problem.ts";
import { findAddress } from "../identity/address.ts";
import { findAddressBehind } from "../identity/client-address.ts";
import type { TrustedProxies } from "../identity/client-address.ts";
import { sessionCookiesOf, splitCookies } from "../identity/cookies.ts";
import type { Cookie, CookieNames } from "../identity/cookies.ts";
import type { RequestFields } from "./request-fields.ts";

/** A request whose body is coming in. */
export type Upload = {
  readonly isReceived: boolean;
  /** Ends it with an answer of ours, or breaks off the answer that has begun. */
  readonly refuse: (status: number, errorType: ErrorType) => void;
};

/** The other end of a connection; the same for all its requests. */
export type Peer = {
  readonly address: string;
  readonly isTrusted: boolean;
  readonly scheme: "http" | "https";
  /** Requests on this connection whose answer is not finished. */
  inFlight: number;
  /** SECURITY: something on this connection was refused. What comes behind may be a part of it and is never served. */
  isRefused: boolean;
  upload: Upload | undefined;
  /** Called when nothing is in flight any more. */
  onIdle: (() => void) | undefined;
};

/** One answer on the connection is finished. */
export function endFlight(peer: Peer): void {
  peer.inFlight -= 1;
  if (peer.inFlight === 0) peer.onIdle?.();
}

/** A client as one request shows it. Lives for that request's head only (DESIGN section 5). */
export type KnownClient = {
  readonly address: string;
  readonly scheme: "http" | "https";
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
    const origin = originOf(socket);
    const address = findAddress(origin.peer) ?? NO_ADDRESS;
    const peer: Peer = {
      address,
      scheme: origin.scheme,
      isTrusted: proxies.trusts(origin.peer === UNIX_PEER ? UNIX_PEER : address),
      inFlight: 0,
      isRefused: false,
      upload: undefined,
      onIdle: undefined,
    };
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
    address: peer.isTrusted ? findAddressBehind(peer.address, fields, proxies) : peer.address,
    scheme: peer.scheme,
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
    scheme: peer.scheme,
    userAgent: "",
    cookieHeader: "",
    cookies: [],
    sessionCookies: "",
    host: "",
  };
}
