import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { LogveilError } from "../errors.ts";

export type ControlAnswer = { readonly status: number; readonly body: string };

export type ControlRequest = {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: object;
};

/** Rejects `control-socket-silent` when nobody answers, or not within a minute. */
export type ControlClient = (call: ControlRequest) => Promise<ControlAnswer>;

const TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Talks to the control socket at `path`, one connection for each call, so there is nothing to close. */
export function createControlClient(path: string): ControlClient {
  return (call) =>
    new Promise((resolve, reject) => {
      const fail = (cause: unknown) => {
        reject(new LogveilError("control-socket-silent", { cause }));
      };
      const outgoing = request(
        {
          socketPath: path,
          method: call.method,
          path: call.path,
          headers: { ...call.headers },
          agent: false,
          signal: AbortSignal.timeout(TIMEOUT_MS),
        },
        (incoming) => {
          readBody(incoming).then(
            (body) => resolve({ status: incoming.statusCode ?? 0, body }),
            fail,
          );
        },
      );
      outgoing.once("error", fail);
      if (call.body !== undefined) {
        outgoing.setHeader("content-type", "application/json");
        outgoing.write(JSON.stringify(call.body));
      }
      outgoing.end();
    });
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new RangeError("the answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
