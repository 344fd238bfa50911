// Error answers in the one shape that is logveil's own: application/problem+json (RFC 9457). A problem is made of a status and
// of a code from a table, so it cannot repeat anything that a client or a caller has sent.

import { ERROR_MEANINGS } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";

/** What can go wrong with a proxied request: `error.type` in the access log, `code` in the answer. Listed in docs/api.md. */
export const ERROR_TYPES = {
  body_too_large: "the request body is too large",
  client_aborted: "the client went away",
  headers_too_large: "the request headers are too large",
  internal: "logveil failed",
  request_refused: "the request is malformed or not allowed",
  request_timeout: "the request did not arrive in time",
  shutting_down: "logveil is going away",
  upstream_invalid: "the upstream's answer is malformed",
  upstream_reset: "the upstream broke off",
  upstream_timeout: "the upstream did not answer in time",
  upstream_unreachable: "the upstream cannot be reached",
} as const;

export type ErrorType = keyof typeof ERROR_TYPES;
export type ProblemCode = ErrorType | ErrorCode;

export type Problem = {
  /** `urn:logveil:problem:<code>`: names the kind of problem, is not to be fetched. */
  readonly type: string;
  readonly title: string;
  /** 400 to 599. */
  readonly status: number;
  readonly code: ProblemCode;
};

const TITLES: Readonly<Record<ProblemCode, string>> = { ...ERROR_MEANINGS, ...ERROR_TYPES };

export function createProblem(status: number, code: ProblemCode): Problem {
  return { type: `urn:logveil:problem:${code}`, title: TITLES[code], status, code };
}

/** The body of the answer; for whoever has to write it to a bare socket. */
export function formatProblem(problem: Problem): string {
  return JSON.stringify(problem);
}

/** As much of node's response as an answer takes; HTTP/2 brings one of its own. */
export type AnswerTarget = {
  readonly headersSent: boolean;
  readonly destroy: () => unknown;
  readonly writeHead: (status: number, headers: Record<string, string | number>) => unknown;
  readonly end: (body: string) => unknown;
};

/**
 * Answers with `problem` and ends the response; headers set before are kept. When an answer is under way already, the
 * connection is broken instead, so that nobody takes half an answer for a whole one (RFC 9112 section 8).
 */
export function writeProblem(response: AnswerTarget, problem: Problem): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = formatProblem(problem);
  response.writeHead(problem.status, {
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}

export function sendProblem(response: AnswerTarget, status: number, code: ProblemCode): void {
  writeProblem(response, createProblem(status, code));
}
