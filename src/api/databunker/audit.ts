import type { Request } from "express";
import type { AuditReading, AuditRow, AuditView } from "../../vault/audit-reading.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { pageOf } from "./paging.ts";
import { queryOf } from "./query.ts";
import { parameterOf } from "./stated.ts";

export function createAuditRoutes(audit: AuditReading, access: Access): readonly Route[] {
  return [
    {
      method: "get",
      path: "/v1/audit/list/:usertoken",
      handler: forAnyCaller(access, async (caller, request, response) => {
        const userToken = parameterOf(request, "usertoken");
        response.json(presentList(await audit.listOf(caller, userToken, filterOf(request))));
      }),
    },
    {
      method: "get",
      path: "/v1/audit/admin",
      handler: forAnyCaller(access, async (caller, request, response) => {
        response.json(presentList(await audit.listAll(caller, filterOf(request))));
      }),
    },
    {
      method: "get",
      path: "/v1/audit/get/:atoken",
      handler: forAnyCaller(access, async (caller, request, response) => {
        const { before, after } = await audit.find(caller, parameterOf(request, "atoken"));
        response.json({ status: "ok", event: { before, after } });
      }),
    },
  ];
}

function filterOf(request: Request) {
  const query = queryOf(request);
  const textOf = (name: string) => query.get(name) || undefined;
  return {
    from: textOf("from"),
    to: textOf("to"),
    title: textOf("title"),
    status: textOf("status"),
    actor: textOf("actor"),
    ...pageOf(request),
  };
}

function presentList({ total, rows }: AuditView) {
  return { status: "ok", total, rows: rows.map(presentRow) };
}

/** Databunker's columns, the empty ones left out; `role` and `reason` are ours. What can be drilled down to is there as "". */
function presentRow({ record, who }: AuditRow) {
  const { atoken, whenMs, mode, caller, subject, app, title, status, message, reason } = record;
  return {
    atoken,
    when: Math.floor(whenMs / 1000),
    who,
    mode,
    identity: caller?.name,
    role: caller?.role,
    record: subject,
    app,
    title,
    status,
    msg: message,
    reason,
    more: record.details.length > 0,
    ...Object.fromEntries(record.details.map((part) => [part, ""])),
  };
}
