// Everything that callers can ask of the vault, put together: users and what belongs to them, consent, temporary identities, the data
// subject's rights, callers, log-in. What one part needs of another is handed over here and nowhere else.

import type { VaultDesk } from "./api/vault-routes.ts";
import type { AuditTrail } from "./audit/trail.ts";
import type { Clock } from "./clock.ts";
import type { Keyring } from "./keys/keyring.ts";
import type { Store } from "./store/store.ts";
import type { DoomedKeys } from "./vault/doomed-keys.ts";
import type { SessionShelf } from "./vault/sessions/session-shelf.ts";
import type { UserDirectory } from "./vault/users/user-directory.ts";
import { createAccessTokens } from "./callers/access-tokens.ts";
import type { AccessTokens } from "./callers/access-tokens.ts";
import type { VaultConfiguration } from "./config/configuration.ts";
import type { EventLog } from "./event-log.ts";
import type { Metrics } from "./metrics.ts";
import { createAllHoldings } from "./vault/rights/all-holdings.ts";
import { createCallerAdministration } from "./vault/caller-administration.ts";
import { createCaptcha } from "./vault/log-in/captcha.ts";
import { createConsent, openConsentRecords } from "./vault/consent/consent.ts";
import { gradeSession } from "./vault/sessions/disclosure-view.ts";
import { createErasures } from "./vault/rights/erasure.ts";
import { createLogIn } from "./vault/log-in/log-in.ts";
import { createNotifier } from "./vault/notify/notifier.ts";
import type { Notifier } from "./vault/notify/notifier.ts";
import { createOneTimeCodes } from "./vault/log-in/one-time-codes.ts";
import { createRestrictions } from "./vault/rights/restriction.ts";
import { createSharedRecords } from "./vault/sharing/shared-records.ts";
import { createSubjectRights } from "./vault/rights/subject-rights.ts";
import { createSystem } from "./vault/system.ts";
import type { TakeTurn } from "./vault/turns.ts";
import { createUserApps } from "./vault/users/user-apps.ts";
import { createUserErasure } from "./vault/users/user-erasure.ts";
import type { UserIndex } from "./vault/users/user-index.ts";
import type { UserParts } from "./vault/users/user-parts.ts";
import { createUserRecords } from "./vault/users/user-records.ts";
import { loadUserSchema, NO_USER_SCHEMA } from "./vault/users/user-schema.ts";
import { createUsers } from "./vault/users/users.ts";

export type VaultAssembly = {
  readonly desk: Omit<VaultDesk, "vault" | "audit" | "ingestion">;
  readonly tokens: AccessTokens;
  /** What else has its time, for the sweep (vault/expiry.ts). */
  readonly sweeps: readonly (() => Promise<unknown>)[];
  readonly notifier: Notifier;
};

/** What the assembly is made from; the rest of the host is made by it. */
export type AssemblyParts = {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly trail: AuditTrail;
  readonly doomedKeys: DoomedKeys;
  readonly directory: UserDirectory;
  readonly sessions: SessionShelf;
  /** One for all of the vault: an erasure must not interleave with anything that is stored of the person. */
  readonly inTurn: TakeTurn;
  readonly index: UserIndex;
  readonly clock: Clock;
  readonly settings: VaultConfiguration;
  readonly eventLog: EventLog;
  readonly metrics: Metrics;
};

/**
 * Finishes erasures that a crash interrupted before anything is asked; those that cannot be finished now are the sweep's. Rejects
 * `user-schema-unreadable` and `user-schema-invalid`. The caller closes the notifier.
 */
export async function assembleVault(parts: AssemblyParts): Promise<VaultAssembly> {
  const { store, keyring, trail, clock, settings } = parts;
  const { documents } = store;
  const { subjects } = keyring;
  const common = { ...parts, documents, subjects };
  const tokens = createAccessTokens({ documents, key: keyring.callersKey, clock });
  const notifier = createNotifier({ ...common, ...channelsOf(settings) });
  const restrictions = createRestrictions(documents);
  const sharedRecords = createSharedRecords({
    ...common,
    restrictions,
    maxSharedRecordMs: settings.maxSharedRecord,
    viewFor: (role, view) => gradeSession(view, role, settings.disclosure),
  });
  const consentRecords = await openConsentRecords(common);
  const holdings = createAllHoldings({
    ...common,
    logIns: tokens.logIns,
    shared: sharedRecords.holding,
    others: consentRecords.holdings,
  });
  const userParts: UserParts = {
    ...common,
    schema:
      settings.userSchema === undefined
        ? NO_USER_SCHEMA
        : await loadUserSchema(settings.userSchema),
    selfService: settings.selfService,
    requests: consentRecords.desk,
    followers: [consentRecords.follower],
    notify: notifier.notify,
  };
  const records = createUserRecords(userParts);
  const erasure = createUserErasure({ ...userParts, holdings: holdings.user });
  const erasures = createErasures({ ...common, holdings });
  const consent = createConsent(consentRecords, {
    ...common,
    notify: notifier.notify,
    records,
    erasure,
    tokenKey: keyring.callersKey,
  });
  const codes = createOneTimeCodes({ documents, key: keyring.callersKey, clock });
  const callers = createCallerAdministration({ ...common, tokens });
  const resumptions = [parts.doomedKeys.sweep, erasure.resume, erasures.resume];
  // A website must not stay down over an erasure that cannot be finished now.
  for (const finish of resumptions)
    await finish().catch(() => parts.eventLog.emit("erasure.delayed"));
  const users = createUsers({
    ...userParts,
    erasure,
    isCreationOpen: settings.dialect.createUserWithoutToken,
    isListAllowed: settings.dialect.listUsers,
    expiryOf: consentRecords.expiryOf,
  });
  const logIn = createLogIn({
    ...common,
    codes,
    captcha: createCaptcha({ clock }),
    notifier,
    tokens: tokens.logIns,
    defaultCountry: settings.defaultCountry,
  });
  const rights = createSubjectRights({ ...common, erasures, restrictions, holdings });
  const system = createSystem({ trail, configuration: publicSettings(settings) });
  const apps = createUserApps(userParts);
  return {
    desk: { users, apps, consent, sharedRecords, rights, callers, logIn, system },
    tokens,
    notifier,
    sweeps: [
      ...resumptions,
      () => callers.sweep(),
      () => codes.sweep(),
      () => sharedRecords.sweep(clock.now()),
      () => consent.sweep(clock.now()),
      () => erasures.retire(clock.now() - settings.auditRetention),
      () => trail.retire(clock.now() - settings.auditRetention),
    ],
  };
}

function channelsOf({ notify }: VaultConfiguration) {
  const { webhook, secret, smtp, from } = notify;
  return {
    webhook:
      webhook === undefined || secret === undefined
        ? undefined
        : { url: webhook, secret: secret.reveal() },
    mail: smtp === undefined || from === undefined ? undefined : { url: smtp, from },
  };
}

/** SECURITY: by name, so that a setting that is added one day does not leave by itself. Paths and addresses stay inside. */
function publicSettings(settings: VaultConfiguration): Readonly<Record<string, unknown>> {
  const { maxSharedRecord, maxSession, auditRetention, defaultCountry } = settings;
  const { dialect, selfService, disclosure } = settings;
  return {
    maxSharedRecord,
    maxSession,
    auditRetention,
    defaultCountry,
    dialect,
    selfService,
    disclosure,
  };
}
