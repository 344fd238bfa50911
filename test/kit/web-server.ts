import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import { closeServer, listen } from "./loopback.ts";

export type WebServer = AsyncDisposable & {
  readonly server: Server;
  readonly url: string;
};

/** Any application of node:http or express as an upstream, on a port of the kernel's choice on 127.0.0.1. */
export async function startWebServer(application: RequestListener): Promise<WebServer> {
  const server = createServer(application);
  const { url } = await listen(server);
  return {
    server,
    url,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await closeServer(server);
    },
  };
}
