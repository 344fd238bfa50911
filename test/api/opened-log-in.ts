import express from "express";
import type { Express } from "express";
import { applyConventions } from "../../src/api/databunker/conventions.ts";
import { createFailureHandler } from "../../src/api/databunker/failure.ts";
import { createLogInRoutes } from "../../src/api/databunker/log-in.ts";
import { createSystemRoutes } from "../../src/api/databunker/system.ts";
import { registerRoutes } from "../../src/api/route.ts";
import { openAuditTrail } from "../../src/audit/trail.ts";
import type { AuditTrail } from "../../src/audit/trail.ts";
import { createAccessTokens } from "../../src/callers/access-tokens.ts";
import { Credentials } from "../../src/callers/credentials.ts";
import { createLogInTokens } from "../../src/callers/log-in-tokens.ts";
import { createCaptcha } from "../../src/vault/log-in/captcha.ts";
import { createLogIn } from "../../src/vault/log-in/log-in.ts";
import { createOneTimeCodes } from "../../src/vault/log-in/one-time-codes.ts";
import { createSystem } from "../../src/vault/system.ts";
import { openOutboxForTest } from "../vault/notify/opened-outbox.ts";
import type { OpenedOutbox } from "../vault/notify/opened-outbox.ts";

export const ROOT_TOKEN = "a136d258-d605-e69e-0e4d-fe20460fbcf9";
/** What every captcha shows. */
export const DIGITS = "042917";
/** What `/v1/sys/configuration` shows. */
export const CONFIGURATION = { vault: { listen: "127.0.0.1:3000" } };

export type OpenedLogIn = {
  readonly outbox: OpenedOutbox;
  readonly trail: AuditTrail;
  readonly app: Express;
  /** How often it was asked who somebody is. */
  readonly lookUps: () => number;
};

/** The routes for log-in and system on real parts; `outbox.close` closes it. */
export async function openLogInForTest(
  receivers: Parameters<typeof openOutboxForTest>[0],
): Promise<OpenedLogIn> {
  const outbox = await openOutboxForTest(receivers);
  const { store, keyring, clock, directory, index, notifier, events } = outbox;
  const { documents } = store;
  const parts = { documents, key: keyring.callersKey, clock };
  const trail = await openAuditTrail({ documents, key: keyring.auditKey, clock });
  let lookUps = 0;
  const resolve: typeof directory.resolve = (mode, identity) => {
    lookUps += 1;
    return directory.resolve(mode, identity);
  };
  const logIn = createLogIn({
    trail,
    directory: { ...directory, resolve },
    index,
    notifier,
    codes: createOneTimeCodes(parts),
    captcha: createCaptcha({ clock, newDigits: () => DIGITS }),
    tokens: createLogInTokens({ ...parts, onRevoked: () => undefined }),
    defaultCountry: "GB",
  });
  const access = new Credentials(ROOT_TOKEN, createAccessTokens(parts)).findCaller;
  const system = createSystem({ trail, configuration: CONFIGURATION });
  const app = express();
  applyConventions(app);
  registerRoutes(app, [...createLogInRoutes(logIn), ...createSystemRoutes(system, access)]);
  app.use(createFailureHandler(events.eventLog, "databunker"));
  return { outbox, trail, app, lookUps: () => lookUps };
}
