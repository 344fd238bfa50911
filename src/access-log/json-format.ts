import { pino } from "pino";
import type { Exchange } from "./exchange.ts";
import type { Format, FormatOptions } from "./format.ts";
import { createIsoTime } from "./utc-time.ts";

/**
 * One flat JSON object a line, with OpenTelemetry's names (SPEC section 5). Fields that an exchange does not have are left out;
 * a number that is not finite becomes null.
 */
export function createJsonFormat(options: FormatOptions): Format {
  const isoTime = createIsoTime();
  let time = "";
  let line = "";
  const logger = pino(
    {
      base: null,
      // An access log has no level. pino puts a level's fields before the time, so the time begins without a comma here.
      formatters: { level: () => ({}) },
      timestamp: () => `"time":"${time}"`,
    },
    { write: (written: string) => void (line = written) },
  );
  return (exchange) => {
    time = isoTime(exchange.startedAtMs);
    logger.info(fieldsOf(exchange, options));
    return asciiOnly(line);
  };
}

/** One object literal, so that all records share one shape; pino skips what is undefined. */
function fieldsOf(exchange: Exchange, options: FormatOptions) {
  // SECURITY: the only places where a token, or a person's pseudonym, enters a line are behind this choice.
  const token = options.identity === "token" ? exchange.session : undefined;
  const user = options.identity === "token" ? exchange.userPseudonym : undefined;
  const userAgent = options.userAgent === "family" ? exchange.session?.userAgent : undefined;
  return {
    "session.id": token?.uuid,
    "client.address": token?.address,
    "http.request.method": exchange.method,
    "url.path": exchange.path,
    "url.query": exchange.query,
    "server.address": exchange.host,
    "network.protocol.version": exchange.protocolVersion,
    "http.response.status_code": exchange.statusCode,
    "http.request.body.size": exchange.requestBodyBytes,
    "http.response.body.size": exchange.responseBodyBytes,
    duration_ms: inMicroseconds(exchange.durationMs),
    upstream_ms:
      exchange.upstreamMs === undefined ? undefined : inMicroseconds(exchange.upstreamMs),
    "http.request.header.referer": exchange.referer,
    "user_agent.name": userAgent?.name,
    "user_agent.version": userAgent?.version,
    "user_agent.os.name": userAgent?.os,
    "http.request.id": exchange.requestId,
    trace_id: exchange.traceId,
    "enduser.pseudo.id": user,
    "error.type": exchange.errorType,
  };
}

/** Milliseconds with three decimals: finer says nothing. */
function inMicroseconds(durationMs: number): number {
  return Math.round(durationMs * 1000) / 1000;
}

/** DEL and everything beyond ASCII. */
const UNSAFE = /[\u007f-\uffff]/g;

/**
 * SECURITY: JSON escapes control characters up to U+001F only. DEL, the C1 controls (a terminal obeys U+009B) and U+0085, U+2028
 * and U+2029 (line ends to many readers) would let a client forge a line; all that is not printable ASCII is escaped as
 * RFC 8259 section 7 has it. Looked for by length and not by a pattern, which would cost a seventh of the line.
 */
function asciiOnly(line: string): string {
  const isAscii = Buffer.byteLength(line) === line.length && !line.includes("\u007f");
  return isAscii ? line : line.replace(UNSAFE, escaped);
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
