import express from "express";
import type { Express } from "express";
import request from "supertest";
import type { Test } from "supertest";
import { applyConventions } from "../../src/api/databunker/conventions.ts";
import { createFailureHandler } from "../../src/api/databunker/failure.ts";
import { createSharedRecordRoutes } from "../../src/api/databunker/shared-records.ts";
import { createSubjectRightsRoutes } from "../../src/api/databunker/subject-rights.ts";
import { registerRoutes } from "../../src/api/route.ts";
import type { Access } from "../../src/api/route.ts";
import { createAccessTokens } from "../../src/callers/access-tokens.ts";
import type { AccessTokens } from "../../src/callers/access-tokens.ts";
import type { Caller } from "../../src/callers/caller.ts";
import type { Role } from "../../src/callers/role.ts";
import { createAllHoldings } from "../../src/vault/rights/all-holdings.ts";
import { gradeSession } from "../../src/vault/sessions/disclosure-view.ts";
import { createErasures } from "../../src/vault/rights/erasure.ts";
import type { Erasures } from "../../src/vault/rights/erasure.ts";
import type { HoldingPart } from "../../src/vault/rights/holdings.ts";
import { createRestrictions } from "../../src/vault/rights/restriction.ts";
import { createSharedRecords } from "../../src/vault/sharing/shared-records.ts";
import type { SharedRecords } from "../../src/vault/sharing/shared-records.ts";
import { createSubjectRights } from "../../src/vault/rights/subject-rights.ts";
import { appChanges } from "../../src/vault/users/user-app-record.ts";
import { createUserIndex } from "../../src/vault/users/user-index.ts";
import { encodeUser, keyNameOf } from "../../src/vault/users/user-record.ts";
import type { Profile } from "../../src/vault/users/user-record.ts";
import { openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

export const MAX_SHARED_MS = 31 * 86_400_000;

/** Both levels are told apart from "full", so that a record which shows too much fails a test. */
const DISCLOSURE = {
  support: { address: "network", userAgent: "family", cookie: "none" },
  dpo: { address: "full", userAgent: "full", cookie: "full" },
} as const;

const TOKENS: Readonly<Record<Role, string>> = {
  root: "00000000-0000-4000-8000-000000000001",
  dpo: "00000000-0000-4000-8000-000000000002",
  support: "00000000-0000-4000-8000-000000000003",
  auditor: "00000000-0000-4000-8000-000000000004",
  app: "00000000-0000-4000-8000-000000000005",
  login: "00000000-0000-4000-8000-000000000006",
};

export type OpenedRights = {
  readonly opened: OpenedVault;
  readonly records: SharedRecords;
  readonly accessTokens: AccessTokens;
  readonly erasures: Erasures;
  /** Erasures as after a restart, over other holdings. */
  readonly erasuresOver: (holdings: readonly HoldingPart[]) => Erasures;
  /** Resolves the user token. */
  readonly createUser: (
    profile: Profile,
    apps?: Readonly<Record<string, Profile>>,
  ) => Promise<string>;
  /** A session that a backend stored, linked to the user if one is named. Resolves its id. */
  readonly storeSession: (data: Profile) => Promise<string>;
  /** Who `login` is. */
  readonly logInAs: (userToken: string) => void;
  readonly get: (path: string, role?: Role) => Test;
  readonly post: (path: string, body?: object | string, role?: Role) => Test;
  readonly remove: (path: string, role?: Role) => Test;
  /** Creates a shared record and resolves its bearer token. */
  readonly share: (path: string, body?: object, role?: Role) => Promise<string>;
  readonly close: () => Promise<void>;
};

let sessionCount = 0;

/** The routes of shared records and of the data subject's rights over a vault of real parts. */
export async function openRights(): Promise<OpenedRights> {
  const opened = await openVaultForTest();
  const { documents, trail, directory, sessions, keyring, doomedKeys, clock, inTurn } = opened;
  const { subjects } = keyring;
  const restrictions = createRestrictions(documents);
  const records = createSharedRecords({
    documents,
    trail,
    directory,
    restrictions,
    keyring,
    doomedKeys,
    clock,
    maxSharedRecordMs: MAX_SHARED_MS,
    inTurn,
    sessions,
    viewFor: (role, view) => gradeSession(view, role, DISCLOSURE),
  });
  const accessTokens = createAccessTokens({ documents, key: keyring.callersKey, clock });
  const holdings = createAllHoldings({
    documents,
    trail,
    subjects,
    directory,
    sessions,
    logIns: accessTokens.logIns,
    shared: records.holding,
    others: [],
  });
  const erasures = createErasures({ documents, subjects, clock, inTurn, holdings });
  const erasuresOver = (user: readonly HoldingPart[]) =>
    createErasures({ documents, subjects, clock, inTurn, holdings: { user, session: [] } });
  const rights = createSubjectRights({
    trail,
    directory,
    sessions,
    subjects,
    erasures,
    restrictions,
    holdings,
    inTurn,
    clock,
  });

  let subject: string | undefined;
  const access: Access = async (headers) => {
    const token = headers["x-bunker-token"];
    const role = (Object.keys(TOKENS) as Role[]).find((name) => TOKENS[name] === token);
    if (role === undefined) return undefined;
    const caller: Caller = { name: `${role}-caller`, role };
    return role === "login" && subject !== undefined ? { ...caller, subject } : caller;
  };
  const app: Express = express();
  applyConventions(app);
  registerRoutes(app, [
    ...createSharedRecordRoutes(records, access),
    ...createSubjectRightsRoutes(rights, access),
  ]);
  app.use(createFailureHandler(opened.events.eventLog, "databunker"));

  const index = createUserIndex(keyring.blindIndexKey, "GB");
  const createUser: OpenedRights["createUser"] = async (profile, apps = {}) => {
    const token = crypto.randomUUID();
    const key = await subjects.create(keyNameOf(token, 0));
    const indexKeys = [...index.keysOf(profile).values()];
    const state = { counter: 1, generation: 0, indexKeys };
    await documents.commit([
      { table: "user", key: token, value: encodeUser(token, state, profile, key) },
      ...indexKeys.map((name) => ({
        table: "userIndex" as const,
        key: name,
        value: Buffer.from(token),
      })),
      ...Object.entries(apps).flatMap(([name, record]) =>
        appChanges({ token, generation: 0, app: name }, record, key),
      ),
    ]);
    return token;
  };
  const asRole = (test: Test, role: Role | undefined) =>
    role === undefined ? test : test.set("x-bunker-token", TOKENS[role]);
  const post: OpenedRights["post"] = (path, body = {}, role = "root") =>
    asRole(request(app).post(path), role).send(body);
  return {
    opened,
    records,
    accessTokens,
    erasures,
    erasuresOver,
    createUser,
    storeSession: async (data) => {
      sessionCount += 1;
      const id = `5e550000-0000-4000-8000-${String(sessionCount).padStart(12, "0")}`;
      return opened.vault.storeSession({ name: "root", role: "root" }, id, async () => data);
    },
    logInAs: (userToken) => {
      subject = userToken;
    },
    get: (path, role) => asRole(request(app).get(path), role),
    post,
    remove: (path, role = "root") => asRole(request(app).delete(path), role),
    share: async (path, body, role) => {
      const answer = await post(path, body, role).expect(200);
      return (answer.body as { readonly record: string }).record;
    },
    close: opened.close,
  };
}
