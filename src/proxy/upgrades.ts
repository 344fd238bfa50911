import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { createProxyMiddleware } from "http-proxy-middleware";
import { closeGently } from "./lingering-close.ts";
import type { Refusal } from "./framing.ts";
import type { UpstreamRequest } from "./forwarded-request.ts";
import type { OpenExchange } from "./open-exchange.ts";
import type { UpstreamConnections } from "./upstream-connections.ts";
import type { UpstreamCookies } from "./upstream-cookies.ts";
import { upstreamFailureOf } from "./upstream-failure.ts";
import { endSocket } from "./unread-request.ts";
import type { UpstreamWatch } from "./upstream-watch.ts";

export type UpgradesOptions = {
  readonly upstream: UpstreamConnections["tunnel"];
  readonly timeoutMs: number;
  readonly upstreamCookies: UpstreamCookies;
  readonly watch: UpstreamWatch;
  /** What an exchange is that ends before its answer has: the client went away, or logveil does. */
  readonly brokenOff: () => Refusal;
};

export type Upgrades = {
  /** Takes the connection over. The exchange ends when the connection does. */
  readonly start: (
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    upstream: UpstreamRequest,
    exchange: OpenExchange,
  ) => void;
};

/** WebSocket connections, tunnelled by http-proxy-middleware (RFC 6455, RFC 9110 section 7.8). */
export function createUpgrades(options: UpgradesOptions): Upgrades {
  const exchanges = new WeakMap<IncomingMessage, UpgradeExchange>();
  const tunnel = createProxyMiddleware({
    ...options.upstream,
    ws: true,
    upgradeTimeout: options.timeoutMs,
    // SECURITY: the default plugins print the request's URL, and answer errors with host and path.
    ejectPlugins: true,
    plugins: [
      (proxy) => {
        proxy.on("error", (error, request) => {
          if (request !== undefined) exchanges.get(request)?.fail(error);
        });
        proxy.on("proxyReqWs", (upstreamRequest, request) => {
          upstreamRequest.prependListener(
            "upgrade",
            (response: IncomingMessage, upstreamSocket: Socket) => {
              exchanges.get(request)?.answered(response);
              exchanges.get(request)?.join(upstreamSocket);
            },
          );
          upstreamRequest.prependListener("response", (response: IncomingMessage) => {
            exchanges.get(request)?.answered(response);
          });
        });
      },
    ],
  });
  return {
    start: (request, socket, head, upstream, exchange) => {
      exchanges.set(request, new UpgradeExchange(exchange, socket, options));
      request.url = upstream.pathAndQuery;
      rewriteHeaders(request, upstream.headers);
      tunnel.upgrade(request, socket, head);
    },
  };
}

/**
 * SECURITY: http-proxy-middleware sends `request.headers` and offers no hook before the head of an upgrade is composed, so
 * the identity must be gone from the request itself. Nothing of the original may stay.
 */
function rewriteHeaders(request: IncomingMessage, headers: readonly string[]): void {
  const upgraded: Record<string, string | string[]> = Object.create(null);
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] ?? "").toLowerCase();
    const value = headers[index + 1] ?? "";
    const before = upgraded[name];
    upgraded[name] = before === undefined ? value : [before, value].flat();
  }
  upgraded["connection"] = "Upgrade";
  upgraded["upgrade"] = "websocket";
  request.headers = upgraded;
  request.rawHeaders = [];
}

/** The exchange of one upgraded connection, from its head to the end of the tunnel. */
class UpgradeExchange {
  readonly #exchange: OpenExchange;
  readonly #socket: Socket;
  readonly #options: UpgradesOptions;
  /** What the client was told; undefined until it was. */
  #statusCode: number | undefined;

  constructor(exchange: OpenExchange, socket: Socket, options: UpgradesOptions) {
    this.#exchange = exchange;
    this.#socket = socket;
    this.#options = options;
    const { bytesRead, bytesWritten } = socket;
    socket.once("close", () => {
      exchange.requestBodyBytes = socket.bytesRead - bytesRead;
      exchange.responseBodyBytes = socket.bytesWritten - bytesWritten;
      const { status, errorType } = options.brokenOff();
      if (this.#statusCode === undefined || errorType === "shutting_down")
        exchange.errorType ??= errorType;
      exchange.finish(this.#statusCode ?? status);
    });
  }

  /** The upstream's head is about to be written to the client: 101, or a refusal. */
  answered(response: IncomingMessage): void {
    this.#statusCode = response.statusCode ?? 502;
    this.#exchange.upstreamMs = this.#exchange.elapsedMs;
    this.#options.watch.answered();
    for (const setCookie of response.headers["set-cookie"] ?? [])
      this.#options.upstreamCookies.learn(setCookie);
    const userToken = response.headers["x-databunker-user"];
    this.#exchange.belongsTo(typeof userToken === "string" ? userToken : undefined);
    delete response.headers["x-databunker-user"];
    // Behind a refusal there is nothing more to say on this connection.
    if (response.statusCode !== 101) this.#socket.once("finish", () => closeGently(this.#socket));
  }

  /**
   * Each side ends when the other is gone. http-proxy-middleware passes the end of a stream on, and leaves a connection that nobody
   * ends from its other side to whoever holds it.
   */
  join(upstreamSocket: Socket): void {
    upstreamSocket.once("close", () => closeGently(this.#socket));
    this.#socket.once("close", () => upstreamSocket.destroySoon());
  }

  fail(error: Error): void {
    if (this.#statusCode !== undefined) {
      // The tunnel stands and one side broke off: the other must see the same.
      this.#socket.destroy();
      return;
    }
    // It is the client that broke off; the end of its connection is the end of the exchange.
    if (this.#socket.destroyed) return;
    const { status, errorType } = upstreamFailureOf(error);
    this.#options.watch.failed(errorType);
    this.#exchange.errorType = errorType;
    this.#statusCode = status;
    endSocket(this.#socket, status, errorType);
  }
}
