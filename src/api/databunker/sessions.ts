import type { Request } from "express";
import type { SessionView } from "../../vault/sessions/session-view.ts";
import type { Vault } from "../../vault/vault.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { readBody } from "./body.ts";
import { pageOf } from "./paging.ts";

/** The second spelling is the one of Databunker's published API page. */
const PATHS = ["/v1/session/:session", "/v1/session/session/:session"];

export function createSessionRoutes(vault: Vault, access: Access): readonly Route[] {
  const get = forAnyCaller(access, async (caller, request, response) => {
    const found = await vault.lookUpSession(caller, idOf(request), reasonOf(request));
    const { session, when, data } = found;
    response.json({ status: "ok", session, when, data });
  });
  const post = forAnyCaller(access, async (caller, request, response) => {
    const read = () => readBody(request, response);
    const session = await vault.storeSession(caller, idOf(request), read);
    response.json({ status: "ok", session });
  });
  const remove = forAnyCaller(access, async (caller, request, response) => {
    await vault.removeSession(caller, idOf(request));
    response.json({ status: "ok" });
  });
  const list = forAnyCaller(access, async (caller, request, response) => {
    const named = { mode: parameterOf(request, "mode"), id: parameterOf(request, "id") };
    const { total, rows } = await vault.listSessions(caller, named, pageOf(request));
    response.json({ status: "ok", total, rows: rows.map(rowOf) });
  });
  const search = forAnyCaller(access, async (caller, request, response) => {
    const body = () => readBody(request, response);
    const asked = { caller, headerReason: reasonOf(request), body };
    const { total, rows } = await vault.searchSessions(asked, pageOf(request));
    response.json({ status: "ok", total, rows });
  });
  const open = forAnyCaller(access, async (caller, request, response) => {
    const body = () => readBody(request, response);
    const asked = { caller, headerReason: reasonOf(request), body };
    const { session, when, data } = await vault.openSealedSession(asked);
    response.json({ status: "ok", session, when, data });
  });
  return [
    ...PATHS.flatMap((path) => [
      { method: "get" as const, path, handler: get },
      { method: "post" as const, path, handler: post },
      { method: "delete" as const, path, handler: remove },
    ]),
    { method: "post", path: "/v1/sessions/search", handler: search },
    { method: "post", path: "/v1/sessions/open", handler: open },
    { method: "get", path: "/v1/sessions/:mode/:id", handler: list },
  ];
}

function rowOf({ when, session, data }: SessionView) {
  return { when, session, data };
}

function idOf(request: Request): string {
  return parameterOf(request, "session");
}

function parameterOf(request: Request, name: string): string {
  const text = request.params[name];
  return typeof text === "string" ? text : "";
}

/** Header values arrive as Latin-1 (RFC 9110 section 5.5); a reason is UTF-8. */
function reasonOf(request: Request): string | undefined {
  const value = request.headers["x-lookup-reason"];
  return typeof value === "string" ? Buffer.from(value, "latin1").toString("utf8") : undefined;
}
