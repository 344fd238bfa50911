// The data plane with all that it needs, opened together and closed together: access log, tokeniser, listener.

import { createAccessLog } from "./access-log/access-log.ts";
import type { AccessLog, OutputOptions } from "./access-log/access-log.ts";
import { readReceivers } from "./access-log/outputs/receivers.ts";
import type { Clock } from "./clock.ts";
import type { Configuration, ProxyConfiguration } from "./config/configuration.ts";
import type { EventLog } from "./event-log.ts";
import { readTlsFiles } from "./http/certificate.ts";
import { openListener } from "./http/listener.ts";
import type { Listener } from "./http/listener.ts";
import { createRequestIds } from "./http/request-id.ts";
import { capScopeOf } from "./identity/address.ts";
import { FRAMEWORK_SESSION_COOKIES } from "./identity/cookies.ts";
import { describeUserAgent } from "./identity/user-agent.ts";
import type { CoarseUserAgent } from "./identity/user-agent.ts";
import type { Metrics } from "./metrics.ts";
import { createDataPlane } from "./proxy/data-plane.ts";
import type { Certificates, DataPlane } from "./proxy/data-plane.ts";
import { createEpochPseudonyms } from "./proxy/epoch-pseudonyms.ts";
import { openUpstreamCookies } from "./proxy/upstream-cookies.ts";
import { createScrubber } from "./scrub/scrubber.ts";
import { epochAt } from "./token/epoch.ts";
import { createIdentitySealing } from "./token/sealed-identity.ts";
import type { IdentitySealing } from "./token/sealed-identity.ts";
import { createTokeniser } from "./token/tokeniser.ts";
import type { Tokeniser } from "./token/tokeniser.ts";
import { createSessionIntake } from "./vault/sessions/session-intake.ts";
import type { VaultHost } from "./vault-host.ts";

export type ProxyHost = AsyncDisposable & {
  readonly listener: Listener;
  /** Drops the keys of a destroyed epoch from memory. */
  readonly forget: (epoch: number) => void;
  /** Reads certificates and keys again. Rejects `certificate-unreadable` or `certificate-invalid`; all the old ones stay then.
   * Resolves with whether there are any. */
  readonly reloadCertificates: () => Promise<boolean>;
};

export type ProxyHostParts = {
  readonly accessLog: AccessLog;
  readonly eventLog: EventLog;
  readonly metrics: Metrics;
  readonly isDraining: () => boolean;
  /** A session record could not be stored; it is counted already. */
  readonly onLost: () => void;
};

/** What the data plane has of the vault: it makes tokens, hands sealed records over, and says whose they are. */
type HostParts = Pick<VaultHost, "clock" | "keyring" | "store" | "links" | "onSessionErased">;

/** Known sessions kept in memory: about 25 MB. One that was dropped costs a derivation and a look into the store. */
const KNOWN_SESSIONS = 50_000;

/** Who may connect to a Unix socket (unix(7)): whoever may write to it. */
const SOCKET_MODES = { owner: 0o600, group: 0o660, all: 0o666 } as const;

/** Drain the listener before disposing of it: what still runs then is broken off. */
export async function openProxyHost(
  configuration: Configuration,
  host: HostParts,
  parts: ProxyHostParts,
): Promise<ProxyHost> {
  await using opened = new AsyncDisposableStack();
  const { metrics, onLost } = parts;
  const tokeniser = createSessionTokeniser(configuration, host, metrics, (lost) => {
    metrics.sessionsLost.inc(lost);
    onLost();
  });
  opened.defer(() => tokeniser.settled());
  host.onSessionErased(tokeniser.forgetSession);
  const identitySealing = createSealingOf(configuration, host);
  const dataPlane = await openDataPlane(configuration, host, {
    ...parts,
    tokeniser,
    identitySealing,
  });
  opened.defer(() => dataPlane.close());
  const { listen, socketAccess } = configuration.proxy;
  const listener = await openListener(dataPlane.server, listen, {
    socketMode: SOCKET_MODES[socketAccess],
    onDrain: dataPlane.drain,
    onOverrun: dataPlane.breakOff,
  });
  opened.defer(async () => void (await listener.drain(0)));
  const owned = opened.move();
  return {
    listener,
    forget: (epoch) => {
      tokeniser.forget(epoch);
      identitySealing?.forget(epoch);
    },
    reloadCertificates: () => reloadCertificates(configuration.proxy, dataPlane),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Rejects as `createAccessLog` does, and when a key or a certificate for a network output cannot be used. */
export async function openAccessLog(
  { accessLog: settings }: Configuration,
  reporting: { readonly clock: Clock; readonly eventLog: EventLog; readonly metrics: Metrics },
): Promise<AccessLog> {
  const { path, rotate, maxSize, keep } = settings.file;
  const outputs = settings.outputs.flatMap((kind): OutputOptions[] => {
    if (kind === "stdout") return [{ kind }];
    if (kind !== "file") return [];
    return [{ kind, path, rotateMs: rotate, maxSizeBytes: maxSize, keepMs: keep }];
  });
  const receivers = await readReceivers(settings);
  const { dir, maxSize: maxBytes } = settings.spool;
  return createAccessLog({
    format: settings.format,
    identity: settings.identity,
    userAgent: settings.userAgent,
    outputs,
    network: receivers.length === 0 ? undefined : { spool: { dir, maxBytes }, receivers },
    ...reporting,
  });
}

function createSessionTokeniser(
  { proxy, session }: Configuration,
  { clock, keyring, store }: HostParts,
  metrics: Metrics,
  onLost: (count: number) => void,
): Tokeniser<CoarseUserAgent> {
  return createTokeniser({
    epochs: keyring,
    sink: createSessionIntake(store.sessions, keyring.sessionTrees),
    clock,
    rotateMs: session.rotate,
    cacheSize: KNOWN_SESSIONS,
    cap: proxy.limits.newSessionsPerAddress,
    scopeOf: capScopeOf,
    describe: describeUserAgent,
    identity: session.identity,
    onLost,
    metrics,
  });
}

/** Undefined unless lines carry sealed identities. */
function createSealingOf(
  { accessLog }: Configuration,
  { clock, keyring }: HostParts,
): IdentitySealing | undefined {
  if (accessLog.identity !== "sealed") return undefined;
  const { sessionTrees } = keyring;
  return createIdentitySealing({
    epochs: keyring,
    cover: (epoch, tag, record) => sessionTrees.cover(epoch, tag, record),
    clock,
  });
}

async function openDataPlane(
  { proxy, session, accessLog: log, vault }: Configuration,
  { clock, keyring, store, links }: HostParts,
  parts: ProxyHostParts & {
    readonly tokeniser: Tokeniser<CoarseUserAgent>;
    readonly identitySealing: IdentitySealing | undefined;
  },
): Promise<DataPlane> {
  const certificates = await readCertificates(proxy);
  const { serverName, verify } = proxy.upstreamTls;
  return createDataPlane({
    ...parts,
    links,
    upstream: proxy.upstream,
    upstreamTls: { ...certificates.upstream, serverName, verify: verify === "on" },
    tls: certificates.front,
    isUnix: "path" in proxy.listen,
    hasProxyProtocol: proxy.proxyProtocol === "on",
    trustedProxies: proxy.trustedProxies,
    forward: proxy.forward,
    upstreamCookies: await openUpstreamCookies(proxy.forward.passCookies, store.names),
    sessionCookies: session.cookies === "auto" ? FRAMEWORK_SESSION_COOKIES : session.cookies,
    limits: { headersBytes: proxy.limits.headers, connections: proxy.limits.connections },
    maxBodyBytes: proxy.limits.body,
    timeouts: {
      headersMs: proxy.timeouts.headers,
      requestMs: proxy.timeouts.request,
      idleMs: proxy.timeouts.idle,
      upstreamConnectMs: proxy.timeouts.upstreamConnect,
      upstreamResponseMs: proxy.timeouts.upstreamResponse,
    },
    scrubber: createScrubber({
      keepQuery: log.query.keep,
      pathTemplates: log.paths,
      defaultCountry: vault.defaultCountry,
    }),
    pseudonymsOf: createEpochPseudonyms(keyring),
    currentEpoch: () => epochAt(clock.now(), session.rotate),
    requestIds: createRequestIds(),
    clock,
  });
}

async function reloadCertificates(
  { tls, upstreamTls, ...proxy }: ProxyConfiguration,
  dataPlane: DataPlane,
): Promise<boolean> {
  if ([tls.cert, upstreamTls.ca, upstreamTls.cert].every((file) => file === undefined))
    return false;
  dataPlane.useCertificates(await readCertificates({ tls, upstreamTls, ...proxy }));
  return true;
}

/** Both or neither: a pair that fails leaves everything as it was. */
async function readCertificates({ tls, upstreamTls }: ProxyConfiguration): Promise<Certificates> {
  const [front, upstream] = await Promise.all([
    tls.cert === undefined ? undefined : readTlsFiles(tls),
    readTlsFiles(upstreamTls),
  ]);
  return { front, upstream };
}
