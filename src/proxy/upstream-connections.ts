import { Agent } from "node:https";
import { isIP } from "node:net";
import { buildConnector, Pool } from "undici";
import type { Dispatcher } from "undici";
import type { Clock } from "../clock.ts";
import { MIN_TLS_VERSION } from "../http/certificate.ts";
import type { TlsMaterial } from "../http/certificate.ts";
import type { UpstreamPool } from "./forwarded-request.ts";
import { RenewedPool } from "./renewed-pool.ts";

export type UpstreamConnectionsOptions = {
  /** `http://host:port` or `https://host:port` without a path, or `unix:/path`. */
  readonly upstream: string;
  readonly upstreamTls: UpstreamTls;
  readonly limits: { readonly headersBytes: number };
  /** Of `clock`, the monotonic time. */
  readonly clock: Pick<Clock, "monotonic">;
  readonly timeouts: {
    readonly requestMs: number;
    readonly upstreamConnectMs: number;
    readonly upstreamResponseMs: number;
  };
};

export type UpstreamTls = TlsMaterial & {
  /** Asked for (SNI) and checked in place of the upstream's host. */
  readonly serverName: string | undefined;
  readonly verify: boolean;
};

export type UpstreamConnections = {
  readonly dispatcher: UpstreamPool;
  /** For http-proxy-middleware. */
  readonly tunnel: {
    readonly target: string | { readonly socketPath: string };
    readonly agent?: Agent;
  };
  /** For connections from now on; those that are open stay. */
  readonly useCertificates: (material: TlsMaterial) => void;
  readonly close: () => Promise<void>;
};

export function openUpstreamConnections(options: UpstreamConnectionsOptions): UpstreamConnections {
  const { upstream } = options;
  if (upstream.startsWith("https:")) return openSecure(options);
  const socketPath = upstream.startsWith("unix:") ? upstream.slice("unix:".length) : undefined;
  const settings = {
    ...poolOptionsOf(options),
    connect: {
      timeout: options.timeouts.upstreamConnectMs,
      ...(socketPath === undefined ? {} : { socketPath }),
    },
  };
  const origin = socketPath === undefined ? upstream : "http://localhost";
  const pool = new RenewedPool(() => new Pool(origin, settings), options.clock);
  return {
    dispatcher: pool,
    tunnel: { target: socketPath === undefined ? upstream : { socketPath } },
    useCertificates: () => undefined,
    close: () => pool.close(),
  };
}

function poolOptionsOf({ limits, timeouts }: UpstreamConnectionsOptions) {
  return {
    pipelining: 1,
    headersTimeout: timeouts.upstreamResponseMs,
    // Between two pieces of a body; an idle event stream lives as long as a slow request may take.
    bodyTimeout: timeouts.requestMs,
    maxHeaderSize: limits.headersBytes,
    allowH2: false,
  };
}

/**
 * SECURITY: undici and node:https take the name to ask for and to check from each request's Host field, which is the client's: a
 * client could choose whose certificate is good enough, and make us open a connection for every name. The name is ours.
 */
function openSecure(options: UpstreamConnectionsOptions): UpstreamConnections {
  const { upstream, upstreamTls } = options;
  const host = new URL(upstream).hostname.replace(/^\[|\]$/g, "");
  const servername = upstreamTls.serverName ?? (isIP(host) === 0 ? host : "");
  const settings = { minVersion: MIN_TLS_VERSION, rejectUnauthorized: upstreamTls.verify } as const;
  const connectorOf = (material: TlsMaterial) =>
    buildConnector({
      ...settings,
      ...materialOf(material),
      allowH2: false,
      timeout: options.timeouts.upstreamConnectMs,
    });
  let connect = connectorOf(upstreamTls);
  const poolOptions: Pool.Options = {
    ...poolOptionsOf(options),
    connect: (to, callback) => connect({ ...to, servername }, callback),
  };
  const pool = new RenewedPool(() => new Pool(upstream, poolOptions), options.clock);
  const agent = new Agent({
    ...settings,
    ...materialOf(upstreamTls),
    servername,
    ALPNProtocols: ["http/1.1"],
    keepAlive: false,
  });
  // The same name for every request, so that no connection is given up for another name; any will do.
  const name = servername === "" ? host : servername;
  return {
    dispatcher: {
      dispatch: (request: Dispatcher.DispatchOptions, handler) =>
        pool.dispatch({ ...request, servername: name } as Dispatcher.DispatchOptions, handler),
    },
    tunnel: { target: upstream, agent },
    useCertificates: (material) => {
      connect = connectorOf(material);
      Object.assign(agent.options, materialOf(material));
    },
    close: () => pool.close(),
  };
}

function materialOf({ ca, cert, key }: TlsMaterial): TlsMaterial {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
