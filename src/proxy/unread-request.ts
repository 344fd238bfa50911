import type { Socket } from "node:net";
import { createProblem, formatProblem } from "../http/problem.ts";
import type { ErrorType } from "../http/problem.ts";
import { closeGently } from "./lingering-close.ts";
import { MALFORMED } from "./framing.ts";
import type { Refusal } from "./framing.ts";
import type { RequestLine } from "./open-exchange.ts";

/** A code of our own beside node's: a CONNECT request, which this proxy does not serve (RFC 9110 section 9.3.6). */
export const CONNECT_REFUSED = "LOGVEIL_CONNECT_REFUSED";

/** And one more: the request line by itself is longer than all of the head may be (RFC 9112 section 3). */
const TARGET_TOO_LONG = "LOGVEIL_TARGET_TOO_LONG";

/** Every method with a meaning of its own here (RFC 9110 section 15.5.6); others go on as they come. */
export const ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

const REFUSALS: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  [CONNECT_REFUSED, { status: 405, errorType: "request_refused" }],
  [TARGET_TOO_LONG, { status: 414, errorType: "headers_too_large" }],
  ["HPE_HEADER_OVERFLOW", { status: 431, errorType: "headers_too_large" }],
  ["HPE_INVALID_VERSION", { status: 505, errorType: "request_refused" }],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", { status: 413, errorType: "body_too_large" }],
  ["ERR_HTTP_REQUEST_TIMEOUT", { status: 408, errorType: "request_timeout" }],
]);

/** node's `clientError`, with what it knows of the bytes that it could not read. */
type UnreadError = Error & {
  readonly code?: string;
  readonly reason?: string;
  readonly rawPacket?: Buffer;
  readonly bytesParsed?: number;
};

/**
 * The code of node's `clientError`, except that it calls a line that ends in a bare LF a wrong version, and does not tell a long
 * target from long fields. That is told by the last piece that came, so for a request line in several pieces it is not.
 */
export function unreadCodeOf(error: UnreadError): string {
  if (error.reason?.startsWith("Expected CRLF")) return "HPE_CR_EXPECTED";
  if (error.code !== "HPE_HEADER_OVERFLOW") return error.code ?? "";
  const read = error.rawPacket?.subarray(0, error.bytesParsed) ?? Buffer.alloc(0);
  const isRequestLine = /^[A-Z]+ [^ ]/.test(read.toString("latin1", 0, 32));
  return isRequestLine && !read.includes("\n") ? TARGET_TOO_LONG : error.code;
}

/** Takes what `unreadCodeOf` gives. */
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
  414: "URI Too Long",
  431: "Request Header Fields Too Large",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  508: "Loop Detected",
};

/** Answers on a bare socket with a problem, and ends it: where there is no response object, or nobody to trust with one. */
export function endSocket(socket: Socket, status: number, errorType: ErrorType): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = formatProblem(createProblem(status, errorType));
  const allow = status === 405 ? `Allow: ${ALLOWED_METHODS}\r\n` : "";
  socket.write(
    `HTTP/1.1 ${String(status)} ${REASONS[status] ?? "Error"}\r\n` +
      `Content-Type: application/problem+json\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n` +
      `${allow}Cache-Control: no-store\r\nDate: ${new Date().toUTCString()}\r\nConnection: close\r\n\r\n${body}`,
  );
  closeGently(socket);
}
