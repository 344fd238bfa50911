// Error logs of nginx and Apache: free text around a few fields that are always spelt alike. The fields are read as fields; what remains
// is the message, which may quote anything that a client sent.

import { findAddress, findNodeAddress } from "../identity/address.ts";
import { unescapeField } from "./escaped-text.ts";
import { findApacheErrorTime, findNginxErrorTime } from "./line-time.ts";
import type { LineParser, LoggedClient } from "./logged-line.ts";
import { targetOfRequestLine } from "./request-target.ts";

/** Of nginx and Apache; any other word is no level. */
const LEVELS: ReadonlySet<string> = new Set(
  "emerg alert crit error warn notice info debug trace1 trace2 trace3 trace4 trace5 trace6 trace7 trace8".split(
    " ",
  ),
);

const NGINX = /^(\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d) \[([a-z]+)\] \d+#\d+: (?:\*\d+ )?(.*)$/s;
const NGINX_CLIENT = /, client: ([0-9A-Fa-f:.]{2,45}|unix:)(?=,|$)/;

/**
 * `2026/11/20 13:55:36 [error] 7#7: *1 message, client: …, server: …, request: "…", host: "…", referrer: "…"`. nginx escapes none of it, so a
 * client can imitate the fields: what is not found in its place is dropped with them.
 */
export const parseNginxErrorLine: LineParser = (line) => {
  const [, time = "", level = "", text = ""] = NGINX.exec(line) ?? [];
  const atMs = findNginxErrorTime(time);
  if (atMs === undefined || !LEVELS.has(level)) return undefined;
  const found = NGINX_CLIENT.exec(text);
  const fields = found === null ? "" : text.slice(found.index);
  const request = findQuoted(fields, "request");
  return {
    kind: "error",
    atMs,
    level,
    message: found === null ? text : text.slice(0, found.index),
    client: {
      ...NOBODY,
      address: findNodeAddress(found?.[1] ?? ""),
      host: findQuoted(fields, "host") ?? "",
    },
    target: request === undefined ? undefined : targetOfRequestLine(unescapeField(request)),
    referer: findQuoted(fields, "referrer"),
  };
};

function findQuoted(fields: string, name: string): string | undefined {
  const mark = `, ${name}: "`;
  const at = fields.indexOf(mark);
  if (at === -1) return undefined;
  const from = at + mark.length;
  const end = fields.indexOf('", ', from);
  return end === -1 ? fields.slice(from).replace(/"$/, "") : fields.slice(from, end);
}

// 2.4: [time] [module:level] [pid 1:tid 2] [client 192.0.2.1:54321] text, referer: …    2.2: neither pid nor port, and the level alone
const APACHE =
  /^\[([^\]]{20,40})\] \[(?:[\w.-]{0,64}:)?([a-z0-9]+)\] (\[pid [^\]]*\] )?(?:\[(?:client|remote) ([^\s\]]+)\] )?(.*)$/s;
const APACHE_REFERER = /, referer: (\S+)$/;

export const parseApacheErrorLine: LineParser = (line) => {
  const [, time = "", level = "", pid, client = "", text = ""] = APACHE.exec(line) ?? [];
  const atMs = findApacheErrorTime(time);
  if (atMs === undefined || !LEVELS.has(level)) return undefined;
  const referer = APACHE_REFERER.exec(text);
  // Apache writes `2001:db8::1:54321`: only the version says whether the end of it is a port.
  const address = findAddress(pid === undefined ? client : client.replace(/:\d+$/, ""));
  return {
    kind: "error",
    atMs,
    level,
    message: referer === null ? text : text.slice(0, referer.index),
    client: { ...NOBODY, address },
    target: undefined,
    referer: referer?.[1],
  };
};

const NOBODY: LoggedClient = {
  address: undefined,
  forwardedFor: undefined,
  userAgent: "",
  cookieHeader: "",
  host: "",
};
