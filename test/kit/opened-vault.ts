import type { Express } from "express";
import { createControlPlane } from "../../src/api/control-plane.ts";
import { Credentials } from "../../src/callers/credentials.ts";
import { createAdvancingClock } from "../../src/clock.ts";
import type { Clock } from "../../src/clock.ts";
import { capScopeOf } from "../../src/identity/address.ts";
import { openKeyring } from "../../src/keys/keyring.ts";
import type { Keyring } from "../../src/keys/keyring.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { Metrics } from "../../src/metrics.ts";
import { openStore } from "../../src/store/store.ts";
import type { Store } from "../../src/store/store.ts";
import { createTokeniser } from "../../src/token/tokeniser.ts";
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
  readonly keyring: Keyring;
  readonly vault: Vault;
  /** What listens on `vault.listen`. */
  readonly app: Express;
  /** What the data plane does with a new session; resolves to the token's two spellings once the record is stored. */
  readonly visit: (visit: Visit) => Promise<{ readonly uuid: string; readonly address: string }>;
  readonly close: () => Promise<void>;
};

/** A vault of real parts in a temporary folder, under a hand-moved clock; `close` removes the folder too. */
export async function openVaultForTest(): Promise<OpenedVault> {
  const folder = await createTemporaryFolder();
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
  const vault = createVault({ ...common, store, keyring, clock, maxSessionMs: MAX_SESSION_MS });
  const access = new Credentials(ROOT_TOKEN).findCaller;
  const app = createControlPlane({ vault, access, health: () => [], metrics, eventLog });
  const visit = createVisit({ keyring, store, clock, metrics });
  const close = async () => {
    await keyring.close();
    await store.close();
    events.close();
    await folder.remove();
  };
  return { folder, clock: hand, events, metrics, store, keyring, vault, app, visit, close };
}

type VisitParts = Pick<OpenedVault, "keyring" | "store" | "metrics"> & { readonly clock: Clock };

function createVisit(parts: VisitParts): OpenedVault["visit"] {
  const tokeniser = createTokeniser({
    epochs: parts.keyring,
    sink: parts.store.sessions,
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
  return async (client) => {
    const session = await tokeniser.tokenise({ ...client, sessionCookies: client.cookieHeader });
    await session.stored;
    return { uuid: session.uuid, address: session.address };
  };
}
