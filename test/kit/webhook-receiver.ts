import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { startWebServer } from "./web-server.ts";
import type { WebServer } from "./web-server.ts";

export type ReceivedCall = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

/** What is done with one call: answered with a status and headers, or left without an answer. */
export type Reply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | "silence";

export type WebhookReceiver = WebServer & {
  readonly calls: readonly ReceivedCall[];
  /** What the next calls get, one each; those after them get 204. */
  readonly answerNext: (...replies: readonly Reply[]) => void;
};

/** A receiver of webhooks on 127.0.0.1 that remembers every call, also those that it refuses. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const calls: ReceivedCall[] = [];
  const replies: Reply[] = [];
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url: path = "", headers } = request;
    const body = await text(request);
    const reply = replies.shift() ?? { status: 204 };
    calls.push({ method, path, headers, body });
    if (reply !== "silence") response.writeHead(reply.status, reply.headers).end();
  };
  const server = await startWebServer((request, response) => void receive(request, response));
  return { ...server, calls, answerNext: (...next) => void replies.push(...next) };
}
