import type { Request, Response } from "express";
import { readBody } from "./body.ts";
import type { Body } from "./body.ts";

/** A parameter of the path; empty when the route has none of that name. */
export function parameterOf(request: Request, name: string): string {
  const text = request.params[name];
  return typeof text === "string" ? text : "";
}

/** What a request says beside its path: the header `X-Lookup-Reason`, and the body, which is read when it is asked for. */
export function statedOf(
  request: Request,
  response: Response,
): {
  readonly headerReason: string | undefined;
  readonly body: () => Promise<Body | undefined>;
} {
  const value = request.headers["x-lookup-reason"];
  // Header values arrive as Latin-1 (RFC 9110 section 5.5); a reason is UTF-8.
  const headerReason =
    typeof value === "string" ? Buffer.from(value, "latin1").toString("utf8") : undefined;
  return { headerReason, body: () => readBody(request, response) };
}
