import { once } from "node:events";
import type { Server } from "node:net";

/** Listens on 127.0.0.1, on a port of the kernel's choice. */
export async function listen(
  server: Server,
): Promise<{ readonly port: number; readonly url: string }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP server");
  return { port: address.port, url: `http://127.0.0.1:${address.port}` };
}

/** Stops listening; resolves when the last connection is gone, so end those first. A server that is closed stays so. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  await once(server, "close");
}
