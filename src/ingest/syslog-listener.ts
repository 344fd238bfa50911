import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { LogveilError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import type { RawLine } from "./line-cleaner.ts";
import type { TakeFrom } from "./line-intake.ts";
import { createSyslogFrames } from "./syslog-frames.ts";
import { messageOf } from "./syslog-message.ts";

/** Web servers keep one or a few open each. */
const MAX_CONNECTIONS = 256;
/** Datagrams that wait for the store. What comes on top is counted as lost, as it would be in the kernel. */
const MAX_WAITING_LINES = 10_000;

export type SyslogAddress =
  | { readonly host?: string; readonly port: number }
  | { readonly path: string };

export type SyslogOptions = {
  readonly take: TakeFrom;
  readonly metrics: Pick<Metrics, "ingestLines">;
};

export type SyslogListener = {
  readonly address: SyslogAddress;
  /** Stops listening and waits until what has come is with the outputs. */
  readonly close: () => Promise<void>;
};

/** Over TCP a client that sends faster than the store takes is made to wait. Rejects `listen-failed`. */
export async function listenForSyslogTcp(
  address: SyslogAddress,
  { take }: SyslogOptions,
): Promise<SyslogListener> {
  const sockets = new Map<Socket, Promise<void>>();
  const server = createServer((socket) => {
    const read = readConnection(socket, (frames) => take("syslog-tcp", linesOf(frames)));
    sockets.set(socket, read);
    void read.finally(() => sockets.delete(socket));
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, address);
  // Out of file descriptors: the connection waits in the kernel's queue.
  server.on("error", () => undefined);
  const bound = server.address();
  return {
    address: typeof bound === "object" && bound !== null ? { host: bound.address, port: bound.port } : address, // prettier-ignore
    close: async () => {
      server.close();
      const reads = [...sockets.values()];
      for (const socket of sockets.keys()) socket.destroy();
      await Promise.all(reads);
    },
  };
}

/** Never rejects: a connection that breaks off has ended. */
async function readConnection(
  socket: Socket,
  take: (frames: readonly string[]) => Promise<void>,
): Promise<void> {
  const frames = createSyslogFrames();
  try {
    for await (const chunk of socket) {
      await take(frames.push(chunk as Buffer));
      if (frames.isBroken()) return;
    }
  } catch {
    // Reset by its other end, or by us at the end.
  } finally {
    const last = frames.isBroken() ? undefined : frames.end();
    if (last !== undefined) await take([last]);
    socket.destroy();
  }
}

/** Anybody who can send a datagram can write a line: for a network of one's own. Rejects `listen-failed`. */
export async function listenForSyslogUdp(
  address: { readonly host?: string; readonly port: number },
  { metrics, take }: SyslogOptions,
): Promise<SyslogListener> {
  const host = address.host ?? "::";
  const socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4" });
  let arrived: string[] = [];
  let taking: Promise<void> | undefined;
  const drain = async () => {
    while (arrived.length > 0) {
      const lines = linesOf(arrived);
      arrived = [];
      await take("syslog-udp", lines);
    }
    taking = undefined;
  };
  socket.on("message", (datagram) => {
    if (arrived.length >= MAX_WAITING_LINES)
      return metrics.ingestLines.inc({ source: "syslog-udp", result: "lost" });
    arrived.push(datagram.toString("latin1"));
    taking ??= drain();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (cause) => reject(new LogveilError("listen-failed", { cause })));
    socket.bind({ address: host, port: address.port }, () => resolve());
  });
  socket.removeAllListeners("error").on("error", () => undefined);
  const { port } = socket.address();
  return {
    address: { host, port },
    close: async () => {
      socket.close();
      await taking;
    },
  };
}

async function listen(server: Server, address: SyslogAddress): Promise<void> {
  try {
    server.listen(address);
    await once(server, "listening");
  } catch (cause) {
    throw new LogveilError("listen-failed", { cause });
  }
}

function linesOf(frames: readonly string[]): readonly RawLine[] {
  return frames
    .map((frame) => ({ text: messageOf(frame), atMs: undefined }))
    .filter(({ text }) => text !== "");
}
