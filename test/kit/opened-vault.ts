import type { Express } from "express";
import { createControlPlane } from "../../src/api/control-plane.ts";
import { openAuditTrail } from "../../src/audit/trail.ts";
import type { AuditTrail } from "../../src/audit/trail.ts";
import { Credentials } from "../../src/callers/credentials.ts";
import { createAdvancingClock } from "../../src/clock.ts";
import type { Clock } from "../../src/clock.ts";
import { capScopeOf } from "../../src/identity/address.ts";
import { openKeyring } from "../../src/keys/keyring.ts";
import type { Keyring } from "../../src/keys/keyring.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { Metrics } from "../../src/metrics.ts";
import type { Documents } from "../../src/store/documents.ts";
import { openStore } from "../../src/store/store.ts";
import type { Store } from "../../src/store/store.ts";
import type { SessionLinks } from "../../src/token/session-links.ts";
import { createTokeniser } from "../../src/token/tokeniser.ts";
import type { Tokeniser } from "../../src/token/tokeniser.ts";
import type { DisclosurePolicy } from "../../src/vault/sessions/disclosure-view.ts";
import { createAuditReading } from "../../src/vault/audit-reading.ts";
import type { AuditReading } from "../../src/vault/audit-reading.ts";
import { createDoomedKeys } from "../../src/vault/doomed-keys.ts";
import type { DoomedKeys } from "../../src/vault/doomed-keys.ts";
import { createSessionIntake } from "../../src/vault/sessions/session-intake.ts";
import { createKeyDestruction } from "../../src/vault/sessions/session-keys.ts";
import { createSessionLinking } from "../../src/vault/sessions/session-linking.ts";
import { createSessionShelf } from "../../src/vault/sessions/session-shelf.ts";
import type { SessionShelf } from "../../src/vault/sessions/session-shelf.ts";
import { createUserDirectory } from "../../src/vault/users/user-directory.ts";
import type { UserDirectory } from "../../src/vault/users/user-directory.ts";
import { createUserIndex } from "../../src/vault/users/user-index.ts";
import { createTurns } from "../../src/vault/turns.ts";
import type { TakeTurn } from "../../src/vault/turns.ts";
import { createVault } from "../../src/vault/vault.ts";
import type { Vault } from "../../src/vault/vault.ts";
import { openEventFile } from "./event-file.ts";
import type { EventFile } from "./event-file.ts";
import { createHandClock } from "./hand-clock.ts";
import type { HandClock } from "./hand-clock.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";
import type { TemporaryFolder } from "./temporary-folder.ts";

const HOUR_MS = 3_600_000;
export const ROTATE_MS = 24 * HOUR_MS;
export const RETENTION_MS = 72 * HOUR_MS;
/** `vault.maxSession`; one hour, as in the measured table of the dialect. */
export const MAX_SESSION_MS = HOUR_MS;
export const ROOT_TOKEN = "a136d258-d605-e69e-0e4d-fe20460fbcf9";
const MASTER_KEY = Buffer.alloc(32, 7);

export type Visit = {
  readonly address: string;
  readonly userAgent: string;
  readonly cookieHeader: string;
  readonly host: string;
};

export type OpenedVault = {
  readonly folder: TemporaryFolder;
  readonly clock: HandClock;
  readonly events: EventFile;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly documents: Documents;
  readonly keyring: Keyring;
  readonly trail: AuditTrail;
  readonly audit: AuditReading;
  readonly doomedKeys: DoomedKeys;
  readonly inTurn: TakeTurn;
  readonly directory: UserDirectory;
  readonly sessions: SessionShelf;
  /** What the data plane says about whose sessions are. */
  readonly links: SessionLinks;
  readonly vault: Vault;
  /** What listens on `vault.listen`. */
  readonly app: Express;
  /** What the data plane does with a new session; resolves to the token's two spellings once the record is stored. */
  readonly visit: (visit: Visit) => Promise<{ readonly uuid: string; readonly address: string }>;
  readonly close: () => Promise<void>;
};

export type VaultForTestOptions = {
  /** To open it in, again or on a disk of its own; the caller removes it. */
  readonly folder?: TemporaryFolder;
  readonly disclosure?: DisclosurePolicy;
};

/** The defaults of `vault.disclosure`. */
const DISCLOSURE: DisclosurePolicy = {
  support: { address: "network", userAgent: "family", cookie: "none" },
  dpo: { address: "full", userAgent: "full", cookie: "full" },
};

/** A vault of real parts in a temporary folder, under a hand-moved clock; `close` removes the folder too. */
export async function openVaultForTest(options: VaultForTestOptions = {}): Promise<OpenedVault> {
  const folder = options.folder ?? (await createTemporaryFolder());
  const hand = createHandClock();
  const events = openEventFile(folder.file("events"));
  const { eventLog } = events;
  const metrics = createMetrics();
  const common = { durability: "process", eventLog, metrics } as const;
  const store = await openStore({ ...common, dir: folder.path, clock: hand });
  const keyring = await openKeyring({
    ...common,
    dir: folder.file("keyring"),
    masterKey: MASTER_KEY,
    clock: hand,
    retention: { rotateMs: ROTATE_MS, retentionMs: RETENTION_MS },
  });
  const clock = createAdvancingClock(hand, keyring.highWaterMs);
  const { documents } = store;
  const trail = await openAuditTrail({ documents, key: keyring.auditKey, clock });
  const maxSessionMs = MAX_SESSION_MS;
  const doomedKeys = createDoomedKeys({
    documents,
    subjects: createKeyDestruction(keyring, store),
  });
  const inTurn = createTurns();
  const parts = { ...common, store, keyring, trail, doomedKeys, inTurn, clock };
  const index = createUserIndex(keyring.blindIndexKey, "GB");
  const directory = createUserDirectory({ documents, subjects: keyring.subjects, index });
  const tokeniser = createVisitTokeniser(parts);
  const onErased = tokeniser.forgetSession;
  const sessions = createSessionShelf({ ...parts, onErased });
  const links = createSessionLinking({ ...parts, sessions, directory });
  const { disclosure = DISCLOSURE } = options;
  const vault = createVault({ ...parts, sessions, directory, maxSessionMs, disclosure });
  const access = new Credentials(ROOT_TOKEN).findCaller;
  const audit = createAuditReading({ trail, directory });
  const app = createControlPlane({ vault, access, audit, health: () => [], metrics, eventLog });
  const visit = createVisit(tokeniser);
  const close = async () => {
    await keyring.close();
    await store.close();
    events.close();
    if (options.folder === undefined) await folder.remove();
  };
  return {
    folder,
    clock: hand,
    events,
    metrics,
    store,
    documents,
    keyring,
    trail,
    audit,
    doomedKeys,
    inTurn,
    directory,
    sessions,
    links,
    vault,
    app,
    visit,
    close,
  };
}

type VisitParts = Pick<OpenedVault, "keyring" | "store" | "metrics"> & { readonly clock: Clock };

function createVisitTokeniser(parts: VisitParts): Tokeniser<undefined> {
  return createTokeniser({
    epochs: parts.keyring,
    sink: createSessionIntake(parts.store.sessions, parts.keyring.sessionTrees),
    clock: parts.clock,
    rotateMs: ROTATE_MS,
    cacheSize: 100,
    cap: { count: 100, perMs: 60_000 },
    scopeOf: capScopeOf,
    describe: () => undefined,
    identity: ["address", "userAgent", "cookies"],
    onLost: () => undefined,
    metrics: parts.metrics,
  });
}

function createVisit(tokeniser: Tokeniser<undefined>): OpenedVault["visit"] {
  return async (client) => {
    const session = await tokeniser.tokenise({ ...client, sessionCookies: client.cookieHeader });
    await session.stored;
    return { uuid: session.uuid, address: session.address };
  };
}
