// JSON access logs: nginx with `escape=json` under the variables' own names or those that people give them, and Caddy.

import { findNodeAddress } from "../identity/address.ts";
import { createApacheTimeReader, findIsoTime, findUnixTime } from "./line-time.ts";
import type { LineParser, LoggedClient, LoggedLine, LoggedTarget } from "./logged-line.ts";
import { targetOf, targetOfRequestLine, versionOf } from "./request-target.ts";

type Members = Readonly<Record<string, unknown>>;

/** By what it means, the names that it has been seen under; the first that is there counts. */
const NAMES = {
  address: ["remote_addr", "client_ip", "remote_ip", "clientip", "client.address", "client", "ip"],
  forwardedFor: ["http_x_forwarded_for", "x_forwarded_for", "x-forwarded-for", "xff"],
  userAgent: ["http_user_agent", "user_agent", "userAgent", "useragent", "user-agent", "agent"],
  cookie: ["http_cookie", "cookie"],
  host: ["http_host", "host", "server_name", "vhost", "virtual_host"],
  time: ["time_iso8601", "msec", "time_local", "@timestamp", "timestamp", "time", "ts", "date"],
  request: ["request", "request_line"],
  method: ["request_method", "method", "verb"],
  target: ["request_uri", "uri", "url", "path"],
  query: ["args", "query_string", "query"],
  protocol: ["server_protocol", "protocol", "proto", "http_version"],
  status: ["status", "status_code", "response", "code"],
  responseBytes: ["body_bytes_sent", "bytes_sent", "size", "bytes"],
  requestBytes: ["bytes_read", "request_body_length"],
  duration: ["request_time", "duration", "response_time"],
  upstreamTime: ["upstream_header_time", "upstream_response_time"],
  referer: ["http_referer", "http_referrer", "referer", "referrer"],
  requestId: ["request_id", "http.request.id"],
  traceId: ["trace_id"],
} as const;

/** What wraps a line of another format: Docker's json-file, journald. */
const WRAPPED = ["log", "MESSAGE"];

export function createJsonParser(inner: LineParser): LineParser {
  const findApacheTime = createApacheTimeReader();
  const findTime = (value: unknown): number | undefined => {
    if (typeof value === "number") return findUnixTime(value);
    if (typeof value !== "string") return undefined;
    if (/^\d{9,13}(?:\.\d+)?$/.test(value)) return findUnixTime(Number(value));
    return findIsoTime(value) ?? findApacheTime(value);
  };
  return (line) => {
    const members = parseObject(line);
    if (members === undefined) return undefined;
    return isObject(members["request"])
      ? readCaddy(members, members["request"], findTime)
      : (readNginx(members, findTime) ?? readWrapped(members, inner));
  };
}

function readNginx(
  members: Members,
  findTime: (value: unknown) => number | undefined,
): LoggedLine | undefined {
  const atMs = findTime(pick(members, NAMES.time));
  const statusCode = statusOf(pick(members, NAMES.status));
  const target = targetIn(members);
  if (atMs === undefined || statusCode === undefined || target === undefined) return undefined;
  return {
    kind: "request",
    atMs,
    client: clientOf(members),
    target,
    referer: textIn(members, NAMES.referer),
    statusCode,
    requestBodyBytes: numberIn(members, NAMES.requestBytes),
    responseBodyBytes: numberIn(members, NAMES.responseBytes) ?? 0,
    durationMs: inMs(numberIn(members, NAMES.duration)),
    upstreamMs: inMs(numberIn(members, NAMES.upstreamTime)),
    requestId: idIn(members, NAMES.requestId),
    traceId: idIn(members, NAMES.traceId, /^[0-9a-f]{32}$/),
  };
}

/** `{"ts":…,"request":{"client_ip":…,"proto":…,"method":…,"host":…,"uri":…,"headers":{"User-Agent":[…]}},"duration":…,"size":…,"status":…}` */
function readCaddy(
  members: Members,
  request: Members,
  findTime: (value: unknown) => number | undefined,
): LoggedLine | undefined {
  const headers = isObject(request["headers"]) ? request["headers"] : {};
  const header = (name: string) => {
    const values = headers[name];
    const text = Array.isArray(values) ? values.filter(isText).join("; ") : undefined;
    // Caddy's own word for what it does not log.
    return text === "REDACTED" ? undefined : text;
  };
  return readNginx(
    {
      ...members,
      request: undefined,
      // What Caddy has worked out from its own trusted proxies, and before 2.7 the peer.
      remote_addr: request["client_ip"] ?? request["remote_ip"],
      method: request["method"],
      uri: request["uri"],
      proto: request["proto"],
      host: request["host"],
      user_agent: header("User-Agent"),
      cookie: header("Cookie"),
      referer: header("Referer"),
      // Of a client who is its own proxy: the peer above is the one to believe, or not.
      x_forwarded_for: header("X-Forwarded-For"),
    },
    findTime,
  );
}

function readWrapped(members: Members, inner: LineParser): LoggedLine | undefined {
  const text = pick(members, WRAPPED);
  return typeof text === "string" ? inner(text.replace(/\r?\n$/, "")) : undefined;
}

function clientOf(members: Members): LoggedClient {
  return {
    address: findNodeAddress(textIn(members, NAMES.address) ?? ""),
    forwardedFor: textIn(members, NAMES.forwardedFor),
    userAgent: textIn(members, NAMES.userAgent) ?? "",
    cookieHeader: textIn(members, NAMES.cookie) ?? "",
    host: textIn(members, NAMES.host)?.replace(/:\d+$/, "") ?? "",
  };
}

function targetIn(members: Members): LoggedTarget | undefined {
  const line = textIn(members, NAMES.request);
  if (line !== undefined) return targetOfRequestLine(line);
  const target = textIn(members, NAMES.target);
  if (target === undefined) return undefined;
  const query = target.includes("?") ? undefined : textIn(members, NAMES.query);
  const version = versionOf((textIn(members, NAMES.protocol) ?? "").replace(/^HTTP\//i, ""));
  const method = textIn(members, NAMES.method) ?? "";
  return targetOf(method, query === undefined ? target : `${target}?${query}`, version);
}

function pick(members: Members, names: readonly string[]): unknown {
  for (const name of names) if (members[name] !== undefined) return members[name];
  return undefined;
}

/** Undefined also for what servers write for nothing. */
function textIn(members: Members, names: readonly string[]): string | undefined {
  const value = pick(members, names);
  return isText(value) && value !== "" && value !== "-" ? inBytes(value) : undefined;
}

function numberIn(members: Members, names: readonly string[]): number | undefined {
  const value = pick(members, names);
  // Where several upstreams were asked nginx writes `0.001, 0.002`: the last one answered.
  const number = isText(value) ? Number(value.split(", ").at(-1) || Number.NaN) : value;
  return typeof number === "number" && Number.isFinite(number) && number >= 0 ? number : undefined;
}

function statusOf(value: unknown): number | undefined {
  const status = isText(value) ? Number(value || Number.NaN) : value;
  return typeof status === "number" && Number.isInteger(status) && status >= 0 && status <= 999
    ? status
    : undefined;
}

function idIn(
  members: Members,
  names: readonly string[],
  // SECURITY: a client can name its request; only what a server makes up by itself is passed on.
  shape = /^[0-9a-f]{32}$|^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
): string | undefined {
  const text = textIn(members, names);
  return text !== undefined && shape.test(text) ? text : undefined;
}

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

/** A character beyond Latin-1 was spelt as `\uXXXX`: back to the UTF-8 bytes that it came as. */
function inBytes(text: string): string {
  return /[^\0-\xff]/.test(text) ? Buffer.from(text).toString("latin1") : text;
}

function parseObject(line: string): Members | undefined {
  return (
    tryParse(line) ?? (line.includes("\\x") ? tryParse(line.replaceAll("\\x", "\\u00")) : undefined)
  );
}

function tryParse(text: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // not JSON
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
