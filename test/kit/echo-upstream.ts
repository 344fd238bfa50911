// An ordinary node:http server that tells in JSON what it was asked: the upstream for whoever wants to see a request as a web
// server sees it. Raw bytes, broken answers and hanging are recording-upstream.ts.

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { closeServer, listen } from "./loopback.ts";

export type Echo = {
  readonly method: string;
  readonly url: string;
  /** As node read them: names and values in turn, in order and in their spelling. */
  readonly rawHeaders: readonly string[];
  /** As node joined them, names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** UTF-8. */
  readonly body: string;
};

export type EchoUpstream = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  /** What was asked so far, in the order of arrival of the last byte. */
  readonly echoes: readonly Echo[];
  readonly close: () => Promise<void>;
};

/** Answers every request 200 with its own description (`Echo`). Listens on a port of the kernel's choice on 127.0.0.1. */
export async function startEchoUpstream(): Promise<EchoUpstream> {
  const echoes: Echo[] = [];
  const server = createServer((request, response) => {
    // A request that was broken off has nobody to answer.
    answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const echo = await describe(request);
    echoes.push(echo);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(echo));
  };
  const { url, port } = await listen(server);
  const close = async () => {
    server.closeAllConnections();
    await closeServer(server);
  };
  return { url, port, echoes, close, [Symbol.asyncDispose]: close };
}

async function describe(request: IncomingMessage): Promise<Echo> {
  const body = await buffer(request);
  return {
    method: request.method ?? "",
    url: request.url ?? "",
    rawHeaders: request.rawHeaders,
    headers: request.headers,
    body: body.toString(),
  };
}
