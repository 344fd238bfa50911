import { once } from "node:events";
import { createServer } from "node:http";
import { closeServer } from "../kit/loopback.ts";

export type AddressedServer = AsyncDisposable & {
  readonly port: number;
  /** How many requests it has answered. */
  readonly answered: () => number;
  readonly close: () => Promise<void>;
};

/**
 * A web server on an address of 127.0.0.0/8 that a test chooses, so that two can have one port, and one can come back on the port
 * that it had. Answers everything with its address.
 */
export async function startAddressedServer(address: string, port = 0): Promise<AddressedServer> {
  let answered = 0;
  const server = createServer((_request, response) => {
    answered += 1;
    response.end(address);
  });
  server.listen(port, address);
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new TypeError("not a TCP server");
  const close = async () => {
    server.closeAllConnections();
    await closeServer(server);
  };
  return { port: bound.port, answered: () => answered, close, [Symbol.asyncDispose]: close };
}
