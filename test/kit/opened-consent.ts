import type { Express } from "express";
import request from "supertest";
import type { Test } from "supertest";
import type { AuditRecord } from "../../src/audit/event.ts";
import type { GivenRole } from "../../src/callers/role.ts";
import { createConsent, openConsentRecords } from "../../src/vault/consent/consent.ts";
import type { Consent } from "../../src/vault/consent/consent.ts";
import type { Notification } from "../../src/vault/notify/notification.ts";
import { createTurns } from "../../src/vault/turns.ts";
import { createUserApps } from "../../src/vault/users/user-apps.ts";
import { createUserErasure } from "../../src/vault/users/user-erasure.ts";
import { createUserIndex } from "../../src/vault/users/user-index.ts";
import type { SelfService } from "../../src/vault/users/user-parts.ts";
import { createUserRecords } from "../../src/vault/users/user-records.ts";
import { NO_USER_SCHEMA } from "../../src/vault/users/user-schema.ts";
import { createUsers } from "../../src/vault/users/users.ts";
import { openCallers } from "./opened-callers.ts";
import { ROOT_TOKEN, openVaultForTest } from "./opened-vault.ts";
import type { OpenedVault } from "./opened-vault.ts";

type Method = "get" | "post" | "put" | "delete";

export type OpenedConsent = {
  readonly opened: OpenedVault;
  readonly consent: Consent;
  readonly app: Express;
  /** A request with root's access token, or with that of `by`; with none when that is empty. */
  readonly call: (method: Method, path: string, by?: string) => Test;
  /** Stores a user with these members; resolves to the user token. */
  readonly create: (profile: object) => Promise<string>;
  /** Access token of a data subject who has logged in. */
  readonly logIn: (userToken: string) => Promise<string>;
  readonly nameCaller: (name: string, role: GivenRole) => Promise<string>;
  /** What the world outside was told. */
  readonly told: readonly Notification[];
  /** Newest first. */
  readonly events: (subject?: string) => Promise<readonly AuditRecord[]>;
  readonly close: () => Promise<void>;
};

/** Users, consent and requests over a vault of real parts. */
export async function openConsent(selfService: Partial<SelfService> = {}): Promise<OpenedConsent> {
  const opened = await openVaultForTest();
  const { documents, keyring, trail, directory, doomedKeys, clock } = opened;
  const told: Notification[] = [];
  const index = createUserIndex(keyring.blindIndexKey, "GB");
  const common = {
    documents,
    trail,
    directory,
    doomedKeys,
    clock,
    index,
    subjects: keyring.subjects,
  };
  const consentRecords = await openConsentRecords(common);
  const parts = {
    ...common,
    schema: NO_USER_SCHEMA,
    inTurn: createTurns(),
    selfService: { forgetMe: false, changeProfile: false, changeApps: [], ...selfService },
    requests: consentRecords.desk,
    followers: [consentRecords.follower],
    notify: (notification: Notification) => {
      told.push(notification);
      return Promise.resolve([]);
    },
  };
  const records = createUserRecords(parts);
  const erasure = createUserErasure({ ...parts, holdings: consentRecords.holdings });
  const tokenKey = keyring.callersKey;
  const consent = createConsent(consentRecords, { ...parts, records, erasure, tokenKey });
  const { expiryOf } = consentRecords;
  const users = createUsers({
    ...parts,
    erasure,
    expiryOf,
    isCreationOpen: false,
    isListAllowed: true,
  });
  const callers = openCallers(opened, { users, apps: createUserApps(parts), consent });
  const { app, tokens, nameCaller } = callers;
  const call: OpenedConsent["call"] = (method, path, by = ROOT_TOKEN) => {
    const test = request(app)[method](path);
    return by === "" ? test : test.set("x-bunker-token", by);
  };
  return {
    opened,
    consent,
    app,
    call,
    told,
    nameCaller,
    create: async (profile) => {
      const answer = await call("post", "/v1/user").send(profile).expect(200);
      return String(answer.body.token);
    },
    logIn: (userToken) => tokens.logIns.create(userToken),
    events: async (subject) => (await trail.list({ subject, offset: 0, limit: 1000 })).rows,
    close: opened.close,
  };
}
