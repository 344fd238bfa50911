import type { IncomingHttpHeaders } from "node:http";
import type { Agreements } from "../../vault/consent/agreements.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { readBody } from "./body.ts";
import { parameterOf } from "./stated.ts";
import { namedUserOf } from "./users.ts";

/** The second spellings are those of Databunker's published API page. */
const PATHS = {
  one: ["/v1/agreement/:brief/:mode/:id", "/v1/consent/:mode/:id/:brief"],
  all: ["/v1/agreements/:mode/:id", "/v1/consent/:mode/:id"],
};

export function createAgreementRoutes(agreements: Agreements, access: Access): readonly Route[] {
  const accept = forAnyCaller(access, async (caller, request, response) => {
    const named = namedUserOf(caller, request, response);
    const brief = parameterOf(request, "brief");
    const isBare = !hasToken(request.headers);
    await agreements.accept({ ...named, brief, isBare, fields: () => readBody(request, response) });
    response.json({ status: "ok" });
  });
  const read = forAnyCaller(access, async (caller, request, response) => {
    const named = namedUserOf(caller, request, response);
    const data = await agreements.read({ ...named, brief: parameterOf(request, "brief") });
    response.json({ status: "ok", data });
  });
  const withdraw = forAnyCaller(access, async (caller, request, response) => {
    const named = namedUserOf(caller, request, response);
    const brief = parameterOf(request, "brief");
    const fields = () => readBody(request, response);
    const opened = await agreements.withdraw({ ...named, brief, fields });
    response.json({ status: "ok", ...opened });
  });
  const list = forAnyCaller(access, async (caller, request, response) => {
    const rows = await agreements.list(namedUserOf(caller, request, response));
    response.json({ status: "ok", total: rows.length, rows });
  });
  return [
    ...PATHS.one.flatMap((path) => [
      { method: "post" as const, path, handler: accept },
      { method: "get" as const, path, handler: read },
      { method: "delete" as const, path, handler: withdraw },
    ]),
    ...PATHS.all.map((path) => ({ method: "get" as const, path, handler: list })),
  ];
}

/** SECURITY: any attempt to show an access token counts, so that a wrong one is never better than a right one. */
function hasToken(headers: IncomingHttpHeaders): boolean {
  return headers["x-bunker-token"] !== undefined || headers.authorization !== undefined;
}
