import { METHODS } from "node:http";
import type { ErrorType } from "../http/problem.ts";
import type { ClientRequest } from "./client-exchange.ts";
import type { Peer } from "./known-client.ts";
import { connectionOptions } from "./request-fields.ts";
import type { RequestFields } from "./request-fields.ts";
import type { RequestTarget } from "./request-target.ts";

export type Refusal = { readonly status: number; readonly errorType: ErrorType };

export const MALFORMED: Refusal = { status: 400, errorType: "request_refused" };

/**
 * RFC 9110 section 7.2 with RFC 3986 section 3.2: a name, an IPv4 address or a bracketed IPv6 address, perhaps with a port. No
 * comma, though a name might have one: two Host lines that something joined look like that.
 */
const HOST = /^(?:[\w.~!$&'()*+;=%-]*|\[[\da-fA-F:.]+\])(?::\d{0,5})?$/;

/** RFC 9112 section 6.1: transfer codings that we do not have, each named once, with `chunked` where it belongs. */
const OTHER_CODINGS = /^(?:(?!chunked|identity)[!#$%&'*+.^`|~\w-]+[\t ]*,[\t ]*)+chunked$/i;

/**
 * Why a request must not go on, or undefined. SECURITY: whatever two parsers could read differently is refused here, because the
 * one behind us may be the other one (RFC 9112 section 11.2).
 */
export function findRefusal(
  request: Pick<ClientRequest, "httpVersion" | "method">,
  fields: RequestFields,
): Refusal | undefined {
  const { httpVersion, method } = request;
  if (httpVersion !== "1.1" && httpVersion !== "1.0" && httpVersion !== "2")
    return versionRefusalOf(httpVersion);
  // HTTP/2 hands over any token (RFC 9110 section 15.6.2); of HTTP/1 node reads only what it knows.
  if (knownMethodOf(request) === UNKNOWN_METHOD) return { ...MALFORMED, status: 501 };
  if (method === "TRACE" || method === "CONNECT") return { ...MALFORMED, status: 405 };
  if (isHostAmbiguous(httpVersion, fields)) return MALFORMED;
  if (fields.upgrade !== undefined && isForgedUpgrade(method, fields)) return MALFORMED;
  return findFramingRefusal(httpVersion, fields);
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);
const UNKNOWN_METHOD = "-";

/** The method for the log. SECURITY: `-` for one that nobody has defined: a client can write an address or a name there. */
export function knownMethodOf({ method = "" }: Pick<ClientRequest, "method">): string {
  return KNOWN_METHODS.has(method) ? method : UNKNOWN_METHOD;
}

/**
 * Fields of one request, counted with repetitions; no client sends a tenth of it. The bound is ours because node's own drops what is
 * past it without a word: fields that we must read or pass on.
 */
const MAX_FIELDS = 1000;

const TOO_MANY_FIELDS: Refusal = { status: 431, errorType: "headers_too_large" };

/**
 * Requests that one connection may have under way. node reads as many as come while none is answered, and each would be a connection
 * to the upstream. HTTP/2 has its own bound, on streams.
 */
const MAX_PIPELINED = 100;

const TOO_MANY_REQUESTS: Refusal = { status: 429, errorType: "request_refused" };

/** Too much of anything. With too many requests the connection is read no further: it ends behind the answers to those before. */
export function findCountRefusal(
  { httpVersion, rawHeaders, socket }: Pick<ClientRequest, "httpVersion" | "rawHeaders" | "socket">,
  { inFlight }: Pick<Peer, "inFlight">,
): Refusal | undefined {
  if (rawHeaders.length > 2 * MAX_FIELDS) return TOO_MANY_FIELDS;
  if (inFlight <= MAX_PIPELINED || httpVersion === "2") return undefined;
  socket.pause();
  return TOO_MANY_REQUESTS;
}

/** RFC 9112 section 3.2.4: only OPTIONS has the asterisk; RFC 9110 section 7.6.2: and counts hops, in digits. */
export function findTargetRefusal(
  { method }: Pick<ClientRequest, "method">,
  target: RequestTarget | undefined,
  { maxForwards }: RequestFields,
): Refusal | undefined {
  if (target === undefined) return MALFORMED;
  if (method !== "OPTIONS") return target.path === "*" ? MALFORMED : undefined;
  return maxForwards === undefined || /^\d{1,9}$/.test(maxForwards) ? undefined : MALFORMED;
}

/** node's name for a request line without any version is 0.9 (RFC 9112 section 3). */
function versionRefusalOf(httpVersion: string): Refusal {
  return httpVersion === "0.9" ? MALFORMED : { ...MALFORMED, status: 505 };
}

function isHostAmbiguous(httpVersion: string, { host, hostLines }: RequestFields): boolean {
  if (hostLines > 1) return true;
  if (hostLines === 0 && httpVersion !== "1.0") return true;
  return host !== undefined && !HOST.test(host);
}

/**
 * The host of an absolute-form target stands in for the Host field (RFC 9112 section 3.2.2). One that would be refused by itself
 * stays, and so is refused.
 */
export function takeAuthority(fields: RequestFields, authority: string): void {
  if (fields.host === undefined || HOST.test(fields.host)) fields.host = authority;
}

/**
 * RFC 9110 section 7.8 with RFC 6455 section 4.1: a WebSocket begins with a GET that has no body. Anything else that asks for one
 * wants to be a tunnel to one parser and a request to another.
 */
function isForgedUpgrade(method: string | undefined, fields: RequestFields): boolean {
  if (!/websocket/i.test(fields.upgrade ?? "")) return false;
  if (!connectionOptions(fields.connection ?? "").has("upgrade")) return false;
  return method !== "GET" || hasBody(fields);
}

/** RFC 9112 sections 6.1 and 6.3. node's parser refuses most of these before; this does not rely on it. */
function findFramingRefusal(httpVersion: string, fields: RequestFields): Refusal | undefined {
  const { contentLength, contentLengthLines, transferEncoding } = fields;
  if (contentLengthLines > 1) return MALFORMED;
  if (contentLength !== undefined && !/^\d{1,15}$/.test(contentLength)) return MALFORMED;
  if (transferEncoding === undefined) return undefined;
  if (contentLength !== undefined || httpVersion === "1.0") return MALFORMED;
  if (transferEncoding.toLowerCase() === "chunked") return undefined;
  return OTHER_CODINGS.test(transferEncoding) ? { ...MALFORMED, status: 501 } : MALFORMED;
}

/** Whether a body follows the head (RFC 9112 section 6.3). */
export function hasBody(fields: RequestFields): boolean {
  if (fields.transferEncoding !== undefined) return true;
  return fields.contentLength !== undefined && Number(fields.contentLength) > 0;
}
