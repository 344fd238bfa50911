import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { startWebServer } from "./web-server.ts";
import type { WebServer } from "./web-server.ts";

export type ReceivedPost = {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Unpacked. */
  readonly body: string;
  /** As it came, with the head: what somebody on the way sees, were it not for TLS. */
  readonly wire: Buffer;
  /** What it was answered. */
  readonly status: number;
};

export type Reply =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  | "hang"
  | "reset";

export type LogReceiver = WebServer & {
  readonly posts: readonly ReceivedPost[];
  /** What the next posts get, one each; those after them what `answerAll` said, 200 unless told. */
  readonly answerNext: (...replies: readonly Reply[]) => void;
  readonly answerAll: (answer: (body: string) => Reply) => void;
};

/** A receiver of logs over HTTP on 127.0.0.1 that remembers every post, also those that it refuses. */
export async function startLogReceiver(): Promise<LogReceiver> {
  const posts: ReceivedPost[] = [];
  const replies: Reply[] = [];
  let answer: (body: string) => Reply = () => ({ status: 200 });
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const { url: path = "", headers, rawHeaders } = request;
    const packed = await buffer(request);
    const unpacked = headers["content-encoding"] === "gzip" ? gunzipSync(packed) : packed;
    const body = unpacked.toString("utf8");
    const reply = replies.shift() ?? answer(body);
    const status = typeof reply === "string" ? 0 : reply.status;
    const head = Buffer.from(`${path}\n${rawHeaders.join("\n")}\n`);
    posts.push({ path, headers, body, wire: Buffer.concat([head, packed, unpacked]), status });
    if (reply === "reset") request.socket.resetAndDestroy();
    else if (reply !== "hang") response.writeHead(reply.status, reply.headers).end(reply.body);
  };
  const server = await startWebServer((request, response) => void receive(request, response));
  return {
    ...server,
    posts,
    answerNext: (...next) => void replies.push(...next),
    answerAll: (next) => void (answer = next),
  };
}
