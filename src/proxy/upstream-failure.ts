import type { ErrorType } from "../http/problem.ts";

export type UpstreamFailure = { readonly status: 502 | 504; readonly errorType: ErrorType };

/** Codes of undici and of the operating system (RFC 9110 sections 15.6.3 and 15.6.5); what is not listed is a 502. */
const FAILURES: ReadonlyMap<string, UpstreamFailure> = new Map<string, UpstreamFailure>([
  ["UND_ERR_CONNECT_TIMEOUT", { status: 504, errorType: "upstream_timeout" }],
  ["UND_ERR_HEADERS_TIMEOUT", { status: 504, errorType: "upstream_timeout" }],
  ["UND_ERR_BODY_TIMEOUT", { status: 504, errorType: "upstream_timeout" }],
  ["ETIMEDOUT", { status: 504, errorType: "upstream_timeout" }],
  ["UND_ERR_SOCKET", { status: 502, errorType: "upstream_reset" }],
  ["ECONNRESET", { status: 502, errorType: "upstream_reset" }],
  ["EPIPE", { status: 502, errorType: "upstream_reset" }],
  ["UND_ERR_HEADERS_OVERFLOW", { status: 502, errorType: "upstream_invalid" }],
  ["UND_ERR_RES_EXCEEDED_MAX_SIZE", { status: 502, errorType: "upstream_invalid" }],
  ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", { status: 502, errorType: "upstream_invalid" }],
]);

const UNREACHABLE: UpstreamFailure = { status: 502, errorType: "upstream_unreachable" };
const INVALID: UpstreamFailure = { status: 502, errorType: "upstream_invalid" };

export function upstreamFailureOf(error: unknown): UpstreamFailure {
  const code = codeOf(error);
  // llhttp's own codes: the answer is not HTTP.
  if (code.startsWith("HPE_")) return INVALID;
  return FAILURES.get(code) ?? UNREACHABLE;
}

/** The connection died before it answered: on a reused one that says nothing about the request (RFC 9112 section 9.3.1). */
export function isDeadConnection(error: unknown): boolean {
  return ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
