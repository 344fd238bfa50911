// From a parsed line to what the access log may know of it: the session that the proxy would have given to such a request, everything else
// scrubbed as the proxy scrubs it.

import type { Exchange } from "../access-log/exchange.ts";
import type { TextEntry } from "../access-log/text-entry.ts";
import { findClientAddress } from "../identity/client-address.ts";
import type { TrustedProxies } from "../identity/client-address.ts";
import { sessionCookiesOf, splitCookies } from "../identity/cookies.ts";
import type { CookieNames } from "../identity/cookies.ts";
import type { CoarseUserAgent } from "../identity/user-agent.ts";
import type { Pseudonymise } from "../scrub/pseudonym.ts";
import type { Scrubber } from "../scrub/scrubber.ts";
import { epochAt } from "../token/epoch.ts";
import type { Session, Tokeniser } from "../token/tokeniser.ts";
import type { LinePseudonyms } from "./line-pseudonyms.ts";
import type { LineParser, LoggedClient, LoggedLine, LoggedTarget } from "./logged-line.ts";
import { createUnknownTextScrubber } from "./unknown-text.ts";

export type CleanLine =
  | { readonly kind: "request"; readonly exchange: Exchange }
  | { readonly kind: "error" | "unparsed"; readonly entry: TextEntry };

/** One line as it came, in Latin-1, without its line end. */
export type RawLine = {
  readonly text: string;
  /** When it came, or what is known of its time; for lines that have none of their own. */
  readonly atMs: number | undefined;
};

export type LineCleanerOptions = {
  readonly parse: LineParser;
  readonly tokeniser: Pick<Tokeniser<CoarseUserAgent>, "tokenise">;
  readonly pseudonymsOf: LinePseudonyms;
  readonly scrubber: Scrubber;
  readonly trustedProxies: TrustedProxies;
  readonly sessionCookies: CookieNames;
  readonly rotateMs: number;
  /** For lines that do not bring one; undefined gives none. */
  readonly nextRequestId: (() => string) | undefined;
};

/** At once when the epoch's keys are at hand. Rejects when they cannot be had. The session's record may not be stored yet. */
export type CleanLineOf = (line: RawLine) => CleanLine | Promise<CleanLine>;

type LineSession = Session<CoarseUserAgent> | undefined;

export function createLineCleaner(options: LineCleanerOptions): CleanLineOf {
  const { parse, pseudonymsOf, rotateMs } = options;
  const writeText = createUnknownTextScrubber(options.scrubber);
  const finish = (
    { text, atMs }: RawLine,
    line: LoggedLine | undefined,
    session: LineSession,
    pseudonymise: Pseudonymise,
  ): CleanLine => {
    if (line?.kind === "request")
      return { kind: "request", exchange: exchangeOf(line, session, pseudonymise, options) };
    const entry =
      line === undefined
        ? { ...NO_ENTRY, atMs, text: writeText(text, pseudonymise), isUnparsed: true }
        : {
            atMs: line.atMs,
            session,
            level: line.level,
            text: writeText(line.message, pseudonymise),
            isUnparsed: false,
            ...targetFieldsOf(line, pseudonymise, options),
          };
    return { kind: line === undefined ? "unparsed" : "error", entry };
  };
  return (raw) => {
    const line = parse(raw.text);
    // A line without a time gets the pseudonyms of the first epoch that there ever was, which nobody has the keys of but the keyring.
    const atMs = line?.atMs ?? raw.atMs ?? 0;
    const session = line === undefined ? undefined : sessionOf(line.client, atMs, options);
    const pseudonymise = pseudonymsOf(epochAt(atMs, rotateMs));
    if (!(session instanceof Promise) && !(pseudonymise instanceof Promise))
      return finish(raw, line, session, pseudonymise);
    return Promise.all([session, pseudonymise]).then(([known, pseudonyms]) =>
      finish(raw, line, known, pseudonyms),
    );
  };
}

const NO_ENTRY = {
  session: undefined,
  level: undefined,
  method: undefined,
  path: undefined,
  query: undefined,
  protocolVersion: undefined,
  host: undefined,
  referer: undefined,
} as const;

/** Undefined for a line that names no address: a session made of the rest would be many people's. */
function sessionOf(
  { address: peer, forwardedFor, userAgent, cookieHeader, host }: LoggedClient,
  atMs: number,
  { sessionCookies, tokeniser, trustedProxies }: LineCleanerOptions,
): LineSession | Promise<LineSession> {
  if (peer === undefined) return undefined;
  const address =
    forwardedFor === undefined
      ? peer
      : findClientAddress(
          peer,
          { xForwardedFor: forwardedFor, forwarded: undefined },
          trustedProxies,
        );
  const counted = cookieHeader === "" ? "" : sessionCookiesOf(splitCookies(cookieHeader), sessionCookies); // prettier-ignore
  return tokeniser.tokenise(
    { address, userAgent, sessionCookies: counted, cookieHeader, host },
    atMs,
  );
}

function exchangeOf(
  line: Extract<LoggedLine, { kind: "request" }>,
  session: LineSession,
  pseudonymise: Pseudonymise,
  { nextRequestId, scrubber }: LineCleanerOptions,
): Exchange {
  const { target } = line;
  const host = line.client.host === "" ? target.authority : line.client.host;
  return {
    startedAtMs: line.atMs,
    session,
    userPseudonym: undefined,
    method: target.method,
    path: pathOf(target, pseudonymise, scrubber),
    query: target.query === undefined ? undefined : scrubber.query(target.query, pseudonymise),
    host: host === undefined ? undefined : scrubber.host(host, pseudonymise),
    protocolVersion: target.protocolVersion,
    statusCode: line.statusCode,
    requestBodyBytes: line.requestBodyBytes,
    responseBodyBytes: line.responseBodyBytes,
    durationMs: line.durationMs,
    upstreamMs: line.upstreamMs,
    referer: line.referer === undefined ? undefined : scrubber.referer(line.referer, pseudonymise),
    requestId: line.requestId ?? nextRequestId?.(),
    traceId: line.traceId,
    errorType: undefined,
  };
}

function targetFieldsOf(
  { client, referer, target }: Extract<LoggedLine, { kind: "error" }>,
  pseudonymise: Pseudonymise,
  { scrubber }: LineCleanerOptions,
) {
  const host = client.host === "" ? target?.authority : client.host;
  return {
    method: target?.method,
    path: target === undefined ? undefined : pathOf(target, pseudonymise, scrubber),
    query: target?.query === undefined ? undefined : scrubber.query(target.query, pseudonymise),
    protocolVersion: target?.protocolVersion,
    host: host === undefined ? undefined : scrubber.host(host, pseudonymise),
    referer: referer === undefined ? undefined : scrubber.referer(referer, pseudonymise),
  };
}

/** SECURITY: what is no request line (a TLS handshake, a probe) is replaced unseen. */
function pathOf({ path, unread }: LoggedTarget, pseudonymise: Pseudonymise, scrubber: Scrubber) {
  if (path !== undefined) return scrubber.path(path, pseudonymise);
  return unread === "" || unread === "-" ? "-" : pseudonymise("opaque", unread);
}
