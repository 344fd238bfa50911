// The data plane: listener → identify → tokenise → rewrite → upstream, and the exchange's line into the access log. It can
// write identities and cannot read them: nothing under proxy/ imports what opens or discloses (DESIGN section 1).

import type { Server } from "node:http";
import { Socket } from "node:net";
import type { TlsMaterial } from "../http/certificate.ts";
import { createTrustedProxies } from "../identity/client-address.ts";
import { createFrontServer } from "./front-server.ts";
import type { Refusal } from "./framing.ts";
import { createHttp2Front } from "./http2-front.ts";
import { CLIENT_CLOSED } from "./open-exchange.ts";
import { RequestPipeline } from "./request-pipeline.ts";
import type { RequestPipelineOptions } from "./request-pipeline.ts";
import { CONNECT_REFUSED, unreadCodeOf } from "./unread-request.ts";
import { createUpgrades } from "./upgrades.ts";
import { openUpstreamConnections } from "./upstream-connections.ts";
import type { UpstreamTls } from "./upstream-connections.ts";
import { UpstreamWatch } from "./upstream-watch.ts";
import { WaitingLines } from "./waiting-lines.ts";

export type DataPlaneOptions = Omit<RequestPipelineOptions, "waitingLines" | "brokenOff"> & {
  /** `http://host:port` or `https://host:port` without a path, or `unix:/path`. */
  readonly upstream: string;
  readonly upstreamTls: UpstreamTls;
  /** Absent: no TLS towards clients. */
  readonly tls: TlsMaterial | undefined;
  /** Whether clients come through a Unix socket. */
  readonly isUnix: boolean;
  readonly hasProxyProtocol: boolean;
  readonly limits: { readonly headersBytes: number; readonly connections: number };
  readonly timeouts: {
    readonly headersMs: number;
    readonly requestMs: number;
    readonly idleMs: number;
    readonly upstreamConnectMs: number;
    readonly upstreamResponseMs: number;
  };
};

export type Certificates = {
  readonly front: TlsMaterial | undefined;
  readonly upstream: TlsMaterial;
};

export type DataPlane = {
  readonly server: Server;
  /** Asks clients of HTTP/2 to go elsewhere; for when the server drains. */
  readonly drain: () => void;
  /** What ends from now on without its answer was ended by logveil, and its line says so. */
  readonly breakOff: () => void;
  /** For connections from now on. Throws nothing: what it gets has been tried out. */
  readonly useCertificates: (material: Certificates) => void;
  /** Closes the connections to the upstream; the server must have drained. */
  readonly close: () => Promise<void>;
};

export function createDataPlane(options: DataPlaneOptions): DataPlane {
  const upstream = openUpstreamConnections(options);
  const front = createFrontServer(
    { ...options, trusts: createTrustedProxies(options.trustedProxies).trusts },
    (socket) => http2.serve(socket),
  );
  const { server } = front;
  server.on("drop", () => options.metrics.connectionsRefused.inc());
  const watch = new UpstreamWatch(options);
  let isBreakingOff = false;
  const brokenOff = () => (isBreakingOff ? SHUTTING_DOWN : CLIENT_GONE);
  const pipeline = new RequestPipeline(
    { ...options, waitingLines: new WaitingLines(), brokenOff },
    upstream.dispatcher,
    watch,
  );
  const upgrades = createUpgrades({
    upstream: upstream.tunnel,
    timeoutMs: options.timeouts.upstreamResponseMs,
    upstreamCookies: options.upstreamCookies,
    watch,
    brokenOff,
  });
  server.on("request", (request, response) => pipeline.serve(request, response));
  // Without this node would say 100 (Continue) by itself, before anybody has looked at the request.
  server.on("checkContinue", (request, response) => {
    // node looks for the word anywhere in the field.
    if (request.headers.expect?.toLowerCase() === "100-continue") pipeline.serve(request, response);
    else pipeline.refuseExpectation(request, response);
  });
  server.on("checkExpectation", (request, response) =>
    pipeline.refuseExpectation(request, response),
  );
  // node types these sockets as any duplex, for servers that are fed by hand; this one accepts connections only.
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (socket instanceof Socket) pipeline.refuseUnread(unreadCodeOf(error), socket);
  });
  server.on("connect", (_request, socket) => {
    if (!(socket instanceof Socket)) return;
    takeOver(socket);
    pipeline.refuseUnread(CONNECT_REFUSED, socket);
  });
  server.on("upgrade", (request, socket, head) => {
    if (!(socket instanceof Socket)) return;
    takeOver(socket);
    pipeline.upgrade(request, socket, (upstream, exchange) =>
      upgrades.start(request, socket, head, upstream, exchange),
    );
  });
  const http2 = createHttp2Front({ ...options, pipeline });
  return {
    server,
    drain: http2.drain,
    breakOff: () => {
      isBreakingOff = true;
    },
    useCertificates: ({ front: material, upstream: upstreamMaterial }) => {
      if (material !== undefined) front.useCertificate(material);
      upstream.useCertificates(upstreamMaterial);
    },
    close: upstream.close,
  };
}

/** nginx's status for a client that did not wait. */
const CLIENT_GONE: Refusal = { status: CLIENT_CLOSED, errorType: "client_aborted" };
/** A client that did wait, and was not answered. */
const SHUTTING_DOWN: Refusal = { status: 503, errorType: "shutting_down" };

/**
 * SECURITY: node:http hands the connection of an upgrade or a CONNECT over without a listener for its errors, and a reset that nobody
 * listens for ends the process: before a session is there, or an answer on the same connection is finished, nobody else does.
 */
function takeOver(socket: Socket): void {
  socket.on("error", () => undefined);
}
