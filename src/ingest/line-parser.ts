// Other people's logs. A line in one of the formats that servers write (combined-line, json-line, error-line) is read into what it says of
// a request and its client (logged-line); line-cleaner gives it the session that the proxy would have given, scrubs the rest, and makes
// an access-log line of it. Around that: files (log-copy) and syslog (syslog-listener).

import { createCombinedParser } from "./combined-line.ts";
import { parseApacheErrorLine, parseNginxErrorLine } from "./error-line.ts";
import { createJsonParser } from "./json-line.ts";
import type { LineParser } from "./logged-line.ts";

export const LINE_FORMATS = ["auto", "common", "combined", "json"] as const;

export type LineFormat = (typeof LINE_FORMATS)[number];

/** `auto` knows each line by its beginning, so a file may mix formats; it reads error logs too. */
export function createLineParser(format: LineFormat): LineParser {
  const combined = createCombinedParser();
  const plain: LineParser = (line) => {
    const first = line.charCodeAt(0);
    if (first === BRACKET) return parseApacheErrorLine(line);
    return combined(line) ?? (isDigit(first) ? parseNginxErrorLine(line) : undefined);
  };
  const json = createJsonParser(plain);
  if (format === "json") return json;
  if (format !== "auto") return combined;
  return (line) => (line.charCodeAt(0) === BRACE ? json(line) : plain(line));
}

const BRACKET = 91;
const BRACE = 123;

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
