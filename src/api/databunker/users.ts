import type { Request, Response } from "express";
import type { NamedUser } from "../../vault/users/user-location.ts";
import type { Changed, Users } from "../../vault/users/users.ts";
import type { UserRow } from "../../vault/users/user-list.ts";
import type { Caller } from "../../callers/caller.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { readBody, readPatch } from "./body.ts";
import { pageOf } from "./paging.ts";
import { parameterOf, statedOf } from "./stated.ts";

export function createUserRoutes(users: Users, access: Access): readonly Route[] {
  const post = forAnyCaller(access, async (caller, request, response) => {
    const token = await users.create(caller, () => readBody(request, response));
    response.json({ status: "ok", token });
  });
  const get = forAnyCaller(access, async (caller, request, response) => {
    const { token, data } = await users.read(namedUserOf(caller, request, response));
    response.json({ status: "ok", token, data });
  });
  const put = forAnyCaller(access, async (caller, request, response) => {
    const named = namedUserOf(caller, request, response);
    const changed = await users.change(named, () => readPatch(request, response));
    response.json(presentChanged(changed));
  });
  const remove = forAnyCaller(access, async (caller, request, response) => {
    const erased = await users.erase(namedUserOf(caller, request, response));
    response.json(erased.isDone ? { status: "ok", result: "done" } : presentChanged(erased));
  });
  const list = forAnyCaller(access, async (caller, request, response) => {
    const { total, rows } = await users.list(caller, pageOf(request));
    response.json({ status: "ok", total, rows: rows.map(presentRow) });
  });
  return [
    { method: "post", path: "/v1/user", handler: post },
    { method: "get", path: "/v1/user/:mode/:id", handler: get },
    { method: "put", path: "/v1/user/:mode/:id", handler: put },
    { method: "delete", path: "/v1/user/:mode/:id", handler: remove },
    { method: "post", path: "/v1/users", handler: list },
  ];
}

/** What a path with `:mode` and `:id` asks for, by whom and why. */
export function namedUserOf(
  caller: Caller | undefined,
  request: Request,
  response: Response,
): NamedUser {
  return {
    caller,
    mode: parameterOf(request, "mode"),
    id: parameterOf(request, "id"),
    reason: statedOf(request, response).headerReason,
  };
}

export function presentChanged(changed: Changed) {
  if (changed.isDone) return { status: "ok", token: changed.token };
  return { status: "ok", result: changed.result, rtoken: changed.rtoken };
}

/** `private` is the profile's JSON in base64, as Databunker's column of that name. */
function presentRow({ token, profile, endtime, expstatus }: UserRow) {
  const json = Buffer.from(JSON.stringify(profile));
  return { private: json.toString("base64"), token, endtime, expstatus };
}
