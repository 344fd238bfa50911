import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage, RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import type { RequestOptions as HttpsRequestOptions } from "node:https";
import { connect } from "node:tls";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { text } from "node:stream/consumers";
import { SELF_SIGNED } from "./self-signed.ts";

export type HttpAnswer = { readonly status: number; readonly body: string };

/** HTTP/1.1 over TLS, on a connection of its own. */
export async function askHttps(
  port: number,
  path: string,
  options: HttpsRequestOptions = {},
): Promise<HttpAnswer> {
  return answerOf(
    httpsRequest({ host: "127.0.0.1", port, path, ca: SELF_SIGNED.cert, agent: false, ...options }),
  );
}

/** HTTP/1.1 over a Unix socket, on a connection of its own. */
export async function askSocket(
  socketPath: string,
  path: string,
  options: RequestOptions = {},
): Promise<HttpAnswer> {
  return answerOf(httpRequest({ socketPath, path, agent: false, ...options }));
}

async function answerOf(request: ReturnType<typeof httpRequest>): Promise<HttpAnswer> {
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** A TLS connection that has shaken hands; rejects when it could not. */
export async function connectTls(
  port: number,
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, ca: SELF_SIGNED.cert, ...options });
  await once(socket, "secureConnect");
  socket.on("error", () => undefined);
  return socket;
}
