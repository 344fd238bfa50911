import type { ErrorType } from "../http/problem.ts";

export type UpstreamFailure = { readonly status: 502 | 504; readonly errorType: ErrorType };

/** Codes of undici and of the operating system (RFC 9110 sections 15.6.3 and 15.6.5); what is not listed is a 502. */
const FAILURES: ReadonlyMap<string, UpstreamFailure> = new Map<string, UpstreamFailure>([
  ["UND_ERR_CONNECT_TIMEOUT", { status: 504, errorType: "upstream_timeout" }],
  ["UND_ERR_HEADERS_TIMEOUT", { status: 504, errorType: "upstream_timeout" }],
  ["UND_ERR_BODY_TIMEOUT", { status: 504, errorType: "upstream_timeout" }],
  ["ERR_UPSTREAM_UPGRADE_TIMEOUT", { status: 504, errorType: "upstream_timeout" }],
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

/** An answer that is HTTP, and not one to be passed on. */
export class InvalidAnswer extends Error {}

export function upstreamFailureOf(error: unknown): UpstreamFailure {
  return isInvalidAnswer(error) ? INVALID : (FAILURES.get(codeOf(error)) ?? UNREACHABLE);
}

/** The connection died before it answered: on a reused one that says nothing about the request (RFC 9112 section 9.3.1). */
export function isDeadConnection(error: unknown): boolean {
  return !isInvalidAnswer(error) && DEAD.has(codeOf(error));
}

const DEAD: ReadonlySet<string> = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/**
 * llhttp's codes are what the upgrade's node:http gives; undici's parser errors have none, its other reasons to give an answer up
 * (a 100 or 101 that nobody asked for, a status below 100) no code of their own.
 */
function isInvalidAnswer(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof InvalidAnswer || error.name === "HTTPParserError") return true;
  const code = codeOf(error);
  if (code.startsWith("HPE_") || code === "ERR_ASSERTION") return true;
  return code === "UND_ERR_SOCKET" && /^bad (?:response|upgrade)$/.test(error.message);
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
