import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** `proceed` lets the connection on, at once or later. */
export type ConnectionStep<Connection extends Socket> = (
  socket: Connection,
  proceed: () => void,
) => void;

/**
 * Puts `step` between a new connection and what `server` does with it now; one that is added later comes earlier. Without a step
 * nothing is between them.
 */
export function addConnectionStep(
  server: Server,
  event: "connection",
  step: ConnectionStep<Socket>,
): void;
export function addConnectionStep(
  server: Server,
  event: "secureConnection",
  step: ConnectionStep<TLSSocket>,
): void;
export function addConnectionStep(
  server: Server,
  event: string,
  step: ConnectionStep<TLSSocket>,
): void {
  const serving = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, (socket: TLSSocket) => {
    step(socket, () => {
      for (const serve of serving) serve.call(server, socket);
    });
  });
}
