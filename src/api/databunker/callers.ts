import type { Request } from "express";
import type { NamedCaller } from "../../callers/named-callers.ts";
import type { CallerAdministration } from "../../vault/caller-administration.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { readBody } from "./body.ts";

/** A named caller as `GET /v1/callers` answers it; times in seconds since 1970. */
export type CallerRow = {
  readonly name: string;
  readonly role: string;
  readonly creationtime: number;
  /** Absent: never. */
  readonly endtime?: number;
};

export function createCallerRoutes(
  callers: CallerAdministration,
  access: Access,
): readonly Route[] {
  const create = forAnyCaller(access, async (caller, request, response) => {
    const xtoken = await callers.create(caller, () => readBody(request, response));
    response.json({ status: "ok", xtoken });
  });
  const list = forAnyCaller(access, async (caller, _request, response) => {
    const rows = (await callers.list(caller)).map(rowOf);
    response.json({ status: "ok", total: rows.length, rows });
  });
  const remove = forAnyCaller(access, async (caller, request, response) => {
    await callers.remove(caller, nameOf(request));
    response.json({ status: "ok" });
  });
  return [
    { method: "post", path: "/v1/caller", handler: create },
    { method: "get", path: "/v1/callers", handler: list },
    { method: "delete", path: "/v1/caller/:name", handler: remove },
  ];
}

function nameOf(request: Request): string {
  const name = request.params["name"];
  return typeof name === "string" ? name : "";
}

function rowOf({ name, role, createdAtMs, expiresAtMs }: NamedCaller): CallerRow {
  const row = { name, role, creationtime: Math.floor(createdAtMs / 1000) };
  // Rounded up: the last second in which the token may still be taken.
  return expiresAtMs === undefined ? row : { ...row, endtime: Math.ceil(expiresAtMs / 1000) };
}
