import { asciiOnly } from "./ascii-line.ts";
import type { Exchange, LoggedSession } from "./exchange.ts";
import type { FormatOptions } from "./format.ts";
import { createIsoTime } from "./utc-time.ts";

/**
 * A line of another server's log that is not about a finished request: what an error log says, or what could not be parsed. Scrubbed, as
 * an exchange is.
 */
export type TextEntry = Pick<Exchange, "host" | "query" | "referer"> & {
  /** Absent when neither the line nor one before it told. */
  readonly atMs: number | undefined;
  /** Absent when the line names no client. */
  readonly session: Pick<LoggedSession, "uuid" | "address"> | undefined;
  /** As the other server's log has it, one of a few words. */
  readonly level: string | undefined;
  readonly text: string;
  /** True for what was scrubbed as text of which nothing is known. */
  readonly isUnparsed: boolean;
  /** Of the request that the line is about; absent like `path` when it is about none. */
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly protocolVersion: string | undefined;
};

/** One line, printable ASCII, ended by its only newline. */
export type TextFormat = (entry: TextEntry) => string;

type Identity = Pick<FormatOptions, "identity">;

/** The fields of `json` that an entry has, and `severity_text`, `message`, `logveil.unparsed`. */
export function createJsonTextFormat(options: Identity): TextFormat {
  const isoTime = createIsoTime();
  return (entry) => {
    const token = tokenOf(entry, options);
    return jsonLine({
      time: entry.atMs === undefined ? undefined : isoTime(entry.atMs),
      "session.id": token?.uuid,
      "client.address": token?.address,
      severity_text: entry.level,
      message: entry.text,
      ...requestFieldsOf(entry),
      "server.address": entry.host,
      "network.protocol.version": entry.protocolVersion,
      "http.request.header.referer": entry.referer,
      "logveil.unparsed": entry.isUnparsed ? true : undefined,
    });
  };
}

/** The same under the names of the Elastic Common Schema. */
export function createEcsTextFormat(options: Identity): TextFormat {
  const isoTime = createIsoTime();
  return (entry) => {
    const token = tokenOf(entry, options);
    return jsonLine({
      "@timestamp": entry.atMs === undefined ? undefined : isoTime(entry.atMs),
      "log.level": entry.level ?? "info",
      message: entry.text,
      "ecs.version": "8.17.0",
      "event.kind": entry.isUnparsed ? "pipeline_error" : "event",
      "event.category": ["web"],
      "event.type": [entry.isUnparsed ? "info" : "error"],
      "event.dataset": "logveil.error",
      "event.outcome": "unknown",
      "client.address": token?.address,
      "client.ip": token?.address,
      ...requestFieldsOf(entry),
      "url.domain": entry.host,
      "http.version": entry.protocolVersion,
      "http.request.referrer": entry.referer,
      labels:
        token === undefined && !entry.isUnparsed
          ? undefined
          : { session_id: token?.uuid, unparsed: entry.isUnparsed ? "true" : undefined },
    });
  };
}

/** As nginx writes its error log, in UTC: `2026/11/20 13:55:36 [error] text, client: fd…, request: "GET / HTTP/1.1"`. Beside `combined`. */
export function createPlainTextFormat(options: Identity): TextFormat {
  const isoTime = createIsoTime();
  return (entry) => {
    const time =
      entry.atMs === undefined
        ? "-"
        : isoTime(entry.atMs).slice(0, 19).replaceAll("-", "/").replace("T", " ");
    const parts = [
      `${time} [${entry.isUnparsed ? "unparsed" : printable(entry.level ?? "-")}] ${printable(entry.text)}`,
      ...field("client", tokenOf(entry, options)?.address),
      ...field("request", requestLineOf(entry), '"'),
      ...field("host", entry.host, '"'),
      ...field("referrer", entry.referer, '"'),
    ];
    return `${parts.join(", ")}\n`;
  };
}

// SECURITY: the only place where a token enters a text line is behind this choice.
function tokenOf({ session }: TextEntry, { identity }: Identity): TextEntry["session"] {
  return identity === "none" ? undefined : session;
}

function requestFieldsOf({ method, path, query }: TextEntry) {
  return { "http.request.method": method, "url.path": path, "url.query": query };
}

function requestLineOf({ method, path, query, protocolVersion }: TextEntry): string | undefined {
  if (path === undefined) return undefined;
  const target = query === undefined ? path : `${path}?${query}`;
  const protocol = protocolVersion === undefined ? "" : ` HTTP/${protocolVersion}`;
  return `${method ?? "-"} ${target}${protocol}`;
}

function field(name: string, value: string | undefined, quote = ""): readonly string[] {
  return value === undefined ? [] : [`${name}: ${quote}${printable(value)}${quote}`];
}

// SECURITY: as in the other formats, nothing can end a line or a quoted field, and nothing but printable ASCII gets out.
const UNSAFE = /["\\]|[^\x20-\x7e]/gu;

function printable(text: string): string {
  return text.replace(UNSAFE, (character) =>
    Array.from(Buffer.from(character), (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(
      "",
    ),
  );
}

function jsonLine(fields: object): string {
  return asciiOnly(`${JSON.stringify(fields)}\n`);
}
