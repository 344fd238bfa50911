import { METHODS } from "node:http";
import type { LoggedTarget } from "./logged-line.ts";

const KNOWN: ReadonlySet<string> = new Set(METHODS);
/** What stands for a method that HTTP does not know (OpenTelemetry): a client can put anything there. */
const OTHER = "_OTHER";

/** `GET /path?query HTTP/1.1`, `GET /` (HTTP/0.9), or whatever a client sent instead. */
export function targetOfRequestLine(line: string): LoggedTarget {
  const first = line.indexOf(" ");
  const last = line.lastIndexOf(" ");
  if (first <= 0) return unreadTarget(line);
  const isWhole = last > first && line.startsWith("HTTP/", last + 1);
  const version = isWhole ? versionOf(line.slice(last + 6)) : undefined;
  const target = isWhole ? line.slice(first + 1, last) : line.slice(first + 1);
  return targetOf(line.slice(0, first), target, version, line);
}

/** The same where method, target and protocol are logged apart. `protocol`: `HTTP/1.1`. */
export function targetOf(
  method: string,
  target: string,
  protocolVersion: string | undefined,
  unread = target,
): LoggedTarget {
  const common = { method: KNOWN.has(method) ? method : OTHER, protocolVersion, unread };
  if (target.startsWith("/") || target === "*") return { ...common, ...cut(target, undefined) };
  const [, authority, rest = "/"] = /^https?:\/\/([^/?#@\s]+)([/?].*)?$/i.exec(target) ?? [];
  if (authority === undefined)
    return { ...common, path: undefined, query: undefined, authority: undefined };
  return { ...common, ...cut(rest.startsWith("?") ? `/${rest}` : rest, authority) };
}

function unreadTarget(unread: string): LoggedTarget {
  return {
    method: OTHER,
    path: undefined,
    query: undefined,
    protocolVersion: undefined,
    authority: undefined,
    unread,
  };
}

function cut(target: string, authority: string | undefined) {
  const mark = target.indexOf("?");
  if (mark === -1) return { path: target, query: undefined, authority };
  return { path: target.slice(0, mark), query: target.slice(mark + 1), authority };
}

/** `1.1`; `2` and `3` without the nought that some servers write. */
export function versionOf(text: string): string | undefined {
  if (text === "1.1" || text === "1.0") return text;
  return /^([0-9])(?:\.0)?$/.exec(text)?.[1] ?? (/^[0-9]\.[0-9]$/.test(text) ? text : undefined);
}
