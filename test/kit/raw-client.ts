import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** A connection on which a test writes what no HTTP library would send. Errors are not thrown: a reset is one way to be answered. */
export type RawClient = AsyncDisposable & {
  readonly socket: Socket;
  readonly send: (bytes: string | Uint8Array) => void;
  /** Everything received so far, latin-1. */
  readonly received: () => string;
  /** Resolves with everything received when it contains `text`. */
  readonly receive: (text: string) => Promise<string>;
  /** Resolves with everything received when the other side has closed the connection. */
  readonly closed: () => Promise<string>;
};

export async function openRawClient(port: number, host = "127.0.0.1"): Promise<RawClient> {
  const socket = connect({ port, host });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  const received = () => Buffer.concat(chunks).toString("latin1");
  return {
    socket,
    send: (bytes) => socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes),
    received,
    receive: async (text) => {
      while (!received().includes(text)) {
        if (socket.destroyed) throw new Error(`closed before it received ${JSON.stringify(text)}`);
        const { signal, abort } = listening();
        await Promise.race([
          once(socket, "data", { signal }),
          once(socket, "close", { signal }),
        ]).finally(abort);
      }
      return received();
    },
    closed: async () => {
      if (!socket.closed) await once(socket, "close");
      return received();
    },
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      if (!socket.closed) await once(socket, "close");
    },
  };
}

/** Takes the listeners of a race away when it is decided. */
function listening() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** Sends `request` on a connection of its own and gives all that came back until the proxy closed it. */
export async function exchangeRaw(port: number, request: string | Uint8Array): Promise<string> {
  await using client = await openRawClient(port);
  client.send(request);
  return await client.closed();
}

/** A whole request head with its blank line. */
export function head(...lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}
