import type { Request } from "express";
import type { Caller } from "../../callers/caller.ts";
import type { Activities } from "../../vault/consent/activities.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { readBody } from "./body.ts";
import { parameterOf } from "./stated.ts";

export function createActivityRoutes(activities: Activities, access: Access): readonly Route[] {
  const list = forAnyCaller(access, async (caller, _request, response) => {
    const rows = await activities.list(caller);
    response.json({ status: "ok", total: rows.length, rows });
  });
  const put = forAnyCaller(access, async (caller, request, response) => {
    const fields = () => readBody(request, response);
    await activities.put({ ...askedOf(caller, request), fields });
    response.json({ status: "ok" });
  });
  const change = (which: "remove" | "link" | "unlink") =>
    forAnyCaller(access, async (caller, request, response) => {
      await activities[which](askedOf(caller, request));
      response.json({ status: "ok" });
    });
  const activity = "/v1/pactivity/:activity";
  const linked = `${activity}/:brief`;
  return [
    { method: "get", path: "/v1/pactivity", handler: list },
    { method: "post", path: activity, handler: put },
    { method: "delete", path: activity, handler: change("remove") },
    { method: "post", path: linked, handler: change("link") },
    { method: "delete", path: linked, handler: change("unlink") },
  ];
}

function askedOf(caller: Caller | undefined, request: Request) {
  const activity = parameterOf(request, "activity");
  return { caller, activity, brief: parameterOf(request, "brief") };
}
