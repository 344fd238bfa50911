import type { CoarseUserAgent } from "../identity/user-agent.ts";

/** A finished request as the access log may know it: tokens and scrubbed text only, nothing of what identified the client. */
export type Exchange = {
  /** Wall clock at the request's first byte, ms since 1970. */
  readonly startedAtMs: number;
  /** Absent for a request that was refused before it had a session. */
  readonly session: LoggedSession | undefined;
  /** What identified the client of this request, encrypted (token/sealed-identity.ts); absent unless identities are sealed into lines. */
  readonly sealedIdentity?: string | undefined;
  /** Stands for the user record that the session is linked to, equal for equal ones within an epoch; absent when it is linked to none. */
  readonly userPseudonym: string | undefined;
  readonly method: string;
  /** Scrubbed. */
  readonly path: string;
  /** Scrubbed, without the question mark; absent when there was none. */
  readonly query: string | undefined;
  /** Scrubbed host without port; absent when none was sent. */
  readonly host: string | undefined;
  /** "1.0", "1.1" or "2"; this and what is marked so below can be absent in what another server logged. */
  readonly protocolVersion: string | undefined;
  /** What the client was answered; 499 when it went away before it was answered, as nginx writes. */
  readonly statusCode: number;
  /** Can be absent. */
  readonly requestBodyBytes: number | undefined;
  readonly responseBodyBytes: number;
  /** Can be absent. */
  readonly durationMs: number | undefined;
  /** Until the upstream's final response headers; absent when it never answered. */
  readonly upstreamMs: number | undefined;
  /** Origin only, scrubbed. */
  readonly referer: string | undefined;
  /** Can be absent. */
  readonly requestId: string | undefined;
  readonly traceId: string | undefined;
  /** One of the words of docs/api.md, section Error types. */
  readonly errorType: string | undefined;
};

export type LoggedSession = {
  readonly uuid: string;
  /** The IPv6 spelling of the same token. */
  readonly address: string;
  readonly userAgent: CoarseUserAgent;
};
