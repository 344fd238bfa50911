// The data plane: listener → identify → tokenise → rewrite → upstream, and the exchange's line into the access log. It can
// write identities and cannot read them: nothing under proxy/ imports what opens or discloses (DESIGN section 1).

import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { Socket } from "node:net";
import { Pool } from "undici";
import { RequestPipeline } from "./request-pipeline.ts";
import type { RequestPipelineOptions } from "./request-pipeline.ts";
import { CONNECT_REFUSED } from "./unread-request.ts";
import { createUpgrades } from "./upgrades.ts";

export type DataPlaneOptions = RequestPipelineOptions & {
  /** `http://host:port`, without a path. */
  readonly upstream: string;
  readonly limits: { readonly headersBytes: number; readonly connections: number };
  readonly timeouts: {
    readonly headersMs: number;
    readonly requestMs: number;
    readonly idleMs: number;
    readonly upstreamConnectMs: number;
    readonly upstreamResponseMs: number;
  };
};

export type DataPlane = {
  readonly server: Server;
  /** Closes the connections to the upstream; the server must have drained. */
  readonly close: () => Promise<void>;
};

/** How often node looks for timed-out connections, ms: its default of 30 s would delay every time-out by as much. */
const TIMEOUT_CHECK_MS = 1000;

export function createDataPlane(options: DataPlaneOptions): DataPlane {
  const { limits, timeouts } = options;
  const pool = new Pool(options.upstream, {
    pipelining: 1,
    connect: { timeout: timeouts.upstreamConnectMs },
    headersTimeout: timeouts.upstreamResponseMs,
    // Between two pieces of a body; an idle event stream lives as long as a slow request may take.
    bodyTimeout: timeouts.requestMs,
    maxHeaderSize: limits.headersBytes,
  });
  const server = createServer({
    maxHeaderSize: limits.headersBytes,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.idleMs,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    insecureHTTPParser: false,
    // Refused by findRefusal instead, so that the refusal has its line in the log.
    requireHostHeader: false,
    shouldUpgradeCallback: isWebSocket,
  });
  server.maxConnections = limits.connections;
  const pipeline = new RequestPipeline(options, pool);
  const upgrades = createUpgrades({
    upstream: options.upstream,
    timeoutMs: timeouts.upstreamResponseMs,
    upstreamCookies: options.upstreamCookies,
    metrics: options.metrics,
  });
  server.on("request", (request, response) => pipeline.serve(request, response));
  server.on("checkContinue", (request, response) => {
    response.writeContinue();
    pipeline.serve(request, response);
  });
  server.on("checkExpectation", (request, response) =>
    pipeline.refuseExpectation(request, response),
  );
  // node types these sockets as any duplex, for servers that are fed by hand; this one accepts connections only.
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (socket instanceof Socket) pipeline.refuseUnread(error.code ?? "", socket);
  });
  server.on("connect", (_request, socket) => {
    if (socket instanceof Socket) pipeline.refuseUnread(CONNECT_REFUSED, socket);
  });
  server.on("upgrade", (request, socket, head) => {
    if (!(socket instanceof Socket)) return;
    pipeline.upgrade(request, socket, (upstream, exchange) =>
      upgrades.start(request, socket, head, upstream, exchange),
    );
  });
  return { server, close: () => pool.destroy() };
}

/** Only this upgrade is offered to the upstream; any other is ignored and its request served without (RFC 9110 section 7.8). */
function isWebSocket(request: IncomingMessage): boolean {
  return request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket";
}
