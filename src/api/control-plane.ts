// The control plane as callers see it: an express application with the dialect of Databunker (databunker/), health and metrics,
// and, on the control socket alone, what administers the keys. Nothing here opens a record: it asks the vault, which discloses.

import express from "express";
import type { Express } from "express";
import type { EventLog } from "../event-log.ts";
import type { Metrics } from "../metrics.ts";
import type { LineFeed } from "../vault/log-ingestion.ts";
import { createVerificationRoutes } from "./audit-verification.ts";
import { applyConventions, withOwnTargetsOnly } from "./databunker/conventions.ts";
import { createFailureHandler } from "./databunker/failure.ts";
import type { StatusCodes } from "./databunker/failure.ts";
import { createKeyRoutes } from "./key-administration.ts";
import type { KeyAdministration } from "./key-administration.ts";
import { createLineFeedRoutes } from "./line-feed.ts";
import { createOpenApiRoutes } from "./openapi.ts";
import { createOperationsRoutes } from "./operations.ts";
import type { Health } from "./operations.ts";
import { registerRoutes } from "./route.ts";
import type { Access } from "./route.ts";
import { createVaultRoutes } from "./vault-routes.ts";
import type { VaultDesk } from "./vault-routes.ts";

/** Each part of the vault that is given has its routes. */
export type ControlPlaneOptions = Partial<VaultDesk> & {
  readonly access: Access;
  readonly health: Health;
  readonly metrics: Pick<Metrics, "registry">;
  readonly eventLog: EventLog;
  /** `vault.dialect.statusCodes`; Databunker's unless told. */
  readonly statusCodes?: StatusCodes | undefined;
  /** Given for the control socket only: without it the routes do not exist. */
  readonly keys?: KeyAdministration;
  /** Likewise. */
  readonly lineFeed?: LineFeed;
};

/** A request listener for `node:http`. Owns nothing that has to be closed. */
export function createControlPlane(options: ControlPlaneOptions): Express {
  const { access, audit, health, lineFeed, metrics, eventLog, keys } = options;
  const app = express();
  applyConventions(app);
  registerRoutes(app, [
    ...createOperationsRoutes(health, metrics.registry),
    ...createOpenApiRoutes(),
    ...createVaultRoutes(options, access),
    ...(keys === undefined ? [] : createKeyRoutes(keys, access)),
    ...(lineFeed === undefined ? [] : createLineFeedRoutes(lineFeed, access)),
    ...(keys === undefined || audit === undefined ? [] : createVerificationRoutes(audit, access)),
  ]);
  app.use(createFailureHandler(eventLog, options.statusCodes ?? "databunker"));
  return withOwnTargetsOnly(app);
}
