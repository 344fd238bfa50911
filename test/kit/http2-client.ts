import { once } from "node:events";
import { connect, constants } from "node:http2";
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { SELF_SIGNED } from "./self-signed.ts";

export type Http2Client = AsyncDisposable & {
  readonly session: ClientHttp2Session;
  /** One request; never rejects, a stream that broke says so in `rstCode`. */
  readonly ask: (headers: OutgoingHttpHeaders, body?: string | Buffer) => Promise<Http2Answer>;
};

export type Http2Answer = {
  /** 0 when no answer came. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly informational: readonly IncomingHttpHeaders[];
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
  /** RFC 9113 section 7; 0 for a stream that ended well. */
  readonly rstCode: number;
};

/** An HTTP/2 client of a sidecar that has the self-signed certificate. Errors of the connection are seen in its answers. */
export async function openHttp2Client(port: number): Promise<Http2Client> {
  const session = connect(`https://127.0.0.1:${port}`, { ca: SELF_SIGNED.cert });
  session.on("error", () => undefined);
  await once(session, "remoteSettings");
  return {
    session,
    ask: (headers, body) => ask(session, headers, body),
    [Symbol.asyncDispose]: async () => {
      if (session.destroyed) return;
      session.destroy();
      await once(session, "close");
    },
  };
}

async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<Http2Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  const answer = { status: 0, headers: {} as IncomingHttpHeaders, trailers: {} };
  const informational: IncomingHttpHeaders[] = [];
  const chunks: Buffer[] = [];
  stream.on("headers", (given) => informational.push(given));
  stream.on("response", (given) => {
    answer.headers = given;
    answer.status = Number(given[":status"]);
  });
  stream.on("trailers", (given) => (answer.trailers = given));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => undefined);
  if (body !== undefined) stream.end(body);
  // Not `once`, which rejects when the stream breaks.
  await new Promise<void>((resolve) => stream.on("close", resolve));
  return {
    ...answer,
    informational,
    body: Buffer.concat(chunks).toString(),
    rstCode: stream.rstCode ?? constants.NGHTTP2_NO_ERROR,
  };
}
