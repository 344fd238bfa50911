import type { AuditReading } from "../vault/audit-reading.ts";
import type { CallerAdministration } from "../vault/caller-administration.ts";
import type { Consent } from "../vault/consent/consent.ts";
import type { LogIn } from "../vault/log-in/log-in.ts";
import type { LogIngestion } from "../vault/log-ingestion.ts";
import type { SharedRecords } from "../vault/sharing/shared-records.ts";
import type { SubjectRights } from "../vault/rights/subject-rights.ts";
import type { System } from "../vault/system.ts";
import type { UserApps } from "../vault/users/user-apps.ts";
import type { Users } from "../vault/users/users.ts";
import type { Vault } from "../vault/vault.ts";
import { createAuditRoutes } from "./databunker/audit.ts";
import { createCallerRoutes } from "./databunker/callers.ts";
import { createConsentRoutes } from "./databunker/consent.ts";
import { createLogInRoutes } from "./databunker/log-in.ts";
import { createSessionRoutes } from "./databunker/sessions.ts";
import { createSharedRecordRoutes } from "./databunker/shared-records.ts";
import { createSubjectRightsRoutes } from "./databunker/subject-rights.ts";
import { createSystemRoutes } from "./databunker/system.ts";
import { createUserAppRoutes } from "./databunker/user-apps.ts";
import { createUserRoutes } from "./databunker/users.ts";
import { createLogIngestionRoutes } from "./log-ingestion.ts";
import type { Access, Route } from "./route.ts";

/** The parts of the vault that callers can ask, each under the name of its routes. */
export type VaultDesk = {
  readonly vault: Vault;
  readonly users: Users;
  readonly apps: UserApps;
  readonly sharedRecords: SharedRecords;
  readonly consent: Consent;
  readonly rights: SubjectRights;
  readonly callers: CallerAdministration;
  readonly audit: AuditReading;
  readonly logIn: LogIn;
  readonly system: System;
  readonly ingestion: LogIngestion;
};

type Factories = {
  readonly [Part in keyof VaultDesk]: (part: VaultDesk[Part], access: Access) => readonly Route[];
};

const FACTORIES: Factories = {
  vault: createSessionRoutes,
  users: createUserRoutes,
  apps: createUserAppRoutes,
  sharedRecords: createSharedRecordRoutes,
  consent: createConsentRoutes,
  rights: createSubjectRightsRoutes,
  callers: createCallerRoutes,
  audit: createAuditRoutes,
  logIn: createLogInRoutes,
  system: createSystemRoutes,
  ingestion: createLogIngestionRoutes,
};

/** The names of all parts. */
export const DESK_PARTS = Object.keys(FACTORIES) as readonly (keyof VaultDesk)[]; // the table's own keys

/** The routes of each part that is given; a part that is not has none. */
export function createVaultRoutes(desk: Partial<VaultDesk>, access: Access): readonly Route[] {
  const routesOf = <Part extends keyof VaultDesk>(
    name: Part,
    part: VaultDesk[Part] | undefined,
  ): readonly Route[] => (part === undefined ? [] : FACTORIES[name](part, access));
  return DESK_PARTS.flatMap((name) => routesOf(name, desk[name]));
}
