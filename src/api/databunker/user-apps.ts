import type { Request, Response } from "express";
import type { Caller } from "../../callers/caller.ts";
import type { NamedApp, UserApps } from "../../vault/users/user-apps.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { readBody, readPatch } from "./body.ts";
import { parameterOf } from "./stated.ts";
import { presentChanged, namedUserOf } from "./users.ts";

export function createUserAppRoutes(apps: UserApps, access: Access): readonly Route[] {
  const post = forAnyCaller(access, async (caller, request, response) => {
    const named = namedAppOf(caller, request, response);
    const token = await apps.store(named, () => readBody(request, response));
    response.json({ status: "ok", token });
  });
  const get = forAnyCaller(access, async (caller, request, response) => {
    const { token, data } = await apps.read(namedAppOf(caller, request, response));
    response.json({ status: "ok", token, data });
  });
  const put = forAnyCaller(access, async (caller, request, response) => {
    const named = namedAppOf(caller, request, response);
    const changed = await apps.change(named, () => readPatch(request, response));
    response.json(presentChanged(changed));
  });
  const remove = forAnyCaller(access, async (caller, request, response) => {
    const token = await apps.remove(namedAppOf(caller, request, response));
    response.json({ status: "ok", token });
  });
  const list = forAnyCaller(access, async (caller, request, response) => {
    const found = await apps.list(namedUserOf(caller, request, response));
    response.json({ status: "ok", token: found.token, apps: found.apps });
  });
  const listAll = forAnyCaller(access, async (caller, _request, response) => {
    const names = await apps.listAll(caller);
    // Databunker's list of nothing is null.
    response.json({ status: "ok", apps: names.length === 0 ? null : names });
  });
  const path = "/v1/userapp/:mode/:id/:app";
  return [
    { method: "post", path, handler: post },
    { method: "get", path, handler: get },
    { method: "put", path, handler: put },
    { method: "delete", path, handler: remove },
    { method: "get", path: "/v1/userapp/:mode/:id", handler: list },
    { method: "get", path: "/v1/userapps", handler: listAll },
  ];
}

function namedAppOf(caller: Caller | undefined, request: Request, response: Response): NamedApp {
  return { ...namedUserOf(caller, request, response), app: parameterOf(request, "app") };
}
