import type { Request } from "express";
import type { Requests } from "../../vault/consent/requests.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { pageOf } from "./paging.ts";
import { queryOf } from "./query.ts";
import { parameterOf, statedOf } from "./stated.ts";
import { namedUserOf } from "./users.ts";

export function createRequestRoutes(requests: Requests, access: Access): readonly Route[] {
  const list = forAnyCaller(access, async (caller, request, response) => {
    const asked = { caller, status: statusOf(request), ...pageOf(request) };
    response.json({ status: "ok", ...(await requests.list(asked)) });
  });
  const listOf = forAnyCaller(access, async (caller, request, response) => {
    const named = namedUserOf(caller, request, response);
    const { total, rows } = await requests.listOf({ ...named, ...pageOf(request) });
    // Databunker's clients know this list without rows as null.
    response.json({ status: "ok", total, rows: rows.length === 0 ? null : rows });
  });
  const read = forAnyCaller(access, async (caller, request, response) => {
    const shown = await requests.read({ caller, rtoken: parameterOf(request, "rtoken") });
    response.json({ status: "ok", ...shown });
  });
  const decide = (which: "approve" | "cancel") =>
    forAnyCaller(access, async (caller, request, response) => {
      const rtoken = parameterOf(request, "rtoken");
      await requests[which]({ caller, rtoken, ...statedOf(request, response) });
      response.json({ status: "ok", result: "done" });
    });
  const path = "/v1/request/:rtoken";
  return [
    { method: "get", path: "/v1/requests", handler: list },
    { method: "get", path: "/v1/requests/:mode/:id", handler: listOf },
    { method: "get", path, handler: read },
    { method: "post", path, handler: decide("approve") },
    { method: "delete", path, handler: decide("cancel") },
  ];
}

function statusOf(request: Request): string {
  return queryOf(request).get("status") ?? "open";
}
