// What a line of another server's log says, once it is read and before anything of it is scrubbed: the raw material of this folder. Nothing
// of these types leaves it.

/** Who a line is about, as far as it tells. */
export type LoggedClient = {
  /** Canonical; undefined when the line has none, or a host name in its place. */
  readonly address: string | undefined;
  /** X-Forwarded-For, where the line has it: believed from trusted proxies only. */
  readonly forwardedFor: string | undefined;
  /** Bytes as the client sent them (Latin-1, as node hands a header over); empty when there was none. The same for cookies and host. */
  readonly userAgent: string;
  readonly cookieHeader: string;
  readonly host: string;
};

/** The request line. */
export type LoggedTarget = {
  /** A method that HTTP knows, or `_OTHER`. */
  readonly method: string;
  /** Undefined for a request line that is none: `unread` has it. */
  readonly path: string | undefined;
  readonly query: string | undefined;
  readonly protocolVersion: string | undefined;
  /** Host of an absolute-form target. */
  readonly authority: string | undefined;
  readonly unread: string;
};

export type LoggedRequest = {
  readonly kind: "request";
  readonly atMs: number;
  readonly client: LoggedClient;
  readonly target: LoggedTarget;
  readonly referer: string | undefined;
  readonly statusCode: number;
  readonly requestBodyBytes: number | undefined;
  readonly responseBodyBytes: number;
  readonly durationMs: number | undefined;
  readonly upstreamMs: number | undefined;
  readonly requestId: string | undefined;
  readonly traceId: string | undefined;
};

/** A line of an error log. */
export type LoggedError = {
  readonly kind: "error";
  readonly atMs: number;
  readonly client: LoggedClient;
  /** One of the levels that servers have (error-line.ts). */
  readonly level: string;
  readonly message: string;
  readonly target: LoggedTarget | undefined;
  readonly referer: string | undefined;
};

export type LoggedLine = LoggedRequest | LoggedError;

/** Reads one line, in Latin-1; undefined for what is not of its format. Never throws. */
export type LineParser = (line: string) => LoggedLine | undefined;
