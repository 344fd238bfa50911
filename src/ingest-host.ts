// Ingestion with all that it needs, beside the proxy and like it on the data plane: it makes tokens, seals, and opens nothing.

import type { AccessLog } from "./access-log/access-log.ts";
import type { Configuration } from "./config/configuration.ts";
import { createRequestIds } from "./http/request-id.ts";
import { capScopeOf } from "./identity/address.ts";
import { describeUserAgent } from "./identity/user-agent.ts";
import { createCleaningRules } from "./ingest/cleaning-rules.ts";
import { createLineCleaner } from "./ingest/line-cleaner.ts";
import { createLineIntake } from "./ingest/line-intake.ts";
import { createLineParser } from "./ingest/line-parser.ts";
import { createLinePseudonyms } from "./ingest/line-pseudonyms.ts";
import { listenForSyslogTcp, listenForSyslogUdp } from "./ingest/syslog-listener.ts";
import type { SyslogAddress, SyslogListener } from "./ingest/syslog-listener.ts";
import type { Metrics } from "./metrics.ts";
import { createTokeniser } from "./token/tokeniser.ts";
import type { TakeLines } from "./vault/log-ingestion.ts";
import { createSessionIntake } from "./vault/sessions/session-intake.ts";
import type { VaultHost } from "./vault-host.ts";

export type IngestHost = AsyncDisposable & {
  /** For lines that come over HTTP. */
  readonly take: TakeLines;
  /** Drops the keys of a destroyed epoch from memory. */
  readonly forget: (epoch: number) => void;
  /** Where it listens for syslog; a port of 0 has become a real one. */
  readonly addresses: { readonly udp?: SyslogAddress; readonly tcp?: SyslogAddress };
};

export type IngestHostParts = {
  readonly accessLog: AccessLog;
  readonly metrics: Metrics;
  /** A session record could not be stored; it is counted already. */
  readonly onLost: () => void;
};

type HostParts = Pick<VaultHost, "clock" | "keyring" | "store" | "onSessionErased">;

/** Fewer than the proxy's: most clients of these lines have been seen by nobody else. */
const KNOWN_SESSIONS = 20_000;

/** Rejects `listen-failed`. */
export async function openIngestHost(
  configuration: Configuration,
  host: HostParts,
  { accessLog, metrics, onLost }: IngestHostParts,
): Promise<IngestHost> {
  const { ingest, proxy, session } = configuration;
  const { clock, keyring, store } = host;
  const tokeniser = createTokeniser({
    epochs: { materialOf: (epoch) => keyring.lineMaterialOf(epoch) },
    isForLines: true,
    sink: createSessionIntake(store.sessions, keyring.sessionTrees),
    clock,
    rotateMs: session.rotate,
    cacheSize: KNOWN_SESSIONS,
    // Whoever sends requests to that other server fills our disk as they could through the proxy.
    cap: proxy.limits.newSessionsPerAddress,
    scopeOf: capScopeOf,
    describe: describeUserAgent,
    identity: session.identity,
    onLost: (lost) => {
      metrics.sessionsLost.inc(lost);
      onLost();
    },
    metrics,
  });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => tokeniser.settled());
  host.onSessionErased(tokeniser.forgetSession);
  const pseudonymsOf = createLinePseudonyms(keyring);
  const requestIds = createRequestIds();
  const clean = createLineCleaner({
    ...createCleaningRules(configuration),
    parse: createLineParser("auto"),
    tokeniser,
    pseudonymsOf,
    nextRequestId: requestIds.next,
  });
  const take = createLineIntake({ clean, settled: tokeniser.settled, accessLog, clock, metrics });
  const { tcp, udp } = ingest.syslog;
  const listeners: { udp?: SyslogListener; tcp?: SyslogListener } = {};
  if (tcp !== undefined)
    listeners.tcp = opened.adopt(await listenForSyslogTcp(tcp, { take, metrics }), (one) => one.close()); // prettier-ignore
  if (udp !== undefined && !("path" in udp))
    listeners.udp = opened.adopt(await listenForSyslogUdp(udp, { take, metrics }), (one) => one.close()); // prettier-ignore
  const owned = opened.move();
  return {
    take: (lines) => take("http", lines),
    forget: (epoch) => {
      tokeniser.forget(epoch);
      pseudonymsOf.forget(epoch);
    },
    addresses: {
      ...(listeners.udp && { udp: listeners.udp.address }),
      ...(listeners.tcp && { tcp: listeners.tcp.address }),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
