import type { RequestHandler } from "express";
import type { System } from "../../vault/system.ts";
import { forAnyCaller } from "../route.ts";
import type { Access, Route } from "../route.ts";

export function createSystemRoutes(system: System, access: Access): readonly Route[] {
  const configuration = forAnyCaller(access, async (caller, _request, response) => {
    response.json({ status: "ok", configuration: await system.configuration(caller) });
  });
  const backup = forAnyCaller(access, async (caller) => {
    await system.backup(caller);
  });
  // There is no page that they would be for; clients that ask get what an installation without one would say.
  const uiConfiguration: RequestHandler = async (_request, response) => {
    await system.uiConfiguration();
    response.json({ status: "ok", ui: {} });
  };
  const cookieSettings: RequestHandler = async (_request, response) => {
    await system.cookieSettings();
    response.json({ status: "ok", ui: {}, rows: [], scripts: null });
  };
  return [
    { method: "get", path: "/v1/sys/configuration", handler: configuration },
    { method: "get", path: "/v1/sys/backup", handler: backup },
    { method: "get", path: "/v1/sys/uiconfiguration", handler: uiConfiguration },
    { method: "get", path: "/v1/sys/cookiesettings", handler: cookieSettings },
  ];
}
