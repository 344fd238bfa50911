import { constants, performServerHandshake } from "node:http2";
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import { originOf, setOrigin } from "../http/connection-origin.ts";
import type { Origin } from "../http/connection-origin.ts";
import { Http2Request, Http2Response } from "./http2-exchange.ts";
import type { RequestPipeline } from "./request-pipeline.ts";

export type Http2FrontOptions = {
  readonly pipeline: Pick<RequestPipeline, "serve" | "refuseExpectation">;
  readonly limits: { readonly headersBytes: number };
  readonly timeouts: {
    readonly headersMs: number;
    readonly requestMs: number;
    readonly idleMs: number;
  };
};

export type Http2Front = {
  /** Takes over a connection whose client has asked for HTTP/2. */
  readonly serve: (socket: TLSSocket) => void;
  /** Tells all clients to send no more requests here (GOAWAY); what runs goes on. */
  readonly drain: () => void;
};

/** Requests at once on one connection: with the flow-control window of each, 8 MiB of uploads that wait for the upstream. */
const MAX_STREAMS = 128;
/** Header fields of one request; browsers send each cookie as a field of its own. */
const MAX_FIELDS = 512;
/** Resets by the client: so many at once, and so many a second, before the connection is ended (CVE-2023-44487). */
const MAX_RESETS = { streamResetBurst: 200, streamResetRate: 33 };
/** Frames that break the protocol, and streams past the bound above, that one connection may send. */
const MAX_FAULTS = { maxSessionInvalidFrames: 100, maxSessionRejectedStreams: 100 };

/** From GOAWAY until a connection without a request is cut off, ms: node waits for a header that has begun, for ever. */
const GOODBYE_MS = 1000;

/** HTTP/2 towards clients (RFC 9113). Each stream goes the way of a request; node and nghttp2 keep the protocol. */
export function createHttp2Front(options: Http2FrontOptions): Http2Front {
  const connections = new Set<Http2Connection>();
  let isDraining = false;
  return {
    serve: (socket) => {
      const connection = new Http2Connection(socket, options);
      connections.add(connection);
      connection.session.once("close", () => connections.delete(connection));
      if (isDraining) connection.end();
    },
    drain: () => {
      isDraining = true;
      for (const connection of connections) connection.end();
    },
  };
}

/** One connection, with as many requests at once as it has streams. */
class Http2Connection {
  readonly session: ServerHttp2Session;
  readonly #socket: TLSSocket;
  readonly #options: Http2FrontOptions;
  readonly #origin: Origin;
  #open = 0;
  #timer: NodeJS.Timeout;

  constructor(socket: TLSSocket, options: Http2FrontOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#origin = originOf(socket);
    this.session = performServerHandshake(socket, sessionOptionsOf(options));
    // Not node's own time-out, which any frame puts off: a connection without a request must not live on pings.
    this.#timer = setTimeout(() => this.end(), options.timeouts.headersMs);
    // It ends the session; its streams have closed, and tell their exchanges.
    this.session.on("error", () => undefined);
    this.session.once("close", () => clearTimeout(this.#timer));
    this.session.on("stream", (stream, headers, flags, rawHeaders) => {
      this.#begin(stream);
      this.#serve(stream, headers.expect, flags, rawHeaders);
    });
  }

  /** Says GOAWAY and lets what runs finish. */
  end(): void {
    this.session.close();
    if (this.#open === 0) this.#cutOffSoon();
  }

  #cutOffSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.session.destroy();
      // A session that has said goodbye only ends its half of the connection, and the client may keep the other one open for ever.
      this.#socket.destroy();
    }, GOODBYE_MS);
  }

  /** Resets one stream; the whole connection when the client does not read, so that even the reset does not leave. */
  #breakOff(stream: ServerHttp2Stream, code: number): void {
    if (stream.destroyed) return;
    if (!stream.closed) stream.close(code);
    const patience = setTimeout(() => this.#socket.destroy(), GOODBYE_MS);
    stream.once("close", () => clearTimeout(patience));
  }

  #begin(stream: ServerHttp2Stream): void {
    clearTimeout(this.#timer);
    this.#open += 1;
    // Comes with a `close`, which is what ends the exchange.
    stream.on("error", () => undefined);
    stream.once("close", () => {
      this.#open -= 1;
      if (this.#open > 0 || this.session.destroyed) return;
      if (this.session.closed) this.#cutOffSoon();
      else this.#timer = setTimeout(() => this.end(), this.#options.timeouts.idleMs);
    });
  }

  #serve(
    stream: ServerHttp2Stream,
    expect: string | undefined,
    flags: number,
    rawHeaders: readonly string[],
  ): void {
    const { pipeline, timeouts } = this.#options;
    setOrigin(stream, this.#origin);
    const hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    if (hasBody) this.#limitUpload(stream);
    const request = new Http2Request(stream, rawHeaders, hasBody);
    const breakOff = () => this.#breakOff(stream, constants.NGHTTP2_INTERNAL_ERROR);
    const response = new Http2Response({ stream, request, stallMs: timeouts.requestMs, breakOff });
    if (isExpectationKnown(expect)) pipeline.serve(request, response);
    else pipeline.refuseExpectation(request, response);
  }

  /** A whole request must be in within its time, as over HTTP/1; one that is not is broken off. */
  #limitUpload(stream: ServerHttp2Stream): void {
    const cancel = () => this.#breakOff(stream, constants.NGHTTP2_CANCEL);
    const patience = setTimeout(cancel, this.#options.timeouts.requestMs);
    stream.once("end", () => clearTimeout(patience));
    stream.once("close", () => clearTimeout(patience));
  }
}

function sessionOptionsOf({ limits }: Http2FrontOptions) {
  return {
    settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: limits.headersBytes },
    maxHeaderListPairs: MAX_FIELDS,
    // An upstream that sends a field twice has it sent twice, as over HTTP/1.
    strictSingleValueFields: false,
    ...MAX_RESETS,
    ...MAX_FAULTS,
  };
}

function isExpectationKnown(expect: string | undefined): boolean {
  return expect === undefined || expect.toLowerCase() === "100-continue";
}
