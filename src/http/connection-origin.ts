import type { Socket } from "node:net";

/** Where a connection comes from, and how. */
export type Origin = {
  /** The address of the other end, `unix` for a Unix socket; empty when the connection is gone already. */
  readonly peer: string;
  readonly scheme: "http" | "https";
};

/** The peer of every connection to a Unix socket. */
export const UNIX_PEER = "unix";

const origins = new WeakMap<object, Origin>();

/** For a connection of which the socket itself does not say it: Unix sockets, TLS, PROXY protocol, streams of HTTP/2. */
export function setOrigin(connection: object, origin: Origin): void {
  origins.set(connection, origin);
}

export function originOf(connection: Pick<Socket, "remoteAddress">): Origin {
  return origins.get(connection) ?? { peer: connection.remoteAddress ?? "", scheme: "http" };
}
