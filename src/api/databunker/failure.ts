// Failures as Databunker's clients know them. One table from our codes to the dialect's words; what the dialect has no words for
// is a problem (RFC 9457).

import type { ErrorRequestHandler, Response } from "express";
import type { Caller } from "../../callers/caller.ts";
import { LogveilError } from "../../errors.ts";
import type { ErrorCode } from "../../errors.ts";
import type { EventLog } from "../../event-log.ts";
import { sendProblem } from "../../http/problem.ts";

/** What clients are told: all of Databunker's codes, or those of RFC 9110 (`vault.dialect.statusCodes`). */
export type StatusCodes = "databunker" | "strict";

type Message = {
  readonly status: number;
  readonly message: string;
  /** Under `strict`; 400 in place of 405 unless told, otherwise the same. */
  readonly strict?: number;
};

/** The dialect says 405 for nearly everything. */
const MESSAGES: ReadonlyMap<ErrorCode, Message> = new Map<ErrorCode, Message>([
  ["activity-invalid", { status: 405, message: "bad activity format" }],
  ["activity-unknown", { status: 405, strict: 404, message: "internal error" }],
  ["app-missing", { status: 405, strict: 404, message: "internal error" }],
  ["app-name-invalid", { status: 405, message: "bad appname" }],
  ["app-patch-failed", { status: 405, message: "error updating user app" }],
  ["apps-full", { status: 405, strict: 409, message: "db limitation" }],
  [
    "backup-elsewhere",
    {
      status: 405,
      strict: 501,
      message: "stop logveil and copy the store and, apart from it, the keyring; see docs/api.md",
    },
  ],
  ["basis-exists", { status: 405, strict: 409, message: "brief already exists" }],
  ["basis-missing", { status: 405, strict: 404, message: "not  found" }],
  ["basis-unknown", { status: 404, message: "not found" }],
  ["body-invalid", { status: 405, message: "failed to decode request body" }],
  ["body-missing", { status: 405, message: "empty body" }],
  ["body-too-large", { status: 413, message: "request body is too large" }],
  ["brief-incorrect", { status: 405, message: "incorrect brief format" }],
  ["brief-invalid", { status: 405, message: "bad brief format" }],
  ["caller-exists", { status: 405, strict: 409, message: "caller exists" }],
  ["caller-invalid", { status: 405, message: "bad caller" }],
  ["callers-full", { status: 405, strict: 409, message: "too many callers" }],
  ["captcha-busy", { status: 503, message: "try again" }],
  ["captcha-invalid", { status: 405, message: "captcha-error" }],
  // Databunker's words; the same for a code that is wrong and for a person that does not exist.
  ["code-invalid", { status: 405, strict: 403, message: "internal error" }],
  ["duplicate-custom", { status: 405, strict: 409, message: "duplicate index: custom" }],
  ["duplicate-email", { status: 405, strict: 409, message: "duplicate index: email" }],
  ["duplicate-login", { status: 405, strict: 409, message: "duplicate index: login" }],
  ["duplicate-on-change", { status: 405, strict: 409, message: "record not found" }],
  ["duplicate-phone", { status: 405, strict: 409, message: "duplicate index: phone" }],
  ["expiration-invalid", { status: 405, message: "bad expiration" }],
  ["exptoken-unknown", { status: 405, strict: 404, message: "internal error" }],
  ["field-too-long", { status: 405, message: "field is too long" }],
  ["fields-invalid", { status: 405, message: "bad fields" }],
  ["filter-invalid", { status: 405, message: "bad filter" }],
  ["limit-reached", { status: 405, strict: 409, message: "db limitation" }],
  ["list-disabled", { status: 403, message: "access denied" }],
  [
    "lookup-fields-missing",
    { status: 405, message: "failed to create user, all user lookup fields are missing" },
  ],
  ["mode-invalid", { status: 405, message: "bad mode" }],
  ["not-found", { status: 405, strict: 404, message: "not found" }],
  ["notify-unconfigured", { status: 405, strict: 503, message: "internal error" }],
  ["patch-failed", { status: 405, message: "error updating user" }],
  ["reason-invalid", { status: 405, message: "bad reason" }],
  ["reason-missing", { status: 405, message: "reason is required" }],
  ["record-restricted", { status: 405, strict: 409, message: "record is restricted" }],
  ["record-too-large", { status: 413, message: "record is too large" }],
  ["request-approved", { status: 405, strict: 409, message: "wrong status: approved" }],
  ["request-canceled", { status: 405, strict: 409, message: "wrong status: canceled" }],
  ["sealed-invalid", { status: 405, message: "bad sealed identity" }],
  ["search-invalid", { status: 405, message: "bad search" }],
  ["search-too-wide", { status: 405, message: "search is too wide" }],
  ["session-invalid", { status: 405, message: "bad uuid" }],
  ["shared-app-missing", { status: 405, strict: 404, message: "app not found" }],
  ["shared-app-unknown", { status: 405, message: "unknown app name" }],
  ["status-invalid", { status: 405, message: "bad status" }],
  ["too-many-requests", { status: 429, message: "too many requests" }],
  ["user-body-missing", { status: 405, message: "empty request body" }],
  ["user-erased", { status: 405, strict: 404, message: "internal error" }],
  ["user-missing", { status: 405, strict: 404, message: "user record not found" }],
  ["user-schema-violated", { status: 405, message: "user schema error" }],
  ["user-schema-violated-on-change", { status: 405, message: "schema validation error" }],
  ["uses-invalid", { status: 405, message: "bad maxUses" }],
  ["uuid-invalid", { status: 405, message: "bad uuid" }],
]);

/** 500 for the others. */
const PROBLEM_STATUS: ReadonlyMap<ErrorCode, number> = new Map([
  ["audit-corrupt", 503],
  ["audit-unavailable", 503],
  ["key-external", 409],
  ["store-closed", 503],
  ["store-unavailable", 503],
] as const);

/** Remembers for the failure handler whether the request came with a valid access token: 401 or 403 under `strict`. */
export function noteCaller(response: Response, caller: Caller | undefined): void {
  response.locals["hasCaller"] = caller !== undefined;
}

/** The last handler: every failure gets an answer, and none of them says anything that came with the request. */
export function createFailureHandler(
  eventLog: EventLog,
  statusCodes: StatusCodes,
): ErrorRequestHandler {
  const answerDenied = statusCodes === "strict" ? answerDeniedStrictly : answerDeniedAsDatabunker;
  return (failure: unknown, _request, response, _next) => {
    const code = failure instanceof LogveilError ? failure.code : undefined;
    const known = code === undefined ? undefined : MESSAGES.get(code);
    if (response.headersSent) response.destroy();
    else if (code === "access-denied") answerDenied(response);
    else if (known !== undefined)
      answerError(response, statusOf(known, statusCodes), messageOf(known, failure));
    else {
      eventLog.emit("api.failed", { code: code ?? "unexpected" });
      const status = code === undefined ? undefined : PROBLEM_STATUS.get(code);
      sendProblem(response, status ?? 500, code ?? "internal");
    }
  };
}

function answerDeniedAsDatabunker(response: Response): void {
  response.status(403).type("text/plain").send("Access denied");
}

function answerDeniedStrictly(response: Response): void {
  if (response.locals["hasCaller"] === true) return answerError(response, 403, "access denied");
  // A 401 names how to authenticate (RFC 9110 section 15.5.2); without details, as a wrong token is no better than none.
  response.set("www-authenticate", "Bearer");
  answerError(response, 401, "access token is missing or invalid");
}

function statusOf({ status, strict }: Message, statusCodes: StatusCodes): number {
  if (statusCodes === "databunker") return status;
  return strict ?? (status === 405 ? 400 : status);
}

function messageOf({ message }: Message, failure: unknown): string {
  const detail = failure instanceof LogveilError ? failure.detail : undefined;
  return detail === undefined ? message : `${message}: ${detail}`;
}

function answerError(response: Response, status: number, message: string): void {
  response.status(status).json({ status: "error", message });
}
