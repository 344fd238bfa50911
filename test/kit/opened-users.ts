import type { Express } from "express";
import request from "supertest";
import type { Test } from "supertest";
import type { AuditRecord } from "../../src/audit/event.ts";
import { createRequestDesk } from "../../src/vault/consent/request-desk.ts";
import type { HoldingPart } from "../../src/vault/rights/holdings.ts";
import { createUserApps } from "../../src/vault/users/user-apps.ts";
import { createUserErasure } from "../../src/vault/users/user-erasure.ts";
import type { UserErasure } from "../../src/vault/users/user-erasure.ts";
import { createUserIndex } from "../../src/vault/users/user-index.ts";
import type { SelfService, UserParts } from "../../src/vault/users/user-parts.ts";
import { createRequestTable } from "../../src/vault/consent/user-request.ts";
import type { RequestTable } from "../../src/vault/consent/user-request.ts";
import { NO_USER_SCHEMA, parseUserSchema } from "../../src/vault/users/user-schema.ts";
import { createUsers } from "../../src/vault/users/users.ts";
import { openCallers } from "./opened-callers.ts";
import type { OpenedCallers } from "./opened-callers.ts";
import { ROOT_TOKEN, openVaultForTest } from "./opened-vault.ts";
import type { OpenedVault } from "./opened-vault.ts";

export type UsersForTestOptions = {
  readonly schema?: unknown;
  readonly selfService?: Partial<SelfService>;
  readonly isCreationOpen?: boolean;
  readonly isListAllowed?: boolean;
  readonly statusCodes?: "strict";
  readonly holdings?: readonly HoldingPart[];
};

type Method = "get" | "post" | "put" | "delete" | "head" | "options";

export type OpenedUsers = {
  readonly opened: OpenedVault;
  readonly callers: OpenedCallers;
  readonly parts: UserParts;
  readonly erasure: UserErasure;
  readonly requests: RequestTable;
  readonly app: Express;
  /** A request with root's access token, or with that of `by`; with none when that is empty. */
  readonly call: (method: Method, path: string, by?: string) => Test;
  /** Stores a user with these members; resolves to the user token. */
  readonly create: (profile: object) => Promise<string>;
  /** The profile, by user token. */
  readonly profileOf: (token: string) => Promise<unknown>;
  /** Access token of a data subject who has logged in. */
  readonly logIn: (userToken: string) => Promise<string>;
  /** Newest first. */
  readonly events: (subject?: string) => Promise<readonly AuditRecord[]>;
  readonly close: () => Promise<void>;
};

/** Users and user apps over a vault of real parts. */
export async function openUsers(options: UsersForTestOptions = {}): Promise<OpenedUsers> {
  const opened = await openVaultForTest();
  const parts = partsOf(opened, options);
  const { isCreationOpen = false, isListAllowed = false, holdings = [], statusCodes } = options;
  const erasure = createUserErasure({ ...parts, holdings });
  const users = createUsers({ ...parts, erasure, isCreationOpen, isListAllowed });
  const apps = createUserApps(parts);
  const callers = openCallers(opened, { users, apps, statusCodes });
  const { app, tokens } = callers;
  const call: OpenedUsers["call"] = (method, path, by = ROOT_TOKEN) => {
    const test = request(app)[method](path);
    return by === "" ? test : test.set("x-bunker-token", by);
  };
  return {
    opened,
    callers,
    parts,
    erasure,
    requests: createRequestTable(opened.documents),
    app,
    call,
    create: async (profile) => {
      const answer = await call("post", "/v1/user").send(profile).expect(200);
      return String(answer.body.token);
    },
    profileOf: async (token) =>
      (await call("get", `/v1/user/token/${token}`).expect(200)).body.data,
    logIn: (userToken) => tokens.logIns.create(userToken),
    events: async (subject) => (await opened.trail.list({ subject, offset: 0, limit: 1000 })).rows,
    close: opened.close,
  };
}

function partsOf(opened: OpenedVault, { schema, selfService }: UsersForTestOptions): UserParts {
  const { documents, keyring, directory, clock } = opened;
  const table = createRequestTable(documents);
  const findOriginal = (token: string) => directory.profileOf(token);
  return {
    documents,
    directory,
    subjects: keyring.subjects,
    trail: opened.trail,
    doomedKeys: opened.doomedKeys,
    index: createUserIndex(keyring.blindIndexKey, "GB"),
    schema: schema === undefined ? NO_USER_SCHEMA : parseUserSchema(JSON.stringify(schema)),
    inTurn: opened.inTurn,
    selfService: { forgetMe: false, changeProfile: false, changeApps: [], ...selfService },
    requests: createRequestDesk({ clock, table, directory, findOriginal }),
    followers: [],
    notify: () => Promise.resolve([]),
  };
}
