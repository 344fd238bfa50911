// The control plane as callers see it: an express application with the dialect of Databunker (databunker/), health and metrics,
// and, on the control socket alone, what administers the keys. Nothing here opens a record: it asks the vault, which discloses.

import express from "express";
import type { Express } from "express";
import type { EventLog } from "../event-log.ts";
import type { Metrics } from "../metrics.ts";
import type { Vault } from "../vault/vault.ts";
import { applyConventions } from "./databunker/conventions.ts";
import { createFailureHandler } from "./databunker/failure.ts";
import { createSessionRoutes } from "./databunker/sessions.ts";
import { createKeyRoutes } from "./key-administration.ts";
import type { KeyAdministration } from "./key-administration.ts";
import { createOperationsRoutes } from "./operations.ts";
import type { Health } from "./operations.ts";
import { registerRoutes } from "./route.ts";
import type { Access } from "./route.ts";

export type ControlPlaneOptions = {
  readonly vault: Vault;
  readonly access: Access;
  readonly health: Health;
  readonly metrics: Pick<Metrics, "registry">;
  readonly eventLog: EventLog;
  /** Given for the control socket only: without it the routes do not exist. */
  readonly keys?: KeyAdministration;
};

/** A request listener for `node:http`. Owns nothing that has to be closed. */
export function createControlPlane(options: ControlPlaneOptions): Express {
  const { vault, access, health, metrics, eventLog, keys } = options;
  const app = express();
  applyConventions(app);
  registerRoutes(app, [
    ...createOperationsRoutes(health, metrics.registry),
    ...createSessionRoutes(vault, access),
    ...(keys === undefined ? [] : createKeyRoutes(keys, access)),
  ]);
  app.use(createFailureHandler(eventLog));
  return app;
}
