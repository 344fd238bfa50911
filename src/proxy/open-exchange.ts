import type { AccessLog } from "../access-log/access-log.ts";
import type { Clock } from "../clock.ts";
import type { CoarseUserAgent } from "../identity/user-agent.ts";
import type { ErrorType } from "../http/problem.ts";
import type { Metrics } from "../metrics.ts";
import type { Pseudonymise } from "../scrub/pseudonym.ts";
import type { Scrubber } from "../scrub/scrubber.ts";
import { findUserToken } from "../token/session-links.ts";
import type { SessionLinks } from "../token/session-links.ts";
import type { Client } from "../token/client-identity.ts";
import type { IdentitySealing } from "../token/sealed-identity.ts";
import type { Session } from "../token/tokeniser.ts";

import type { EpochPseudonyms } from "./epoch-pseudonyms.ts";
import { endFlight } from "./known-client.ts";
import type { Peer } from "./known-client.ts";
import type { WaitingLines } from "./waiting-lines.ts";
import { findTraceId } from "./trace-context.ts";

/** What the log may be told of a request, still as it was sent: it is scrubbed on its way into the line. */
export type RequestLine = {
  readonly method: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly host: string | undefined;
  readonly referer: string | undefined;
  readonly traceparent: string | undefined;
  readonly protocolVersion: string;
  readonly requestId: string;
};

export type ExchangeOptions = {
  readonly accessLog: Pick<AccessLog, "write">;
  readonly links: SessionLinks;
  readonly scrubber: Scrubber;
  readonly pseudonymsOf: EpochPseudonyms;
  readonly currentEpoch: () => number;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly waitingLines: WaitingLines;
  /** Given when lines carry sealed identities. */
  readonly identitySealing?: Pick<IdentitySealing, "seal"> | undefined;
};

/** Status in the log for a client that went away before it was answered, as nginx writes it. */
export const CLIENT_CLOSED = 499;

/** One request under way. `finish` writes its line, once, after the session's record is stored. */
export class OpenExchange {
  session: Session<CoarseUserAgent> | undefined;
  requestBodyBytes = 0;
  responseBodyBytes = 0;
  upstreamMs: number | undefined;
  errorType: ErrorType | undefined;
  readonly #line: RequestLine;
  readonly #peer: Peer;
  readonly #options: ExchangeOptions;
  readonly #startedAtMs: number;
  readonly #started: number;
  #userToken: string | undefined;
  #sealedIdentity: string | undefined;
  #sealing: Promise<unknown> | undefined;
  #isFinished = false;

  constructor(line: RequestLine, peer: Peer, options: ExchangeOptions) {
    this.#line = line;
    this.#peer = peer;
    peer.inFlight += 1;
    this.#options = options;
    this.#startedAtMs = options.clock.now();
    this.#started = options.clock.monotonic();
    options.metrics.requestsInFlight.inc();
  }

  get requestId(): string {
    return this.#line.requestId;
  }

  /** Milliseconds since the request's head was read. */
  get elapsedMs(): number {
    return this.#options.clock.monotonic() - this.#started;
  }

  /** The session that the request belongs to; its identity is sealed now, while it is known. */
  enter(session: Session<CoarseUserAgent>, client: Client): void {
    this.session = session;
    const sealed = this.#options.identitySealing?.seal(session, client, this.#startedAtMs);
    if (sealed instanceof Promise)
      this.#sealing = sealed.then((text) => (this.#sealedIdentity = text));
    else this.#sealedIdentity = sealed;
  }

  /**
   * Takes the upstream's word on whose session this is (`X-Databunker-User`); what is no user token is ignored. The first person it
   * names has the session: its record shows how they came, and must not be shown to another.
   */
  belongsTo(header: string | undefined): void {
    const userToken = header === undefined ? undefined : findUserToken(header);
    if (userToken === undefined) return;
    this.#userToken = userToken;
    const session = this.session;
    if (session === undefined || session.isShared || session.userToken !== undefined) return;
    session.userToken = userToken;
    void this.#link(session, userToken);
  }

  finish(statusCode: number): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    endFlight(this.#peer);
    const durationMs = this.elapsedMs;
    this.#count(statusCode, durationMs);
    const session = this.session;
    // A line is written only after its session can be looked up; a record that could not be stored is counted as lost, and the
    // line is written all the same (SPEC section 3).
    const write = () => this.#write(statusCode, durationMs);
    const stored = session === undefined || session.isStored ? undefined : session.stored;
    // The first requests of an epoch wait for its sealing key too; one that is at hand was used when they came in.
    const ready =
      this.#sealing === undefined
        ? stored
        : Promise.all([stored, this.#sealing]).then(() => undefined);
    if (ready === undefined) write();
    else this.#options.waitingLines.hold(ready, write);
  }

  /** Behind the record, so that a link points at something. What failed is tried again with the session's next answer. */
  async #link(session: Session<CoarseUserAgent>, userToken: string): Promise<void> {
    await session.stored;
    const isLinked = session.isStored && (await this.#options.links.link(session.uuid, userToken));
    if (!isLinked) session.userToken = undefined;
  }

  #count(statusCode: number, durationMs: number): void {
    const { metrics } = this.#options;
    metrics.requestsInFlight.dec();
    metrics.requests.count(this.#line.method, statusCode);
    metrics.requestDuration.observe(durationMs / 1000);
    if (this.upstreamMs !== undefined) metrics.upstreamDuration.observe(this.upstreamMs / 1000);
  }

  #write(statusCode: number, durationMs: number): void {
    const epoch = this.session?.epoch ?? this.#options.currentEpoch();
    const pseudonyms = this.#options.pseudonymsOf(epoch);
    if (typeof pseudonyms === "function") this.#writeWith(pseudonyms, statusCode, durationMs);
    else
      pseudonyms.then(
        (pseudonymise) => this.#writeWith(pseudonymise, statusCode, durationMs),
        // Without the epoch's key nothing can be pseudonymised: every finding gets the same word instead.
        () => this.#writeWith((kind) => `~${kind}`, statusCode, durationMs),
      );
  }

  #writeWith(pseudonymise: Pseudonymise, statusCode: number, durationMs: number): void {
    const { accessLog, scrubber } = this.#options;
    const line = this.#line;
    const session = this.session;
    const userToken = this.#userToken ?? session?.userToken;
    accessLog.write({
      startedAtMs: this.#startedAtMs,
      session:
        session === undefined
          ? undefined
          : { uuid: session.uuid, address: session.address, userAgent: session.userAgent },
      sealedIdentity: this.#sealedIdentity,
      userPseudonym: userToken === undefined ? undefined : pseudonymise("user", userToken),
      method: line.method,
      path: scrubber.path(line.path, pseudonymise),
      query: line.query === undefined ? undefined : scrubber.query(line.query, pseudonymise),
      host: line.host === undefined ? undefined : scrubber.host(line.host, pseudonymise),
      protocolVersion: line.protocolVersion,
      statusCode,
      requestBodyBytes: this.requestBodyBytes,
      responseBodyBytes: this.responseBodyBytes,
      durationMs,
      upstreamMs: this.upstreamMs,
      referer:
        line.referer === undefined ? undefined : scrubber.referer(line.referer, pseudonymise),
      requestId: line.requestId,
      traceId: findTraceId(line.traceparent),
      errorType: this.errorType,
    });
  }
}
