import type { SharedRecords } from "../../vault/sharing/shared-records.ts";
import { presentShared } from "../../vault/sharing/shared-record-holding.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { pageOf } from "./paging.ts";
import { parameterOf, statedOf } from "./stated.ts";

export function createSharedRecordRoutes(records: SharedRecords, access: Access): readonly Route[] {
  const shareUser = forAnyCaller(access, async (caller, request, response) => {
    const named = { mode: parameterOf(request, "mode"), id: parameterOf(request, "id") };
    const record = await records.shareUser({ caller, ...named, ...statedOf(request, response) });
    response.json({ status: "ok", record });
  });
  const shareSession = forAnyCaller(access, async (caller, request, response) => {
    const session = parameterOf(request, "session");
    const record = await records.shareSession({ caller, session, ...statedOf(request, response) });
    response.json({ status: "ok", record });
  });
  const open = forAnyCaller(access, async (caller, request, response) => {
    const { app, session, data } = await records.open(caller, parameterOf(request, "record"));
    response.json({ status: "ok", app, session, data });
  });
  const list = forAnyCaller(access, async (caller, request, response) => {
    const { total, rows } = await records.list(caller, pageOf(request));
    response.json({ status: "ok", total, rows: rows.map(presentShared) });
  });
  const revoke = forAnyCaller(access, async (caller, request, response) => {
    await records.revoke(caller, parameterOf(request, "record"));
    response.json({ status: "ok" });
  });
  return [
    // Before `:mode`, which would take the word for one.
    { method: "post", path: "/v1/sharedrecord/session/:session", handler: shareSession },
    { method: "post", path: "/v1/sharedrecord/:mode/:id", handler: shareUser },
    { method: "delete", path: "/v1/sharedrecord/:record", handler: revoke },
    { method: "get", path: "/v1/sharedrecords", handler: list },
    { method: "get", path: "/v1/get/:record", handler: open, hasEffect: true },
  ];
}
