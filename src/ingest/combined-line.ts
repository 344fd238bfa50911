// Apache's and nginx's access logs: common, combined, either behind the name of a virtual host, with whatever somebody has added at the
// end. Cut by hand: once a pattern knows escaped quotes and an optional head it is no quicker (0.8 µs, as much as all of this), and a
// client can make it backtrack.

import { findAddress } from "../identity/address.ts";
import { endOfQuoted, orEmpty, unescapeField } from "./escaped-text.ts";
import { createApacheTimeReader } from "./line-time.ts";
import type { LineParser } from "./logged-line.ts";
import { targetOfRequestLine } from "./request-target.ts";

const NUMBERS = /(\d{3}) (\d{1,15}|-)(?= |$)/y;

/** `host ident user [time] "request" status bytes`, then `"referer" "user agent"`, then what is not read, but for a first quoted field. */
export function createCombinedParser(): LineParser {
  const findTime = createApacheTimeReader();
  return (line) => {
    const bracket = line.indexOf(" [");
    const atMs = findTime(line.slice(bracket + 2, bracket + 28));
    if (bracket < 1 || atMs === undefined || !line.startsWith('] "', bracket + 28))
      return undefined;
    const requestEnd = endOfQuoted(line, bracket + 31);
    const numbers = requestEnd === -1 ? undefined : numbersAt(line, requestEnd + 2);
    if (numbers === undefined) return undefined;
    const [referer = "", userAgent = "", further = ""] = quotedFields(line, numbers.end);
    const { address, host } = readHead(line.slice(0, bracket));
    return {
      kind: "request",
      atMs,
      client: {
        address,
        // nginx's own `main` format has X-Forwarded-For here. Anything else that stands here is no list of addresses.
        forwardedFor: orUndefined(further),
        userAgent: orEmpty(unescapeField(userAgent)),
        cookieHeader: "",
        host,
      },
      target: targetOfRequestLine(unescapeField(line.slice(bracket + 31, requestEnd))),
      referer: orUndefined(unescapeField(referer)),
      statusCode: numbers.statusCode,
      requestBodyBytes: undefined,
      responseBodyBytes: numbers.bytes,
      durationMs: undefined,
      upstreamMs: undefined,
      requestId: undefined,
      traceId: undefined,
    };
  };
}

function numbersAt(line: string, from: number) {
  NUMBERS.lastIndex = from;
  const [all = "", status, bytes] = NUMBERS.exec(line) ?? [];
  if (status === undefined) return undefined;
  return {
    statusCode: Number(status),
    bytes: bytes === "-" ? 0 : Number(bytes),
    end: from + all.length,
  };
}

/** The quoted fields that follow each other, three at most. */
function quotedFields(line: string, from: number): readonly string[] {
  const fields: string[] = [];
  let at = from;
  while (fields.length < 3 && line.startsWith(' "', at)) {
    const end = endOfQuoted(line, at + 2);
    if (end === -1) break;
    fields.push(line.slice(at + 2, end));
    at = end + 1;
  }
  return fields;
}

/** `host ident user` or `vhost:port host ident user`; a user name may have spaces. */
function readHead(head: string): {
  readonly address: string | undefined;
  readonly host: string;
} {
  const first = head.indexOf(" ");
  const address = findAddress(first === -1 ? head : head.slice(0, first));
  if (address !== undefined) return { address, host: "" };
  const second = head.indexOf(" ", first + 1);
  const behind = second === -1 ? undefined : findAddress(head.slice(first + 1, second));
  // No address in either place: a host name, which somebody's HostnameLookups has put there. It is not written, and it is no host of ours.
  return behind === undefined
    ? { address: undefined, host: "" }
    : { address: behind, host: head.slice(0, first).replace(/:\d+$/, "") };
}

function orUndefined(text: string): string | undefined {
  return text === "" || text === "-" ? undefined : text;
}
