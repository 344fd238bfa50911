import type { Duplex } from "node:stream";
import { createProblem, formatProblem } from "../http/problem.ts";
import type { ErrorType } from "../http/problem.ts";
import type { Refusal } from "./framing.ts";
import type { RequestLine } from "./open-exchange.ts";

/** A code of our own beside node's: a CONNECT request, which this proxy does not serve (RFC 9110 section 9.3.6). */
export const CONNECT_REFUSED = "LOGVEIL_CONNECT_REFUSED";

const MALFORMED: Refusal = { status: 400, errorType: "request_refused" };

const REFUSALS: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  [CONNECT_REFUSED, { status: 405, errorType: "request_refused" }],
  ["HPE_HEADER_OVERFLOW", { status: 431, errorType: "headers_too_large" }],
  ["HPE_INVALID_VERSION", { status: 505, errorType: "request_refused" }],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", { status: 413, errorType: "body_too_large" }],
  ["ERR_HTTP_REQUEST_TIMEOUT", { status: 408, errorType: "request_timeout" }],
]);

/** Takes the code of node's `clientError`. */
export function unreadRefusalOf(code: string): Refusal {
  return REFUSALS.get(code) ?? MALFORMED;
}

/** The line of a request whose head could not be read. */
export function unreadLine(requestId: string): RequestLine {
  return {
    method: "-",
    path: "",
    query: undefined,
    host: undefined,
    referer: undefined,
    traceparent: undefined,
    protocolVersion: "1.1",
    requestId,
  };
}

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  508: "Loop Detected",
};

/** Answers on a bare socket with a problem, and ends it: where there is no response object, or nobody to trust with one. */
export function endSocket(socket: Duplex, status: number, errorType: ErrorType): void {
  // The client may be gone by the time it is answered; there is nobody left to tell.
  socket.on("error", () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = formatProblem(createProblem(status, errorType));
  socket.end(
    `HTTP/1.1 ${String(status)} ${REASONS[status] ?? "Error"}\r\n` +
      `Content-Type: application/problem+json\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n` +
      `Cache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
  );
}
