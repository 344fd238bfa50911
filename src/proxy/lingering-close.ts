import type { Socket } from "node:net";
import type { ClientRequest } from "./client-exchange.ts";

/** How long a client may take to read what is already written to it, ms. */
const FLUSH_MS = 60_000;

/** How long a client may go on sending what nobody reads, ms. */
const LINGER_MS = 2000;

/**
 * Ends a connection whose client may still be sending. Closing it at once would make the kernel answer what comes with a reset,
 * which takes the answer away from a client that has not read it yet (RFC 9112 section 9.6); waiting for the client's own end would
 * leave the connection to whoever never closes it. What comes meanwhile is thrown away unread.
 */
export function closeGently(socket: Socket): void {
  if (socket.destroyed) return;
  // The client may be gone by the time it is answered; there is nobody left to tell.
  socket.on("error", () => socket.destroy());
  // SECURITY: adding a listener takes the connection from node's parser, removing all of them from the rest of node:http: what a
  // client sends behind a refused or broken-off request is not another request.
  socket.on("data", () => undefined);
  socket.removeAllListeners("data").removeAllListeners("end");
  socket.on("data", () => undefined);
  socket.end();
  socket.resume();
  let patience = setTimeout(() => socket.destroy(), socket.writableFinished ? LINGER_MS : FLUSH_MS);
  socket.once("finish", () => {
    clearTimeout(patience);
    patience = setTimeout(() => socket.destroy(), LINGER_MS);
  });
  socket.once("end", () => socket.destroySoon());
  socket.once("close", () => clearTimeout(patience));
}

/**
 * Has node:http close the connection gently after its answer, for an answer that does not wait for the request's body. Over HTTP/2
 * a stream is ended alone, and there is nothing to do.
 */
export function closeGentlyAfterAnswer({
  httpVersion,
  socket,
}: Pick<ClientRequest, "httpVersion" | "socket">): void {
  if (httpVersion === "2") return;
  // node calls this when the last byte of an answer with `Connection: close` is out.
  socket.destroySoon = () => {
    socket.destroySoon = () => socket.destroy();
    closeGently(socket);
  };
}
