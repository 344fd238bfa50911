// The composition root: a configuration becomes a running sidecar. What is opened first is closed last, so the listeners go
// before the vault, and the access log outlives everything that may still have a line for it.

import { createServer } from "node:http";
import { join } from "node:path";
import { createControlPlane } from "./api/control-plane.ts";
import { CONTROL_SOCKET, openControlSocket } from "./api/control-socket.ts";
import { showReadiness } from "./api/operations.ts";
import type { UnreadyReason } from "./api/operations.ts";
import { openCredentials } from "./callers/credentials.ts";
import type { LoadedConfiguration } from "./config/load.ts";
import type { Clock } from "./clock.ts";
import { LogveilError } from "./errors.ts";
import { countEvents } from "./event-log.ts";
import type { EventLog } from "./event-log.ts";
import { openListener } from "./http/listener.ts";
import type { ListenAddress } from "./http/listener.ts";
import { createMetrics } from "./metrics.ts";
import type { Metrics } from "./metrics.ts";
import { createExpiry } from "./vault/expiry.ts";
import { createLogIngestion } from "./vault/log-ingestion.ts";
import type { LogIngestion } from "./vault/log-ingestion.ts";
import { openIngestHost } from "./ingest-host.ts";
import type { IngestHost } from "./ingest-host.ts";
import { openAccessLog, openProxyHost } from "./proxy-host.ts";
import type { ProxyHost } from "./proxy-host.ts";
import { openVaultHost } from "./vault-host.ts";
import type { VaultHost } from "./vault-host.ts";

export type Sidecar = {
  /** Where it listens; a port of 0 in the configuration has become a real one. */
  readonly proxyAddress: ListenAddress;
  readonly vaultAddress: ListenAddress;
  /** Where other servers send their logs by syslog. */
  readonly syslogAddresses: IngestHost["addresses"];
  /** For who renames log files from outside (SIGHUP). */
  readonly reopenLogs: () => void;
  /** Reads certificates and keys again (SIGHUP). Never rejects: when one cannot be used all the old ones stay, and an event says so. */
  readonly reloadCertificates: () => Promise<void>;
  /** Destroys and removes what has expired, without waiting for the next turn of the timer. */
  readonly sweep: () => Promise<void>;
  /** Drains within `proxy.timeouts.drain`, flushes and closes; calling it again waits for the same end. */
  readonly close: () => Promise<void>;
};

export type SidecarOptions = { readonly clock: Clock; readonly eventLog: EventLog };

const SWEEP_EVERY_MS = 60_000;
/** How long /readyz goes on saying that a session record was lost. */
const LOST_SHOWS_MS = 10_000;
/** Callers get this long to finish after the proxy has drained. */
const CALLERS_GRACE_MS = 2000;

type State = { isDraining: boolean; lostAtMs: number };

export async function startSidecar(
  loaded: LoadedConfiguration,
  { clock: systemClock, eventLog: plainEventLog }: SidecarOptions,
): Promise<Sidecar> {
  const started = systemClock.monotonic();
  const { configuration } = loaded;
  await using opened = new AsyncDisposableStack();
  const metrics = createMetrics();
  const eventLog = countEvents(plainEventLog, (event) => metrics.events.inc({ event }));
  // Closed last: until the store has answered for the last session there may be a line to write.
  let closeLog = () => Promise.resolve();
  opened.defer(() => closeLog());
  const host = await openVaultHost(loaded, { clock: systemClock, eventLog, metrics });
  opened.defer(() => host.close());
  // After the store, whose lock keeps a second logveil out of the spool beside it.
  const accessLog = await openAccessLog(configuration, { clock: systemClock, eventLog, metrics });
  closeLog = () => accessLog.close();
  const { clock, keyring, store, sessions } = host;
  const state: State = { isDraining: false, lostAtMs: Number.NEGATIVE_INFINITY };
  const health = () => healthOf(state, store, clock);
  showReadiness(metrics, health);
  const socket = await openControlSocket({
    path: join(configuration.vault.dataDir, CONTROL_SOCKET),
    ...host.desk,
    keys: host.keys,
    lineFeed: host.lineFeed,
    health,
    metrics,
    eventLog,
  });
  opened.defer(() => socket.close());
  const onLost = () => {
    const isNews = clock.monotonic() - state.lostAtMs >= LOST_SHOWS_MS;
    if (isNews) eventLog.emit("session-records.lost");
    state.lostAtMs = clock.monotonic();
  };
  const ingest = opened.use(
    await openIngestHost(configuration, host, { accessLog, metrics, onLost }),
  );
  const proxy = opened.use(
    await openProxyHost(configuration, host, {
      accessLog,
      eventLog,
      metrics,
      isDraining: () => state.isDraining,
      onLost,
    }),
  );
  const expiry = createExpiry({
    keyring,
    store,
    sessions,
    clock,
    eventLog,
    onDestroyed: (epoch) => {
      proxy.forget(epoch);
      ingest.forget(epoch);
    },
    further: host.sweeps,
  });
  opened.defer(() => expiry.close());
  expiry.start(Math.min(SWEEP_EVERY_MS, configuration.session.rotate));
  // Last, so that whoever gets an answer from /readyz can rely on the proxy.
  const ingestion = createLogIngestion({ trail: host.trail, take: ingest.take });
  const reporting = { health, eventLog, metrics };
  const vaultListener = await openCallersListener(loaded, host, { ...reporting, ingestion });
  opened.defer(async () => void (await vaultListener.drain(CALLERS_GRACE_MS)));
  metrics.connectionsOpen.readFrom(() => [
    [{ listener: "proxy" }, proxy.listener.openConnections()],
    [{ listener: "vault" }, vaultListener.openConnections()],
  ]);
  metrics.configReloadSuccessful.set(1);
  metrics.configReloadSuccess.set(systemClock.now() / 1000);
  const startMs = Math.round(systemClock.monotonic() - started);
  eventLog.emit("sidecar.started", {
    proxy: formatAddress(proxy.listener.address),
    vault: formatAddress(vaultListener.address),
    startMs,
  });

  const owned = opened.move();
  let closing: Promise<void> | undefined;
  const close = async () => {
    state.isDraining = true;
    eventLog.emit("sidecar.draining");
    const aborted = await proxy.listener.drain(configuration.proxy.timeouts.drain);
    await owned.disposeAsync();
    eventLog.emit("sidecar.stopped", { aborted });
  };
  return {
    proxyAddress: proxy.listener.address,
    vaultAddress: vaultListener.address,
    syslogAddresses: ingest.addresses,
    reopenLogs: () => accessLog.reopen(),
    reloadCertificates: () => reloadCertificates(proxy, { clock: systemClock, eventLog, metrics }),
    sweep: () => expiry.sweep(),
    close: () => (closing ??= close()),
  };
}

async function reloadCertificates(
  proxy: ProxyHost,
  { clock, eventLog, metrics }: Reporting & { readonly clock: Clock },
): Promise<void> {
  try {
    if (!(await proxy.reloadCertificates())) return;
    metrics.configReloadSuccessful.set(1);
    metrics.configReloadSuccess.set(clock.now() / 1000);
    eventLog.emit("tls.reloaded");
  } catch (error) {
    metrics.configReloadSuccessful.set(0);
    const code = error instanceof LogveilError ? error.code : "unexpected";
    eventLog.emit("tls.reload-failed", { code });
  }
}

/** What a command needs when no sidecar runs: the vault on its control socket, nothing that listens elsewhere. */
export async function openControlPlaneOnly(
  loaded: LoadedConfiguration,
  { clock, eventLog }: SidecarOptions,
): Promise<{ readonly close: () => Promise<void> }> {
  await using opened = new AsyncDisposableStack();
  const metrics = createMetrics();
  const host = await openVaultHost(loaded, { clock, eventLog, metrics });
  opened.defer(host.close);
  const { desk, keys, lineFeed } = host;
  const path = join(loaded.configuration.vault.dataDir, CONTROL_SOCKET);
  const socket = await openControlSocket({
    path,
    ...desk,
    keys,
    lineFeed,
    health: () => [],
    metrics,
    eventLog,
  });
  opened.defer(() => socket.close());
  // A command can run for as long as a sidecar: what expires meanwhile is to be destroyed in its time.
  const expiry = createExpiry({
    ...host,
    eventLog,
    onDestroyed: () => undefined,
    further: host.sweeps,
  });
  opened.defer(() => expiry.close());
  const timer = setTimeout(() => expiry.start(SWEEP_EVERY_MS), SWEEP_EVERY_MS).unref();
  opened.defer(() => clearTimeout(timer));
  const owned = opened.move();
  return { close: () => owned.disposeAsync() };
}

/** A failing access log is on /metrics and in the event log; it is no reason to take a website out of service. */
function healthOf(
  { isDraining, lostAtMs }: State,
  store: VaultHost["store"],
  clock: Clock,
): readonly UnreadyReason[] {
  const reasons: UnreadyReason[] = [];
  if (isDraining) reasons.push("draining");
  if (clock.monotonic() - lostAtMs < LOST_SHOWS_MS) reasons.push("session-records-lost");
  if (store.health() !== "ok") reasons.push("store-unavailable");
  return reasons;
}

type Reporting = { readonly eventLog: EventLog; readonly metrics: Metrics };

async function openCallersListener(
  { configuration, secrets }: LoadedConfiguration,
  { desk, tokens }: VaultHost,
  {
    ingestion,
    ...reporting
  }: Reporting & {
    readonly health: () => readonly UnreadyReason[];
    readonly ingestion: LogIngestion;
  },
) {
  const { listen, rootTokenFile } = configuration.vault;
  const rootToken = secrets.rootToken?.reveal();
  const { credentials, created } = await openCredentials({
    rootToken,
    rootTokenFile,
    issued: tokens,
  });
  if (created) reporting.eventLog.emit("key.created", { file: rootTokenFile });
  const { statusCodes } = configuration.vault.dialect;
  const access = credentials.findCaller;
  const app = createControlPlane({ ...desk, ingestion, access, statusCodes, ...reporting });
  return openListener(createServer(app), listen);
}

function formatAddress(address: ListenAddress): string {
  if ("path" in address) return `unix:${address.path}`;
  const host = address.host ?? "";
  return host.includes(":")
    ? `[${host}]:${String(address.port)}`
    : `${host}:${String(address.port)}`;
}
