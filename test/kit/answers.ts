// What an upstream of a test can answer, also what no HTTP library would send.

import { once } from "node:events";
import type { Socket } from "node:net";
import type { FramedRequest } from "./request-framing.ts";

/** What a recording upstream does with a request. Takes over the socket; the next request on it waits until this is done. */
export type Answer = (socket: Socket, request: FramedRequest) => void | Promise<void>;

export type Response = {
  readonly status?: number;
  readonly reason?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Uint8Array;
};

/** A whole response framed by Content-Length, on a connection that stays open. */
export function respond(response: Response = {}): Answer {
  const body = Buffer.from(response.body ?? "ok\n");
  return (socket) => {
    const framing = [["Content-Length", String(body.length)]] as const;
    socket.write(Buffer.concat([headOf(response, framing), body]));
  };
}

/**
 * A chunked response, each chunk in a write of its own. A chunk may be a promise: the ones behind it wait, which is how a test
 * delays without sleeping. `cutAfter` sends only so many chunks and then resets the connection.
 */
export function respondInChunks(
  chunks: readonly (string | Uint8Array | Promise<string | Uint8Array>)[],
  response: Omit<Response, "body"> & {
    readonly trailers?: readonly (readonly [string, string])[];
    readonly cutAfter?: number;
  } = {},
): Answer {
  return async (socket) => {
    await write(socket, headOf(response, [["Transfer-Encoding", "chunked"]]));
    for (const chunk of chunks.slice(0, response.cutAfter)) {
      const bytes = Buffer.from(await chunk);
      const size = Buffer.from(`${bytes.length.toString(16)}\r\n`);
      await write(socket, Buffer.concat([size, bytes, Buffer.from("\r\n")]));
    }
    if (response.cutAfter !== undefined) socket.resetAndDestroy();
    else socket.write(`0\r\n${fieldsOf(response.trailers ?? [])}\r\n`);
  };
}

/** Exactly these bytes: garbage, or a response that no library would send. `end` closes the connection behind them. */
export function respondBytes(
  bytes: string | Uint8Array,
  options: { readonly end?: boolean } = {},
): Answer {
  return async (socket) => {
    await write(socket, Buffer.from(bytes));
    if (options.end) socket.end();
  };
}

/** Interim responses (RFC 9110 section 15.2), each with its fields, before the final one. */
export function respondAfterInterim(interim: readonly Response[], final: Answer): Answer {
  return async (socket, request) => {
    for (const response of interim) await write(socket, headOf(response, []));
    await final(socket, request);
  };
}

/** Switches protocols (101) and echoes what comes behind. */
export function switchProtocols(protocol = "websocket", headers: Response["headers"] = []): Answer {
  return (socket) => {
    const fields = [["Connection", "Upgrade"], ["Upgrade", protocol], ...headers] as const;
    socket.write(headOf({ status: 101, headers: fields }, []));
    socket.on("data", (chunk) => socket.write(chunk));
  };
}

/** Answers when `released` resolves. */
export function respondWhen(released: Promise<unknown>, answer: Answer = respond()): Answer {
  return async (socket, request) => {
    await released;
    await answer(socket, request);
  };
}

/** The n-th request gets the n-th answer, those behind the last one get the last one. */
export function respondInTurn(first: Answer, ...rest: readonly Answer[]): Answer {
  const answers = [first, ...rest];
  let turn = 0;
  return (socket, request) => {
    const answer = answers[Math.min(turn, answers.length - 1)] ?? first;
    turn += 1;
    return answer(socket, request);
  };
}

/** Resets the connection (RST) without a byte. */
export const reset: Answer = (socket) => {
  socket.resetAndDestroy();
};

/** Closes the connection (FIN) without a byte. */
export const hangUp: Answer = (socket) => {
  socket.end();
};

/** Never answers and keeps the connection open. */
export const hang: Answer = () => undefined;

function headOf(
  { status = 200, reason = "Whatever", headers = [] }: Response,
  framing: Response["headers"],
): Buffer {
  const fields = fieldsOf([...headers, ...(framing ?? [])]);
  return Buffer.from(`HTTP/1.1 ${status} ${reason}\r\n${fields}\r\n`, "latin1");
}

function fieldsOf(fields: readonly (readonly [string, string])[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

/** Waits while the peer reads slowly, so that a large answer does not pile up in memory. */
async function write(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.destroyed || socket.write(bytes)) return;
  await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => undefined);
}
