// The way of one request through the data plane, step by step: received, given its session, checked, rewritten, forwarded.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Dispatcher } from "undici";
import type { EventLog } from "../event-log.ts";
import { sendProblem } from "../http/problem.ts";
import type { ErrorType } from "../http/problem.ts";
import type { RequestIds } from "../http/request-id.ts";
import { createTrustedProxies } from "../identity/client-address.ts";
import { createCookieNames } from "../identity/cookies.ts";
import { reducedUserAgent } from "../identity/user-agent.ts";
import type { CoarseUserAgent } from "../identity/user-agent.ts";
import type { Session, Tokeniser } from "../token/tokeniser.ts";
import { ForwardedRequest } from "./forwarded-request.ts";
import type { UpstreamRequest } from "./forwarded-request.ts";
import { findRefusal, hasBody } from "./framing.ts";
import { createPeerLookup, knownClientOf, unreadClientOf } from "./known-client.ts";
import type { KnownClient, Peer } from "./known-client.ts";
import { OpenExchange } from "./open-exchange.ts";
import type { ExchangeOptions } from "./open-exchange.ts";
import { endSocket, unreadLine, unreadRefusalOf } from "./unread-request.ts";
import { readRequestFields } from "./request-fields.ts";
import type { RequestFields } from "./request-fields.ts";
import { parseRequestTarget } from "./request-target.ts";
import type { RequestTarget } from "./request-target.ts";
import { cookiesForUpstream } from "./upstream-cookies.ts";
import type { UpstreamCookies } from "./upstream-cookies.ts";
import { headersForUpstream } from "./upstream-headers.ts";
import type { ForwardPolicy } from "./upstream-headers.ts";

export type RequestPipelineOptions = ExchangeOptions & {
  /** CIDRs. */
  readonly trustedProxies: readonly string[];
  readonly forward: ForwardPolicy;
  readonly upstreamCookies: UpstreamCookies;
  /** Names of the cookies that count for a session's identity. */
  readonly sessionCookies: readonly string[];
  /** Bytes; `Infinity` for no limit. */
  readonly maxBodyBytes: number;
  readonly tokeniser: Tokeniser<CoarseUserAgent>;
  readonly requestIds: RequestIds;
  readonly eventLog: EventLog;
  readonly isDraining: () => boolean;
};

/** The order in which a request passes through; each method is one step of the way. */
export class RequestPipeline {
  readonly #options: RequestPipelineOptions;
  readonly #proxies;
  readonly #peerOf;
  readonly #sessionCookieNames;
  readonly #forwarding;

  constructor(options: RequestPipelineOptions, pool: Dispatcher) {
    this.#options = options;
    this.#proxies = createTrustedProxies(options.trustedProxies);
    this.#peerOf = createPeerLookup(this.#proxies);
    this.#sessionCookieNames = createCookieNames(options.sessionCookies);
    this.#forwarding = {
      pool,
      upstreamCookies: options.upstreamCookies,
      metrics: options.metrics,
      maxBodyBytes: options.maxBodyBytes,
      isDraining: options.isDraining,
    };
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const arrival = this.#receive(request);
    this.#withSession(arrival, (session) => {
      if (session === undefined) {
        this.#answer(request, response, arrival.exchange, 503, "internal");
        return;
      }
      const refusal = this.#refusalOf(request, arrival);
      if (refusal !== undefined || arrival.target === undefined) {
        const { status, errorType } = refusal ?? { status: 400, errorType: "request_refused" };
        this.#answer(request, response, arrival.exchange, status, errorType);
      } else if (arrival.target.path === "*") {
        this.#answerOptions(response, arrival.exchange);
      } else {
        const upstream = this.#upstreamRequestOf(request, arrival, arrival.target, session);
        new ForwardedRequest(
          request,
          response,
          arrival.exchange,
          upstream,
          this.#forwarding,
        ).start();
      }
    });
  }

  upgrade(
    request: IncomingMessage,
    socket: Socket,
    start: (upstream: UpstreamRequest, exchange: OpenExchange) => void,
  ): void {
    const arrival = this.#receive(request);
    const refused = (status: number, errorType: ErrorType) => {
      arrival.exchange.errorType = errorType;
      endSocket(socket, status, errorType);
      arrival.exchange.finish(status);
    };
    this.#withSession(arrival, (session) => {
      if (session === undefined) {
        refused(503, "internal");
        return;
      }
      const refusal = this.#refusalOf(request, arrival);
      // RFC 9110 section 7.8: what follows an upgrade's head is the new protocol, so it has no body.
      if (refusal !== undefined || arrival.target === undefined || hasBody(arrival.fields)) {
        refused(refusal?.status ?? 400, refusal?.errorType ?? "request_refused");
        return;
      }
      start(this.#upstreamRequestOf(request, arrival, arrival.target, session), arrival.exchange);
    });
  }

  /** RFC 9110 section 10.1.1: an expectation that is not 100-continue. */
  refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
    const arrival = this.#receive(request);
    this.#withSession(arrival, () => {
      this.#answer(request, response, arrival.exchange, 417, "request_refused");
    });
  }

  /** What node's parser could not read, or waited for in vain: nothing of it may be believed, logged or sent back. */
  refuseUnread(code: string, socket: Socket): void {
    const peer = this.#peerOf(socket);
    // An idle connection that broke carried no request; one that broke under a request has that request's line.
    if (BROKEN.has(code)) {
      socket.destroy();
      return;
    }
    const { status, errorType } = unreadRefusalOf(code);
    // SECURITY: an answer that is under way must not get a second one written into it.
    if (peer.inFlight > 0) socket.destroy();
    else endSocket(socket, status, errorType);
    const line = unreadLine(this.#options.requestIds.next());
    const exchange = new OpenExchange(line, peer, this.#options);
    exchange.errorType = errorType;
    this.#withSession({ client: unreadClientOf(peer), exchange }, () => exchange.finish(status));
  }

  #receive(request: IncomingMessage): Arrival {
    const fields = readRequestFields(request.rawHeaders);
    const target = parseRequestTarget(request.url ?? "");
    if (target?.authority !== undefined) fields.host = target.authority;
    const peer = this.#peerOf(request.socket);
    const client = knownClientOf(fields, peer, this.#proxies, this.#sessionCookieNames);
    const line = {
      method: request.method ?? "-",
      path: target?.path ?? "",
      query: target?.query,
      host: fields.host,
      referer: fields.referer,
      traceparent: fields.traceparent,
      protocolVersion: request.httpVersion,
      requestId: this.#options.requestIds.next(),
    };
    return { fields, target, peer, client, exchange: new OpenExchange(line, peer, this.#options) };
  }

  /** Gives the session to the exchange and calls `next`, at once when the session is known; undefined when no key can be had. */
  #withSession(
    { client, exchange }: { readonly client: KnownClient; readonly exchange: OpenExchange },
    next: (session: Session<CoarseUserAgent> | undefined) => void,
  ): void {
    const session = this.#options.tokeniser.tokenise(client);
    if (!(session instanceof Promise)) {
      exchange.session = session;
      next(session);
      return;
    }
    session
      .then(
        (made) => {
          exchange.session = made;
          next(made);
        },
        () => {
          this.#options.eventLog.emit("proxy.failed", { where: "tokenise" });
          next(undefined);
        },
      )
      .catch(() => this.#options.eventLog.emit("proxy.failed", { where: "serve" }));
  }

  #refusalOf(request: IncomingMessage, { fields }: Arrival) {
    const refusal = findRefusal(request, fields);
    if (refusal !== undefined) return refusal;
    // RFC 9110 section 7.6: a request that carries an id of this process has been here before.
    if (fields.requestId !== undefined && this.#options.requestIds.isOwn(fields.requestId))
      return { status: 508, errorType: "request_refused" as const };
    if (Number(fields.contentLength ?? 0) > this.#options.maxBodyBytes)
      return { status: 413, errorType: "body_too_large" as const };
    return undefined;
  }

  #upstreamRequestOf(
    request: IncomingMessage,
    { fields, peer, client, exchange }: Arrival,
    target: RequestTarget,
    session: Session<CoarseUserAgent>,
  ): UpstreamRequest {
    const { forward } = this.#options;
    const pseudonyms = {
      uuid: session.uuid,
      address: { token: session.address, pass: client.address, omit: undefined }[
        forward.clientAddress
      ],
      userAgent: this.#userAgentFor(client, session),
      cookie: this.#cookieFor(client, session),
      requestId: exchange.requestId,
      scheme: "http" as const,
    };
    return {
      method: request.method ?? "GET",
      pathAndQuery: target.pathAndQuery,
      headers: headersForUpstream(fields, pseudonyms, forward, peer.isTrusted),
      hasBody: hasBody(fields),
    };
  }

  #userAgentFor(client: KnownClient, session: Session<CoarseUserAgent>): string | undefined {
    switch (this.#options.forward.userAgent) {
      case "token":
        return `logveil-session/${session.uuid}`;
      case "reduced":
        return reducedUserAgent(session.userAgent);
      case "pass":
        return client.userAgent === "" ? undefined : client.userAgent;
      case "omit":
        return undefined;
    }
  }

  #cookieFor(client: KnownClient, session: Session<CoarseUserAgent>): string | undefined {
    if (client.cookies.length === 0) return undefined;
    switch (this.#options.forward.cookies) {
      case "token":
        return cookiesForUpstream(client.cookies, this.#options.upstreamCookies, session.uuid);
      case "pass":
        return client.cookieHeader;
      case "omit":
        return undefined;
    }
  }

  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    exchange: OpenExchange,
    status: number,
    errorType: ErrorType,
  ): void {
    exchange.errorType = errorType;
    response.once("close", () => exchange.finish(status));
    // A refused request may be the half of another one: nothing after it on this connection is read.
    response.setHeader("connection", "close");
    if (request.method === "TRACE") response.setHeader("allow", ALLOWED);
    sendProblem(response, status, errorType);
  }

  /** `OPTIONS *` asks about the server as a whole (RFC 9110 section 9.3.7): that is this one, the upstream has its own. */
  #answerOptions(response: ServerResponse, exchange: OpenExchange): void {
    response.once("close", () => exchange.finish(response.statusCode));
    response.writeHead(204, { allow: ALLOWED });
    response.end();
  }
}

type Arrival = {
  readonly fields: RequestFields;
  readonly target: RequestTarget | undefined;
  readonly peer: Peer;
  readonly client: KnownClient;
  readonly exchange: OpenExchange;
};

const ALLOWED = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** Codes of a connection that is gone, with nobody left to answer. */
const BROKEN: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT"]);
