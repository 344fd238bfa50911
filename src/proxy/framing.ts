import type { IncomingMessage } from "node:http";
import type { ErrorType } from "../http/problem.ts";
import type { RequestFields } from "./request-fields.ts";

export type Refusal = { readonly status: number; readonly errorType: ErrorType };

const MALFORMED: Refusal = { status: 400, errorType: "request_refused" };

/** RFC 9110 section 7.2 with RFC 3986 section 3.2: a name, an IPv4 address or a bracketed IPv6 address, perhaps with a port. */
const HOST = /^(?:[\w.~!$&'()*+,;=%-]*|\[[\da-fA-F:.]+\])(?::\d{0,5})?$/;

/**
 * Why a request must not go on, or undefined. SECURITY: whatever two parsers could read differently is refused here, because the
 * one behind us may be the other one (RFC 9112 section 11.2).
 */
export function findRefusal(request: IncomingMessage, fields: RequestFields): Refusal | undefined {
  const { httpVersion, method } = request;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return { ...MALFORMED, status: 505 };
  if (method === "TRACE" || method === "CONNECT") return { ...MALFORMED, status: 405 };
  if (isHostAmbiguous(httpVersion, fields)) return MALFORMED;
  return findFramingRefusal(httpVersion, fields);
}

function isHostAmbiguous(httpVersion: string, { host, hostLines }: RequestFields): boolean {
  if (hostLines > 1) return true;
  if (host === undefined) return httpVersion === "1.1";
  return !HOST.test(host);
}

/** RFC 9112 sections 6.1 and 6.3. node's parser refuses most of these before; this does not rely on it. */
function findFramingRefusal(httpVersion: string, fields: RequestFields): Refusal | undefined {
  const { contentLength, contentLengthLines, transferEncoding } = fields;
  if (contentLengthLines > 1) return MALFORMED;
  if (contentLength !== undefined && !/^\d{1,15}$/.test(contentLength)) return MALFORMED;
  if (transferEncoding === undefined) return undefined;
  if (contentLength !== undefined || httpVersion === "1.0") return MALFORMED;
  if (transferEncoding.toLowerCase() === "chunked") return undefined;
  return /chunked$/i.test(transferEncoding) ? { ...MALFORMED, status: 501 } : MALFORMED;
}

/** Whether a body follows the head (RFC 9112 section 6.3). */
export function hasBody(fields: RequestFields): boolean {
  if (fields.transferEncoding !== undefined) return true;
  return fields.contentLength !== undefined && Number(fields.contentLength) > 0;
}
