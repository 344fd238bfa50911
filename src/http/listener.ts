import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { LogveilError } from "../errors.ts";
import { isFree, listenOnSocket } from "./unix-socket.ts";

/** No host means every interface. */
export type ListenAddress =
  | { readonly host?: string; readonly port: number }
  | { readonly path: string };

export type Listener = {
  /** What the kernel gave; a port of 0 has become a real one. */
  readonly address: ListenAddress;
  readonly isDraining: () => boolean;
  /** Connections that are open now, upgraded ones too. */
  readonly openConnections: () => number;
  /**
   * Stops accepting, lets what runs finish for at most `graceMs`, then breaks what is left. Resolves with how many
   * connections had to be broken. Calling it again waits for the same end.
   */
  readonly drain: (graceMs: number) => Promise<number>;
};

/** Connections that wait to be accepted; the kernel has a bound of its own. Past node's 511 a burst of clients would wait a second or three. */
const BACKLOG = 4096;

/** How often idle keep-alive connections are looked for while draining, ms. */
const IDLE_CHECK_MS = 100;

export type ListenerOptions = {
  /** Permissions of a Unix socket: who may write to it may connect. Ours alone unless told. */
  readonly socketMode?: number;
  /** Called when draining begins: for connections that the server does not know to be idle or busy. */
  readonly onDrain?: () => void;
  /** Called when the grace is over, before what still runs is broken off. */
  readonly onOverrun?: () => void;
};

/**
 * Starts `server` on `address`; a Unix socket that nobody listens on is replaced. Rejects `listen-failed` when the address is taken or
 * not ours; nothing is open then.
 */
export async function openListener(
  server: Server,
  address: ListenAddress,
  {
    socketMode = 0o600,
    onDrain = () => undefined,
    onOverrun = () => undefined,
  }: ListenerOptions = {},
): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const removeSocket = await listen(server, address, socketMode);
  // Out of file descriptors, an accept can fail; node reports that here, and would end the process if nobody listened. The connection
  // waits in the kernel's queue and is accepted when there is room again.
  server.on("error", () => undefined);
  let end: Promise<number> | undefined;
  return {
    address: boundAddress(server.address(), address),
    isDraining: () => end !== undefined,
    openConnections: () => sockets.size,
    drain: (graceMs) => {
      if (end === undefined) {
        end = removeSocket().then(() => drain(server, sockets, graceMs, onOverrun));
        onDrain();
      }
      return end;
    },
  };
}

/** Resolves with what removes the file of a Unix socket, so that nobody tries it any more. */
async function listen(
  server: Server,
  address: ListenAddress,
  socketMode: number,
): Promise<() => Promise<void>> {
  try {
    if ("path" in address) {
      if (!(await isFree(address.path))) throw new LogveilError("listen-failed");
      return await listenOnSocket(server, address.path, socketMode);
    }
    server.listen({ ...address, backlog: BACKLOG });
    await once(server, "listening");
    return async () => undefined;
  } catch (cause) {
    throw new LogveilError("listen-failed", { cause });
  }
}

async function drain(
  server: Server,
  sockets: ReadonlySet<Socket>,
  graceMs: number,
  onOverrun: () => void,
): Promise<number> {
  const closed = once(server, "close");
  server.close();
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  let broken = 0;
  const deadline = setTimeout(() => {
    broken = sockets.size;
    onOverrun();
    // Upgraded connections are out of the server's hands; the set knows them all.
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await Promise.all([closed, allClosed(sockets)]);
  clearInterval(idle);
  clearTimeout(deadline);
  return broken;
}

/** `close` of the server does not wait for upgraded connections. */
async function allClosed(sockets: ReadonlySet<Socket>): Promise<void> {
  const open = [...sockets].filter((socket) => !socket.closed);
  await Promise.all(open.map((socket) => once(socket, "close")));
}

function boundAddress(bound: AddressInfo | string | null, asked: ListenAddress): ListenAddress {
  if (bound === null || typeof bound === "string") return asked;
  return { host: bound.address, port: bound.port };
}
