import type { Express } from "express";
import request from "supertest";
import { createControlPlane } from "../../src/api/control-plane.ts";
import type { ControlPlaneOptions } from "../../src/api/control-plane.ts";
import { createAccessTokens } from "../../src/callers/access-tokens.ts";
import type { AccessTokens } from "../../src/callers/access-tokens.ts";
import { Credentials } from "../../src/callers/credentials.ts";
import type { GivenRole } from "../../src/callers/role.ts";
import { createAdvancingClock } from "../../src/clock.ts";
import { createCallerAdministration } from "../../src/vault/caller-administration.ts";
import type { CallerAdministration } from "../../src/vault/caller-administration.ts";
import { ROOT_TOKEN } from "./opened-vault.ts";
import type { OpenedVault } from "./opened-vault.ts";

export type OpenedCallers = {
  readonly tokens: AccessTokens;
  readonly callers: CallerAdministration;
  /** What listens on `vault.listen`, for root and for whoever is named. */
  readonly app: Express;
  /** Names a caller through the API; resolves to the access token. */
  readonly nameCaller: (name: string, role: GivenRole, expiration?: unknown) => Promise<string>;
};

/** Callers of an open vault; `others` go to the control plane as they are. */
export function openCallers(
  opened: OpenedVault,
  others: Partial<ControlPlaneOptions> = {},
): OpenedCallers {
  const { documents, keyring, trail, vault, metrics, events } = opened;
  const clock = createAdvancingClock(opened.clock, keyring.highWaterMs);
  const tokens = createAccessTokens({ documents, key: keyring.callersKey, clock });
  const callers = createCallerAdministration({ tokens, documents, trail, clock });
  const app = createControlPlane({
    vault,
    callers,
    access: new Credentials(ROOT_TOKEN, tokens).findCaller,
    health: () => [],
    metrics,
    eventLog: events.eventLog,
    ...others,
  });
  const nameCaller: OpenedCallers["nameCaller"] = async (name, role, expiration) => {
    const answer = await request(app)
      .post("/v1/caller")
      .set("x-bunker-token", ROOT_TOKEN)
      .send({ name, role, expiration })
      .expect(200);
    return String(answer.body.xtoken);
  };
  return { tokens, callers, app, nameCaller };
}
