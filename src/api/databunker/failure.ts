// Failures as Databunker's clients know them. One table from our codes to the dialect's words; what the dialect has no words for
// is a problem (RFC 9457).

import type { ErrorRequestHandler, Response } from "express";
import { LogveilError } from "../../errors.ts";
import type { ErrorCode } from "../../errors.ts";
import type { EventLog } from "../../event-log.ts";
import { sendProblem } from "../../http/problem.ts";

/** The dialect says 405 for nearly everything. */
const MESSAGES: ReadonlyMap<ErrorCode, { readonly status: number; readonly message: string }> =
  new Map([
    ["body-invalid", { status: 405, message: "failed to decode request body" }],
    ["body-missing", { status: 405, message: "empty body" }],
    ["body-too-large", { status: 413, message: "request body is too large" }],
    ["expiration-invalid", { status: 405, message: "bad expiration" }],
    ["not-found", { status: 405, message: "not found" }],
    ["reason-invalid", { status: 405, message: "bad reason" }],
    ["session-invalid", { status: 405, message: "bad uuid" }],
  ] as const);

/** 500 for the others. */
const PROBLEM_STATUS: ReadonlyMap<ErrorCode, number> = new Map([
  ["key-external", 409],
  ["store-closed", 503],
  ["store-unavailable", 503],
] as const);

export function answerDenied(response: Response): void {
  response.status(403).type("text/plain").send("Access denied");
}

/** The last handler: every failure gets an answer, and none of them says anything that came with the request. */
export function createFailureHandler(eventLog: EventLog): ErrorRequestHandler {
  return (failure: unknown, _request, response, _next) => {
    const code = failure instanceof LogveilError ? failure.code : undefined;
    if (response.headersSent) response.destroy();
    else if (code === "access-denied") answerDenied(response);
    else if (code === undefined || !answerMessage(response, code)) {
      eventLog.emit("api.failed", { code: code ?? "unexpected" });
      const status = code === undefined ? undefined : PROBLEM_STATUS.get(code);
      sendProblem(response, status ?? 500, code ?? "internal");
    }
  };
}

function answerMessage(response: Response, code: ErrorCode): boolean {
  const known = MESSAGES.get(code);
  if (known === undefined) return false;
  response.status(known.status).json({ status: "error", message: known.message });
  return true;
}
