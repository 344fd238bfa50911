import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { ErrorType } from "../http/problem.ts";
import { sendProblem } from "../http/problem.ts";
import type { Metrics } from "../metrics.ts";
import type { ClientRequest, ClientResponse } from "./client-exchange.ts";
import type { OpenExchange } from "./open-exchange.ts";
import type { Refusal } from "./framing.ts";
import { closeGentlyAfterAnswer } from "./lingering-close.ts";
import { headersForClient, trailersForClient, rawListOf, reasonOf } from "./response-headers.ts";
import type { UpstreamCookies } from "./upstream-cookies.ts";
import { InvalidAnswer, isDeadConnection, upstreamFailureOf } from "./upstream-failure.ts";
import type { UpstreamWatch } from "./upstream-watch.ts";

export type UpstreamPool = Pick<Dispatcher, "dispatch">;

export type ForwardedRequestOptions = {
  readonly pool: UpstreamPool;
  readonly upstreamCookies: UpstreamCookies;
  readonly watch: UpstreamWatch;
  readonly metrics: Metrics;
  /** Bytes; a body that turns out longer ends the request with 413. */
  readonly maxBodyBytes: number;
  /** How long a client may take for the piece of an answer that is waiting for it, ms. */
  readonly stallMs: number;
  readonly isDraining: () => boolean;
  /** What an exchange is that ends before its answer has: the client went away, or logveil does. */
  readonly brokenOff: () => Refusal;
};

export type UpstreamRequest = {
  readonly method: string;
  readonly pathAndQuery: string;
  readonly headers: string[];
  readonly hasBody: boolean;
  /** Whether the client waits for 100 (Continue) before it sends the body. */
  readonly expectsContinue: boolean;
};

/** A longer body costs more to turn into text than it saves. */
const MAX_HELD_BYTES = 4096;

/** Interim answers that one request may bring; further ones are dropped. They are written without waiting for the client. */
const MAX_INTERIM = 100;

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/**
 * One request on its way to the upstream and its answer on the way back: an undici dispatch handler that writes to node's
 * response. Bodies stream in both directions, each side paused while the other is full.
 */
export class ForwardedRequest implements Dispatcher.DispatchHandler {
  readonly #request: ClientRequest;
  readonly #response: ClientResponse;
  readonly #exchange: OpenExchange;
  readonly #options: ForwardedRequestOptions;
  readonly #upstream: UpstreamRequest;
  #controller: Dispatcher.DispatchController | undefined;
  /** The first piece of a body that may have come whole, until that is known; never longer than one turn. */
  #held: Buffer | undefined;
  #mayHold = true;
  #isRetried = false;
  #interimAnswers = 0;
  #isClientGone = false;
  #stalled: NodeJS.Timeout | undefined;

  constructor(
    request: ClientRequest,
    response: ClientResponse,
    exchange: OpenExchange,
    upstream: UpstreamRequest,
    options: ForwardedRequestOptions,
  ) {
    this.#request = request;
    this.#response = response;
    this.#exchange = exchange;
    this.#upstream = upstream;
    this.#options = options;
  }

  start(): void {
    // `close` comes after every ending; writableFinished tells a complete answer from a client that went away.
    this.#response.once("close", () => this.#close());
    if (this.#response.destroyed) this.#close();
    else this.#dispatch();
  }

  #dispatch(): void {
    const { method, pathAndQuery, headers, hasBody } = this.#upstream;
    this.#options.pool.dispatch(
      {
        method,
        path: pathAndQuery,
        headers,
        // undici takes any async iterable as a body; its types name streams only.
        body: hasBody ? (this.#body() as unknown as Readable) : null,
      },
      this,
    );
  }

  /**
   * The request body, counted. Ending it early must not destroy the request: its socket still has to carry the answer
   * (RFC 9112 section 9.3, an upstream may answer before it has read everything).
   */
  async *#body(): AsyncGenerator<Buffer> {
    // Only now is the body wanted: whatever could be refused by its head has been, and the upstream is there (RFC 9110 10.1.1).
    if (this.#upstream.expectsContinue && !this.#response.headersSent)
      this.#response.writeContinue();
    for await (const chunk of this.#request.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer; // no encoding is set on the request, so chunks are buffers
      this.#exchange.requestBodyBytes += bytes.length;
      if (this.#exchange.requestBodyBytes > this.#options.maxBodyBytes) throw new BodyTooLarge();
      yield bytes;
    }
  }

  get isReceived(): boolean {
    return this.#request.complete;
  }

  /** The rest of the body cannot be read or does not come: the upstream must not take what it has for a whole request. */
  refuse(status: number, errorType: ErrorType): void {
    this.#isClientGone = true;
    this.#controller?.abort(new ClientGone());
    if (!this.#response.headersSent) this.#fail(status, errorType);
    else {
      this.#exchange.errorType = errorType;
      this.#response.destroy();
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isClientGone) controller.abort(new ClientGone());
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    _headers: unknown,
    statusMessage?: string,
  ): void {
    const headers = headersForClient(rawListOf(controller.rawHeaders), statusCode);
    if (statusCode < 200) {
      this.#inform(statusCode, headers.list);
      return;
    }
    if (!headers.isReadable || !isSayable(statusCode, this.#request)) {
      controller.abort(new InvalidAnswer());
      return;
    }
    this.#exchange.upstreamMs = this.#exchange.elapsedMs;
    this.#options.watch.answered();
    this.#exchange.belongsTo(headers.userToken);
    for (const setCookie of headers.setCookies) this.#options.upstreamCookies.learn(setCookie);
    // The rest of an upload that the upstream did not wait for is not worth reading; neither is a connection worth keeping
    // while logveil is going away.
    const isEarly = this.#upstream.hasBody && !this.#request.complete;
    if (isEarly) closeGentlyAfterAnswer(this.#request);
    if (isEarly || this.#options.isDraining()) headers.list.push("Connection", "close");
    this.#response.writeHead(statusCode, reasonOf(statusMessage), headers.list);
    // Runs when what the upstream sent in one piece has been read; what has not ended by then (server-sent events) must not wait.
    queueMicrotask(() => this.#letGoSafely());
  }

  /** SECURITY: nobody catches what is thrown in a turn of its own. What cannot be said to the client is a broken answer, not the end of the process. */
  #letGoSafely(): void {
    try {
      this.#letGo();
    } catch {
      this.#isClientGone = true;
      this.#controller?.abort(new ClientGone());
      this.#options.watch.failed("upstream_invalid");
      this.#fail(502, "upstream_invalid");
    }
  }

  /** Sends what was held back: the head alone, or with the beginning of the body. */
  #letGo(): void {
    this.#mayHold = false;
    if (this.#response.writableEnded) return;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#write(held);
    else if (this.#exchange.responseBodyBytes === 0) this.#response.flushHeaders();
  }

  /** 1xx other than 100, which node has sent itself, and 101, which nobody asked for (RFC 9110 section 15.2). */
  #inform(statusCode: number, headers: string[]): void {
    if (statusCode <= 101 || this.#request.httpVersion === "1.0") return;
    this.#interimAnswers += 1;
    if (this.#interimAnswers > MAX_INTERIM) return;
    // Since Node 26.2; before it an early hint is lost, which a client cannot depend on anyway.
    if (typeof this.#response.writeInformation === "function")
      this.#response.writeInformation(statusCode, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#exchange.responseBodyBytes += chunk.length;
    if (this.#mayHold && this.#held === undefined && chunk.length <= MAX_HELD_BYTES) {
      this.#held = chunk;
      return;
    }
    if (this.#mayHold) this.#letGo();
    this.#write(chunk);
  }

  #write(chunk: Buffer): void {
    if (this.#response.write(chunk)) return;
    this.#controller?.pause();
    this.#expectProgress();
    this.#response.once("drain", () => {
      clearTimeout(this.#stalled);
      this.#controller?.resume();
    });
  }

  /** A client that stops reading must not hold its connection and the upstream's for ever. */
  #expectProgress(): void {
    clearTimeout(this.#stalled);
    this.#stalled = setTimeout(() => this.#response.destroy(), this.#options.stallMs);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    const trailers = trailersForClient(rawListOf(controller.rawTrailers));
    if (trailers.length > 0) this.#response.addTrailers(trailers);
    const held = this.#held;
    this.#held = undefined;
    // As text node sends it in one piece with the head, at half the price of a vector of two; latin-1 changes no byte.
    if (held === undefined) this.#response.end();
    else this.#response.end(held.toString("latin1"), "latin1");
    if (this.#response.writableLength > 0) this.#expectProgress();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isClientGone) return;
    if (error instanceof BodyTooLarge || error.cause instanceof BodyTooLarge) {
      this.#fail(413, "body_too_large");
      return;
    }
    if (this.#mayRetry(error)) {
      this.#isRetried = true;
      this.#options.metrics.upstreamRetries.inc();
      this.#dispatch();
      return;
    }
    const { status, errorType } = upstreamFailureOf(error);
    this.#options.watch.failed(errorType);
    this.#fail(status, errorType);
  }

  #mayRetry(error: Error): boolean {
    const { method, hasBody } = this.#upstream;
    if (this.#response.headersSent) return false;
    return !this.#isRetried && !hasBody && IDEMPOTENT.has(method) && isDeadConnection(error);
  }

  #fail(status: number, errorType: ErrorType): void {
    this.#exchange.errorType = errorType;
    if (this.#response.headersSent) {
      // SECURITY: a broken answer must look broken; destroying the socket leaves the framing unfinished.
      this.#response.destroy();
      return;
    }
    if (!this.#request.complete) {
      closeGentlyAfterAnswer(this.#request);
      this.#response.setHeader("connection", "close");
    }
    sendProblem(this.#response, status, errorType);
  }

  #close(): void {
    clearTimeout(this.#stalled);
    if (this.#response.writableFinished) {
      this.#exchange.finish(this.#response.statusCode);
      return;
    }
    this.#isClientGone = true;
    const { status, errorType } = this.#options.brokenOff();
    this.#exchange.errorType ??= errorType;
    this.#controller?.abort(new ClientGone());
    this.#exchange.finish(this.#response.headersSent ? this.#response.statusCode : status);
  }
}

class ClientGone extends Error {}
class BodyTooLarge extends Error {}

/** RFC 9110 section 15: beyond 599 there is no status. HTTP/1 clients get what the upstream said all the same; node's HTTP/2 cannot say it. */
function isSayable(statusCode: number, { httpVersion }: ClientRequest): boolean {
  return statusCode <= 599 || httpVersion !== "2";
}
