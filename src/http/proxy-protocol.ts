import type { Server } from "node:http";
import type { Socket } from "node:net";
import { originOf, setOrigin } from "./connection-origin.ts";
import { addConnectionStep } from "./connection-step.ts";
import { findProxyHeader } from "./proxy-header.ts";

export type ProxyProtocolOptions = {
  /** Whether a peer (an address or `unix`) may say whose connection it passes on. */
  readonly trusts: (peer: string) => boolean;
  /** Until the header must be there, ms. */
  readonly timeoutMs: number;
};

/**
 * Takes the PROXY protocol header from the beginning of every connection. SECURITY: whoever may bring one chooses the client's
 * address, so connections of anybody else are closed, and so are those without a header or with a malformed one.
 */
export function expectProxyProtocol(server: Server, options: ProxyProtocolOptions): void {
  addConnectionStep(server, "connection", (socket, proceed) => {
    // Nobody else listens yet; an error ends in `close`.
    socket.on("error", ignore);
    if (!options.trusts(originOf(socket).peer)) {
      socket.destroy();
      return;
    }
    readHeader(socket, options.timeoutMs, (source) => {
      const origin = originOf(socket);
      setOrigin(socket, { ...origin, peer: source ?? origin.peer });
      proceed();
      socket.off("error", ignore);
    });
  });
}

function ignore(): void {
  // The connection is closed with its error.
}

function readHeader(
  socket: Socket,
  timeoutMs: number,
  next: (source: string | undefined) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0);
  const patience = setTimeout(() => socket.destroy(), timeoutMs);
  const stop = () => {
    clearTimeout(patience);
    socket.off("readable", read);
    socket.off("end", end);
    socket.off("close", stop);
  };
  const end = () => socket.destroy();
  const read = () => {
    const chunk = socket.read() as Buffer | null; // no encoding is set, so chunks are buffers
    if (chunk === null) return;
    bytes = Buffer.concat([bytes, chunk]);
    const header = findProxyHeader(bytes);
    if (header === undefined) return;
    stop();
    if (header === "malformed") {
      socket.destroy();
      return;
    }
    // What came behind the header is the client's; whoever reads the connection from here on gets it first.
    if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
    next(header.source);
  };
  socket.on("readable", read);
  socket.on("end", end);
  socket.on("close", stop);
}
