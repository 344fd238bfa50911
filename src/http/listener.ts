import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { LogveilError } from "../errors.ts";

/** No host means every interface. */
export type ListenAddress =
  | { readonly host?: string; readonly port: number }
  | { readonly path: string };

export type Listener = {
  /** What the kernel gave; a port of 0 has become a real one. */
  readonly address: ListenAddress;
  readonly isDraining: () => boolean;
  /**
   * Stops accepting, lets what runs finish for at most `graceMs`, then breaks what is left. Resolves with how many
   * connections had to be broken. Calling it again waits for the same end.
   */
  readonly drain: (graceMs: number) => Promise<number>;
};

/** How often idle keep-alive connections are looked for while draining, ms. */
const IDLE_CHECK_MS = 100;

/** Starts `server` on `address`. Rejects `listen-failed` when it is taken or not ours; nothing is open then. */
export async function openListener(server: Server, address: ListenAddress): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(address);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new LogveilError("listen-failed", { cause });
  }
  let end: Promise<number> | undefined;
  return {
    address: boundAddress(server.address(), address),
    isDraining: () => end !== undefined,
    drain: (graceMs) => (end ??= drain(server, sockets, graceMs)),
  };
}

async function drain(
  server: Server,
  sockets: ReadonlySet<Socket>,
  graceMs: number,
): Promise<number> {
  const closed = once(server, "close");
  server.close();
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  let broken = 0;
  const deadline = setTimeout(() => {
    broken = sockets.size;
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
