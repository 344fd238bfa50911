import { connectionOptions } from "./request-fields.ts";

/** The head of an upstream's answer, made fit for the client. */
export type ClientHeaders = {
  /** name, value, name, value … in the upstream's order and casing. */
  readonly list: string[];
  readonly setCookies: readonly string[];
  /** Value of `X-Databunker-User`: whom the upstream says this session belongs to. Never reaches the client. */
  readonly userToken: string | undefined;
  /** False when the body is in a transfer coding other than chunked. */
  readonly isReadable: boolean;
};

/** What becomes of a field; any other goes on as it came. */
type Treatment = "connection" | "drop" | "length" | "setCookie" | "transferEncoding" | "userToken";

/** RFC 9110 section 7.6.1, and what is said to logveil only. `Trailer` is a promise that a hop with other framing cannot keep. */
const TREATMENTS: ReadonlyMap<string, Treatment> = new Map<string, Treatment>([
  ["connection", "connection"],
  ["content-length", "length"],
  ["keep-alive", "drop"],
  ["proxy-authenticate", "drop"],
  ["proxy-connection", "drop"],
  ["set-cookie", "setCookie"],
  ["te", "drop"],
  ["trailer", "drop"],
  ["transfer-encoding", "transferEncoding"],
  ["upgrade", "drop"],
  ["x-databunker-user", "userToken"],
]);

/** Fields that decide where an answer ends or whose it is: naming them in `Connection` does nothing. */
const END_TO_END: ReadonlySet<string> = new Set([
  "cache-control",
  "content-encoding",
  "content-length",
  "content-type",
  "set-cookie",
]);

/** RFC 9110 section 6.5.1: fields about framing, routing, authentication or how to read the content mean nothing behind it. */
const NO_TRAILERS: ReadonlySet<string> = new Set([
  "authorization",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "host",
  "location",
  "set-cookie",
  "www-authenticate",
]);

/** Takes undici's raw header list: strings or latin-1 buffers. */
export function headersForClient(
  rawHeaders: readonly (string | Buffer)[],
  statusCode = 200,
): ClientHeaders {
  const list: string[] = [];
  const setCookies: string[] = [];
  let connection: string | undefined;
  let transferEncoding: string | undefined;
  let userToken: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = textOf(rawHeaders[index]);
    const value = textOf(rawHeaders[index + 1]);
    const treatment = TREATMENTS.get(name.toLowerCase());
    if (treatment === undefined) list.push(name, value);
    else if (treatment === "connection") connection = joined(connection, value);
    else if (treatment === "transferEncoding") transferEncoding = joined(transferEncoding, value);
    else if (treatment === "userToken") userToken = value;
    else if (treatment === "length" && hasLength(statusCode)) list.push(name, value);
    else if (treatment === "setCookie") {
      list.push(name, value);
      setCookies.push(value);
    }
  }
  const kept = connection === undefined ? list : withoutNominated(list, connection);
  return { list: kept, setCookies, userToken, isReadable: isReadable(transferEncoding) };
}

/** Takes undici's raw trailer list; gives name and value pairs. */
export function trailersForClient(rawTrailers: readonly (string | Buffer)[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < rawTrailers.length; index += 2) {
    const name = textOf(rawTrailers[index]);
    const lower = name.toLowerCase();
    if (TREATMENTS.has(lower) || NO_TRAILERS.has(lower)) continue;
    pairs.push([name, textOf(rawTrailers[index + 1])]);
  }
  return pairs;
}

/** RFC 9110 section 8.6: these never have one, not even of 0. */
function hasLength(statusCode: number): boolean {
  return statusCode >= 200 && statusCode !== 204;
}

/**
 * RFC 9112 sections 6.1 and 7: no other coding was asked for, and none is undone here, so its end and its contents would be
 * anybody's guess.
 */
function isReadable(transferEncoding: string | undefined): boolean {
  return transferEncoding === undefined || transferEncoding.toLowerCase() === "chunked";
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

function withoutNominated(list: string[], connection: string): string[] {
  const nominated = connectionOptions(connection);
  if (nominated.size === 0) return list;
  const kept: string[] = [];
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = (list[index] ?? "").toLowerCase();
    if (nominated.has(name) && !END_TO_END.has(name)) continue;
    kept.push(list[index] ?? "", list[index + 1] ?? "");
  }
  return kept;
}

/** Header bytes are latin-1 on the wire in both directions, so this loses none. */
function textOf(part: string | Buffer | undefined): string {
  return typeof part === "string" ? part : (part?.toString("latin1") ?? "");
}

/** undici gives raw lists as flat arrays for HTTP/1; anything else would be a header object of HTTP/2. */
export function rawListOf(raw: unknown): readonly (string | Buffer)[] {
  return Array.isArray(raw) ? (raw as (string | Buffer)[]) : [];
}

/** The reason phrase says nothing to a client (RFC 9112 section 4); one that node would not send is left out. */
export function reasonOf(statusMessage: string | undefined): string {
  return statusMessage !== undefined && REASON.test(statusMessage) ? statusMessage : "";
}

const REASON = /^[\t\u0020-\u007E]*$/;
