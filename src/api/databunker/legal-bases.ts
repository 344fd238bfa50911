import type { LegalBases } from "../../vault/consent/legal-bases.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";
import { readBody } from "./body.ts";
import { parameterOf } from "./stated.ts";

export function createLegalBasisRoutes(legalBases: LegalBases, access: Access): readonly Route[] {
  const list = forAnyCaller(access, async (caller, _request, response) => {
    const rows = await legalBases.list(caller);
    response.json({ status: "ok", total: rows.length, rows });
  });
  const put = forAnyCaller(access, async (caller, request, response) => {
    const fields = () => readBody(request, response);
    await legalBases.put({ caller, brief: parameterOf(request, "brief"), fields });
    response.json({ status: "ok" });
  });
  const remove = forAnyCaller(access, async (caller, request, response) => {
    await legalBases.remove({ caller, brief: parameterOf(request, "brief") });
    response.json({ status: "ok" });
  });
  const revokeAll = forAnyCaller(access, async (caller, request, response) => {
    await legalBases.revokeAll({ caller, brief: parameterOf(request, "brief") });
    response.json({ status: "ok" });
  });
  return [
    { method: "get", path: "/v1/lbasis", handler: list },
    { method: "post", path: "/v1/lbasis/:brief", handler: put },
    { method: "delete", path: "/v1/lbasis/:brief", handler: remove },
    { method: "delete", path: "/v1/agreement/:brief", handler: revokeAll },
  ];
}
