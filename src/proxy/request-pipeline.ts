// The way of one request through the data plane, step by step: received, given its session, checked, rewritten, forwarded.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { EventLog } from "../event-log.ts";
import type { RequestIds } from "../http/request-id.ts";
import { createTrustedProxies } from "../identity/client-address.ts";
import { createCookieNames } from "../identity/cookies.ts";
import type { CoarseUserAgent } from "../identity/user-agent.ts";
import type { Session, Tokeniser } from "../token/tokeniser.ts";
import { endsHere } from "./asked-of-proxy.ts";
import type { ClientRequest, ClientResponse } from "./client-exchange.ts";
import { ForwardedRequest } from "./forwarded-request.ts";
import type { UpstreamPool, UpstreamRequest } from "./forwarded-request.ts";
import { findCountRefusal, findRefusal, findTargetRefusal, hasBody } from "./framing.ts";
import { knownMethodOf, MALFORMED, takeAuthority } from "./framing.ts";
import type { Refusal } from "./framing.ts";
import { createPeerLookup, knownClientOf, unreadClientOf } from "./known-client.ts";
import type { KnownClient, Peer } from "./known-client.ts";
import { OpenExchange } from "./open-exchange.ts";
import type { ExchangeOptions } from "./open-exchange.ts";
import { answerBare, answerOptions, answerRefused } from "./own-answer.ts";
import { unreadLine, unreadRefusalOf } from "./unread-request.ts";
import { readRequestFields } from "./request-fields.ts";
import type { RequestFields } from "./request-fields.ts";
import { pseudonymsOf } from "./pseudonyms.ts";
import { parseRequestTarget } from "./request-target.ts";
import type { RequestTarget } from "./request-target.ts";
import type { UpstreamCookies } from "./upstream-cookies.ts";
import { headersForUpstream, isLooping } from "./upstream-headers.ts";
import type { UpstreamWatch } from "./upstream-watch.ts";
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
  readonly timeouts: { readonly requestMs: number };
  readonly tokeniser: Tokeniser<CoarseUserAgent>;
  readonly requestIds: RequestIds;
  readonly eventLog: EventLog;
  readonly isDraining: () => boolean;
  /** What an exchange is that ends before its answer has: the client went away, or logveil does. */
  readonly brokenOff: () => Refusal;
};

/** The order in which a request passes through; each method is one step of the way. */
export class RequestPipeline {
  readonly #options: RequestPipelineOptions;
  readonly #proxies;
  readonly #peerOf;
  readonly #sessionCookieNames;
  readonly #forwarding;

  constructor(options: RequestPipelineOptions, pool: UpstreamPool, watch: UpstreamWatch) {
    this.#options = options;
    this.#proxies = createTrustedProxies(options.trustedProxies);
    this.#peerOf = createPeerLookup(this.#proxies);
    this.#sessionCookieNames = createCookieNames(options.sessionCookies);
    this.#forwarding = {
      pool,
      upstreamCookies: options.upstreamCookies,
      watch,
      metrics: options.metrics,
      maxBodyBytes: options.maxBodyBytes,
      stallMs: options.timeouts.requestMs,
      isDraining: options.isDraining,
      brokenOff: options.brokenOff,
    };
  }

  serve(request: ClientRequest, response: ClientResponse): void {
    const peer = this.#peerOf(request.socket);
    if (peer.isRefused) return;
    const arrival = this.#receive(request, peer);
    // Before the session, which may have to be waited for while the next request on this connection is read already.
    const refusal = this.#refusalOf(request, arrival);
    if (refusal !== undefined) peer.isRefused = true;
    // node loses what comes in one piece with a request whose upgrade it ignores: the client must not wait for an answer.
    if (arrival.fields.upgrade !== undefined) response.shouldKeepAlive = false;
    this.#withSession(arrival, (session) => {
      if (session === undefined) {
        answerRefused(request, response, arrival, FAILED);
      } else if (refusal !== undefined || arrival.target === undefined) {
        answerRefused(request, response, arrival, refusal ?? MALFORMED);
      } else if (request.method === "OPTIONS" && endsHere(arrival.target, arrival.fields)) {
        answerOptions(response, arrival.exchange);
      } else {
        this.#forward(request, response, arrival, arrival.target, session);
      }
    });
  }

  #forward(
    request: ClientRequest,
    response: ClientResponse,
    arrival: Arrival,
    target: RequestTarget,
    session: Session<CoarseUserAgent>,
  ): void {
    const { peer, exchange } = arrival;
    const upstream = this.#upstreamRequestOf(request, arrival, target, session);
    const forwarded = new ForwardedRequest(request, response, exchange, upstream, this.#forwarding);
    if (upstream.hasBody) {
      peer.upload = forwarded;
      response.once("close", () => {
        if (peer.upload === forwarded) peer.upload = undefined;
      });
    }
    forwarded.start();
  }

  upgrade(
    request: IncomingMessage,
    socket: Socket,
    start: (upstream: UpstreamRequest, exchange: OpenExchange) => void,
  ): void {
    const peer = this.#peerOf(socket);
    if (peer.isRefused) return;
    // Answers that are under way would be written into the tunnel.
    const isBusy = peer.inFlight > 0;
    const arrival = this.#receive(request, peer);
    const { exchange, target } = arrival;
    const refusal = isBusy ? MALFORMED : this.#refusalOf(request, arrival);
    this.#withSession(arrival, (session) => {
      if (session === undefined) {
        answerBare(socket, arrival, FAILED);
      } else if (refusal !== undefined || target === undefined || hasBody(arrival.fields)) {
        // RFC 9110 section 7.8: what follows an upgrade's head is the new protocol, so it has no body.
        answerBare(socket, arrival, refusal ?? MALFORMED);
      } else {
        start(this.#upstreamRequestOf(request, arrival, target, session), exchange);
      }
    });
  }

  /** RFC 9110 section 10.1.1: an expectation that is not 100-continue. */
  refuseExpectation(request: ClientRequest, response: ClientResponse): void {
    const peer = this.#peerOf(request.socket);
    if (peer.isRefused) return;
    peer.isRefused = true;
    const arrival = this.#receive(request, peer);
    this.#withSession(arrival, () => {
      answerRefused(request, response, arrival, { ...MALFORMED, status: 417 });
    });
  }

  /** What node's parser could not read, or waited for in vain: nothing of it may be believed, logged or sent back. */
  refuseUnread(code: string, socket: Socket): void {
    const peer = this.#peerOf(socket);
    // An idle connection that broke carried no request; one that broke under a request, or was ended within its body, has that
    // request's line.
    const isUploading = peer.upload?.isReceived === false;
    if (BROKEN.has(code) || (code === CUT_SHORT && isUploading)) {
      socket.destroy();
      return;
    }
    // Each further piece of what was refused is an error too; what follows `Connection: close` is no request.
    if (peer.isRefused || code === "HPE_CLOSED_CONNECTION") return;
    peer.isRefused = true;
    const refusal = unreadRefusalOf(code);
    if (isUploading) {
      peer.upload?.refuse(refusal.status, refusal.errorType);
      return;
    }
    const line = unreadLine(this.#options.requestIds.next());
    const exchange = new OpenExchange(line, peer, this.#options);
    this.#withSession({ client: unreadClientOf(peer), exchange, socket }, () =>
      answerBare(socket, { peer, exchange }, refusal),
    );
  }

  #receive(request: ClientRequest, peer: Peer): Arrival {
    const fields = readRequestFields(request.rawHeaders);
    const target = parseRequestTarget(request.url ?? "");
    if (target?.authority !== undefined) takeAuthority(fields, target.authority);
    const client = knownClientOf(fields, peer, this.#proxies, this.#sessionCookieNames);
    const line = {
      method: knownMethodOf(request),
      path: target?.path ?? "",
      query: target?.query,
      host: fields.host,
      referer: fields.referer,
      traceparent: fields.traceparent,
      protocolVersion: request.httpVersion,
      requestId: this.#options.requestIds.next(),
    };
    const exchange = new OpenExchange(line, peer, this.#options);
    return { fields, target, peer, client, exchange, socket: request.socket };
  }

  /** Gives the session to the exchange and calls `next`, at once when the session is known; undefined when no key can be had. */
  #withSession(
    arrival: Pick<Arrival, "client" | "exchange" | "socket">,
    next: (session: Session<CoarseUserAgent> | undefined) => void,
  ): void {
    const { client, exchange } = arrival;
    const enter = (session: Session<CoarseUserAgent>) => {
      exchange.enter(session, client);
      next(session);
    };
    try {
      const session = this.#options.tokeniser.tokenise(client);
      if (!(session instanceof Promise)) {
        enter(session);
        return;
      }
      session
        .then(enter, () => {
          this.#options.eventLog.emit("proxy.failed", { where: "tokenise" });
          next(undefined);
        })
        .catch(() => this.#fail(arrival));
    } catch {
      this.#fail(arrival);
    }
  }

  /** SECURITY: a defect of ours ends the one request that met it, and not the process with everybody's. */
  #fail({ exchange, socket }: Pick<Arrival, "exchange" | "socket">): void {
    this.#options.eventLog.emit("proxy.failed", { where: "serve" });
    exchange.errorType = "internal";
    exchange.finish(500);
    socket.destroy();
  }

  #refusalOf(request: ClientRequest, { fields, target, peer }: Arrival): Refusal | undefined {
    const refusal =
      findCountRefusal(request, peer) ??
      findRefusal(request, fields) ??
      findTargetRefusal(request, target, fields);
    if (refusal !== undefined) return refusal;
    // RFC 9110 section 7.6: a request that carries an id of this process has been here before.
    const isOwn =
      fields.requestId !== undefined && this.#options.requestIds.isOwn(fields.requestId);
    if (isOwn || isLooping(fields)) return { ...MALFORMED, status: 508 };
    if (Number(fields.contentLength ?? 0) > this.#options.maxBodyBytes)
      return { status: 413, errorType: "body_too_large" };
    return undefined;
  }

  #upstreamRequestOf(
    request: ClientRequest,
    { fields, peer, client, exchange }: Arrival,
    target: RequestTarget,
    session: Session<CoarseUserAgent>,
  ): UpstreamRequest {
    const { forward, upstreamCookies } = this.#options;
    const { requestId } = exchange;
    const pseudonyms = pseudonymsOf(client, session, { forward, upstreamCookies, requestId });
    return {
      method: request.method ?? "GET",
      pathAndQuery: target.pathAndQuery,
      headers: headersForUpstream(fields, pseudonyms, forward, peer.isTrusted),
      hasBody: hasBody(fields),
      // RFC 9110 section 10.1.1: an older client cannot know 100. Any other expectation has been refused.
      expectsContinue: fields.expect !== undefined && request.httpVersion !== "1.0",
    };
  }
}

type Arrival = {
  readonly fields: RequestFields;
  readonly target: RequestTarget | undefined;
  readonly peer: Peer;
  readonly client: KnownClient;
  readonly exchange: OpenExchange;
  /** What a failure ends: the connection, or the one stream of it. */
  readonly socket: Socket;
};

/** Codes of a connection that is gone, with nobody left to answer. */
const BROKEN: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT"]);

/** node's code for a connection that ended within a request. */
const CUT_SHORT = "HPE_INVALID_EOF_STATE";

/** No key can be had for a session. */
const FAILED: Refusal = { status: 503, errorType: "internal" };
