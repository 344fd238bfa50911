import type { Request } from "express";
import { LogveilError, hasCode } from "../../errors.ts";
import type { Vault } from "../../vault/vault.ts";
import { parseSessionId } from "../../vault/session-id.ts";
import { parseReason } from "../../vault/reason.ts";
import { forCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { readBody } from "./body.ts";

/** The second spelling is the one of Databunker's published API page. */
const PATHS = ["/v1/session/:session", "/v1/session/session/:session"];

export function createSessionRoutes(vault: Vault, access: Access): readonly Route[] {
  const get = forCaller(access, "session.look-up", async (caller, request, response) => {
    const reason = parseReason(reasonOf(request));
    const { session, when, data } = await vault.lookUpSession(caller, findId(request), reason);
    response.json({ status: "ok", session, when, data });
  });
  const post = forCaller(access, "session.store", async (caller, request, response) => {
    const session = parseSessionId(textOf(request));
    const body = await readBody(request, response);
    if (body === undefined) throw new LogveilError("body-missing");
    await vault.storeSession(caller, session, body);
    response.json({ status: "ok", session });
  });
  const remove = forCaller(access, "session.remove", async (caller, request, response) => {
    await vault.removeSession(caller, parseSessionId(textOf(request)));
    response.json({ status: "ok" });
  });
  return PATHS.flatMap((path) => [
    { method: "get" as const, path, handler: get },
    { method: "post" as const, path, handler: post },
    { method: "delete" as const, path, handler: remove },
  ]);
}

function textOf(request: Request): string {
  const text = request.params["session"];
  return typeof text === "string" ? text : "";
}

/** Databunker does not check the id of a GET: what is not one is not found. */
function findId(request: Request): string {
  try {
    return parseSessionId(textOf(request));
  } catch (error) {
    throw hasCode(error, "session-invalid") ? new LogveilError("not-found") : error;
  }
}

/** Header values arrive as Latin-1 (RFC 9110 section 5.5); a reason is UTF-8. */
function reasonOf(request: Request): string | undefined {
  const value = request.headers["x-lookup-reason"];
  return typeof value === "string" ? Buffer.from(value, "latin1").toString("utf8") : undefined;
}
