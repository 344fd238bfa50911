// The control plane without its listeners: store, keyring and vault, opened together and closed together. The sidecar needs it,
// and so does a command that finds no sidecar running.

import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { KeyAdministration } from "./api/key-administration.ts";
import { openAuditTrail } from "./audit/trail.ts";
import type { AuditTrail, AuditTrailParts } from "./audit/trail.ts";
import { createClosedTrail } from "./audit/closed-trail.ts";
import { countEvents } from "./audit/counted-trail.ts";
import { createAdvancingClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import type { LoadedConfiguration } from "./config/load.ts";
import { LogveilError, hasCode } from "./errors.ts";
import type { EventLog } from "./event-log.ts";
import { openKeyring } from "./keys/keyring.ts";
import type { Keyring } from "./keys/keyring.ts";
import {
  adoptNextKeyFile,
  loadMasterKeys,
  parseMasterKey,
  prepareNextKeyFile,
} from "./keys/master-key.ts";
import type { Metrics } from "./metrics.ts";
import { openStore } from "./store/store.ts";
import type { Store } from "./store/store.ts";
import { boundAnonymousEvents } from "./vault/anonymous-events.ts";
import { createAuditReading } from "./vault/audit-reading.ts";
import { createDoomedKeys } from "./vault/doomed-keys.ts";
import type { DoomedKeys } from "./vault/doomed-keys.ts";
import type { SessionLinks } from "./token/session-links.ts";
import { createLineFeed } from "./vault/log-ingestion.ts";
import type { LineFeed } from "./vault/log-ingestion.ts";
import { createSessionIntake } from "./vault/sessions/session-intake.ts";
import { createKeyDestruction } from "./vault/sessions/session-keys.ts";
import { createSessionLinking } from "./vault/sessions/session-linking.ts";
import { createSessionShelf } from "./vault/sessions/session-shelf.ts";
import type { SessionShelf } from "./vault/sessions/session-shelf.ts";
import { createUserDirectory } from "./vault/users/user-directory.ts";
import type { UserDirectory } from "./vault/users/user-directory.ts";
import { createUserIndex } from "./vault/users/user-index.ts";
import { createTurns } from "./vault/turns.ts";
import { createVault } from "./vault/vault.ts";
import { assembleVault } from "./vault-assembly.ts";
import type { VaultDesk } from "./api/vault-routes.ts";
import type { AccessTokens } from "./callers/access-tokens.ts";

export type VaultHost = {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly trail: AuditTrail;
  readonly doomedKeys: DoomedKeys;
  readonly directory: UserDirectory;
  readonly sessions: SessionShelf;
  /** What the data plane says about whose its sessions are. */
  readonly links: SessionLinks;
  /** Calls `listener` with the token of each proxied session that is erased; for whoever remembers that it has a record. */
  readonly onSessionErased: (listener: (session: string) => void) => void;
  /** All that callers can ask. */
  readonly desk: Omit<VaultDesk, "ingestion">;
  /** For `logveil tokenize`, over the control socket. */
  readonly lineFeed: LineFeed;
  readonly tokens: AccessTokens;
  /** What has its time beside epochs and sessions. */
  readonly sweeps: readonly (() => Promise<unknown>)[];
  readonly keys: KeyAdministration;
  /** The given clock, but never before the keyring's high-water mark. */
  readonly clock: Clock;
  readonly close: () => Promise<void>;
};

export type Surroundings = {
  readonly clock: Clock;
  readonly eventLog: EventLog;
  readonly metrics: Metrics;
};

/** Rejects with the code of whichever part could not be opened; what had been opened before it is closed again. */
export async function openVaultHost(
  { configuration, secrets }: LoadedConfiguration,
  { clock, eventLog, metrics }: Surroundings,
): Promise<VaultHost> {
  const { session, accessLog, vault: settings } = configuration;
  const dir = settings.dataDir;
  await using opened = new AsyncDisposableStack();
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const keyringDir = join(dir, "keyring");
  // A store whose keyring is gone opens nothing: a new keyring beside it would hide that until the first look-up.
  if (existsSync(join(dir, "store.marker")) && !(await isKeyringThere(keyringDir)))
    throw new LogveilError("keyring-missing");
  const { durability } = session;
  // The store first: its lock keeps a second process away from the keyring too.
  const store = await openStore({ dir, durability, clock, eventLog, metrics });
  opened.defer(() => store.close());
  const masterKeys = await masterKeysOf(settings.masterKeyFile, secrets, eventLog);
  const keyring = await openKeyring({
    dir: keyringDir,
    masterKey: masterKeys.current,
    previousKeys: [...masterKeys.previous],
    clock,
    retention: { rotateMs: session.rotate, retentionMs: session.retention },
    durability,
    eventLog,
    metrics,
  });
  opened.defer(() => keyring.close());
  // The keyring has finished re-wrapping when it is open, so the interrupted rotation can end here.
  if (masterKeys.isRotating) await adoptNextKeyFile(settings.masterKeyFile);
  const advancing = createAdvancingClock(clock, () => keyring.highWaterMs());
  const { documents } = store;
  const opening = { documents, key: keyring.auditKey, clock: advancing };
  const counted = countEvents(await openTrail(opening, eventLog), metrics);
  const trail = boundAnonymousEvents(counted, { clock: advancing, metrics });
  const doomedKeys = createDoomedKeys({
    documents,
    subjects: createKeyDestruction(keyring, store),
  });
  const parts = { store, keyring, trail, doomedKeys, clock: advancing, eventLog, metrics };
  const index = createUserIndex(keyring.blindIndexKey, settings.defaultCountry);
  const directory = createUserDirectory({ documents, subjects: keyring.subjects, index });
  const inTurn = createTurns();
  const forgetting = createForgetting();
  const sessions = createSessionShelf({
    ...parts,
    hasSealedLines: accessLog.identity === "sealed",
    onErased: forgetting.forget,
  });
  const links = createSessionLinking({ ...parts, inTurn, sessions, directory });
  const { maxSession: maxSessionMs, disclosure } = settings;
  const vault = createVault({ ...parts, inTurn, sessions, directory, maxSessionMs, disclosure });
  const audit = createAuditReading({ trail, directory });
  const assembly = await assembleVault({ ...parts, inTurn, directory, sessions, index, settings });
  assembly.notifier.start();
  opened.defer(() => assembly.notifier.close());
  const lineFeed = createLineFeed({
    trail,
    keyring,
    sink: createSessionIntake(store.sessions, keyring.sessionTrees),
    rotateMs: session.rotate,
  });
  const keyFile = secrets.masterKey === undefined ? settings.masterKeyFile : undefined;
  const keys = createKeyAdministration(keyring, keyFile);
  const owned = opened.move();
  return {
    store,
    keyring,
    trail,
    doomedKeys,
    directory,
    sessions,
    links,
    onSessionErased: forgetting.listen,
    desk: { vault, audit, ...assembly.desk },
    lineFeed,
    tokens: assembly.tokens,
    sweeps: assembly.sweeps,
    keys,
    clock: advancing,
    close: () => owned.disposeAsync(),
  };
}

/** An empty folder is none: it may be where the volume of the keyring ought to be mounted. */
async function isKeyringThere(dir: string): Promise<boolean> {
  const names = await readdir(dir).catch(() => []);
  return names.some((name) => name !== "lost+found");
}

/** A website must not go down over its audit trail: without one the vault refuses everything, and the proxy serves. */
async function openTrail(parts: AuditTrailParts, eventLog: EventLog): Promise<AuditTrail> {
  try {
    return await openAuditTrail(parts);
  } catch (error) {
    if (!hasCode(error, "audit-corrupt")) throw error;
    eventLog.emit("audit.corrupt");
    return createClosedTrail();
  }
}

/** The vault is opened before the data plane, which is told what to forget. */
function createForgetting() {
  const listeners: ((session: string) => void)[] = [];
  return {
    forget: (session: string) => {
      for (const listener of listeners) listener(session);
    },
    listen: (listener: (session: string) => void) => void listeners.push(listener),
  };
}

async function masterKeysOf(
  file: string,
  secrets: LoadedConfiguration["secrets"],
  eventLog: EventLog,
) {
  const { masterKey, previousMasterKey } = secrets;
  const previous =
    previousMasterKey === undefined ? [] : [parseMasterKey(previousMasterKey.reveal())];
  if (masterKey !== undefined)
    return { current: parseMasterKey(masterKey.reveal()), previous, isRotating: false };
  const loaded = await loadMasterKeys(file, { create: true });
  if (loaded.created) eventLog.emit("key.created", { file });
  return { ...loaded, previous: [...loaded.previous, ...previous] };
}

/** `keyFile` undefined: the key came from the environment, and only whoever set it can change it. */
function createKeyAdministration(keyring: Keyring, keyFile: string | undefined): KeyAdministration {
  return {
    status: () => keyring.status(),
    rotate: async () => {
      if (keyFile === undefined) throw new LogveilError("key-external");
      const wrapped = await keyring.rotate(await prepareNextKeyFile(keyFile));
      await adoptNextKeyFile(keyFile);
      return wrapped;
    },
  };
}
