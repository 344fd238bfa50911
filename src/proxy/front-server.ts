import { AsyncLocalStorage } from "node:async_hooks";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { MIN_TLS_VERSION } from "../http/certificate.ts";
import type { TlsMaterial } from "../http/certificate.ts";
import { originOf, setOrigin, UNIX_PEER } from "../http/connection-origin.ts";
import { addConnectionStep } from "../http/connection-step.ts";
import { expectProxyProtocol } from "../http/proxy-protocol.ts";

export type FrontServerOptions = {
  readonly limits: { readonly headersBytes: number; readonly connections: number };
  readonly timeouts: {
    readonly headersMs: number;
    readonly requestMs: number;
    readonly idleMs: number;
  };
  /** Absent: no TLS. */
  readonly tls?: TlsMaterial | undefined;
  /** Whether it listens on a Unix socket. */
  readonly isUnix: boolean;
  /** Whether every connection begins with a PROXY protocol header. */
  readonly hasProxyProtocol: boolean;
  /** Whether a peer (an address or `unix`) is believed. */
  readonly trusts: (peer: string) => boolean;
};

export type FrontServer = {
  readonly server: Server;
  /** From the next handshake on. */
  readonly useCertificate: (tls: TlsMaterial) => void;
};

/** How often node looks for timed-out connections, ms: its default of 30 s would delay every time-out by as much. */
const TIMEOUT_CHECK_MS = 1000;

/**
 * What clients connect to. Each connection goes through the steps that are configured, in this order: Unix socket, PROXY protocol,
 * TLS; then to node's HTTP/1, or to `serveHttp2`. Without any of them nothing is between the kernel and node.
 */
export function createFrontServer(
  options: FrontServerOptions,
  serveHttp2: (socket: TLSSocket) => void,
): FrontServer {
  const { tls } = options;
  if (tls === undefined) {
    const server = createServer(http1OptionsOf(options));
    addSteps(server, options);
    return { server, useCertificate: () => undefined };
  }
  const server = createTlsServer({
    ...http1OptionsOf(options),
    ...contextOf(tls),
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: options.timeouts.headersMs,
  });
  // node would take a failed handshake for a request that could not be read, and answer it in clear.
  server.removeAllListeners("tlsClientError");
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  addSecureStep(server, serveHttp2);
  addSteps(server, options);
  return { server, useCertificate: (material) => server.setSecureContext(contextOf(material)) };
}

function http1OptionsOf({ limits, timeouts }: FrontServerOptions): ServerOptions {
  return {
    maxHeaderSize: limits.headersBytes,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.idleMs,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    insecureHTTPParser: false,
    // Refused by findRefusal instead, so that the refusal has its line in the log.
    requireHostHeader: false,
    shouldUpgradeCallback: isWebSocket,
  };
}

/** Only this upgrade is offered to the upstream; any other is ignored and its request served without (RFC 9110 section 7.8). */
function isWebSocket(request: IncomingMessage): boolean {
  return request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket";
}

function contextOf(tls: TlsMaterial) {
  return { ...tls, minVersion: MIN_TLS_VERSION } as const;
}

function addSteps(server: Server, options: FrontServerOptions): void {
  server.maxConnections = options.limits.connections;
  // SECURITY: node drops the fields past its bound in silence; the pipeline refuses such a request instead.
  server.maxHeadersCount = 0;
  if (options.hasProxyProtocol)
    expectProxyProtocol(server, {
      trusts: options.trusts,
      timeoutMs: options.timeouts.headersMs,
    });
  if (options.isUnix)
    addConnectionStep(server, "connection", (socket, proceed) => {
      setOrigin(socket, { peer: UNIX_PEER, scheme: "http" });
      proceed();
    });
}

/** From the handshake on a connection is another object; this one leads from it to where the connection came from. */
function addSecureStep(server: Server, serveHttp2: (socket: TLSSocket) => void): void {
  const peers = new AsyncLocalStorage<string>();
  addConnectionStep(server, "connection", (socket, proceed) => {
    peers.run(originOf(socket).peer, proceed);
  });
  addConnectionStep(server, "secureConnection", (socket, proceed) => {
    const peer = peers.getStore();
    // SECURITY: a connection of unknown origin must not pass for one of the load balancer's own.
    if (peer === undefined) {
      socket.destroy();
      return;
    }
    setOrigin(socket, { peer, scheme: "https" });
    peers.exit(() => (socket.alpnProtocol === "h2" ? serveHttp2(socket) : proceed()));
  });
}
