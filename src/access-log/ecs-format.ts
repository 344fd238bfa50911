import { asciiOnly } from "./ascii-line.ts";
import type { Exchange } from "./exchange.ts";
import type { Format, FormatOptions } from "./format.ts";
import { createIsoTime } from "./utc-time.ts";

/** The field names are the same from 8.0 to 9.x. */
const ECS_VERSION = "8.17.0";
const NS_PER_MS = 1_000_000;

/**
 * One JSON object a line, in the Elastic Common Schema, its names dotted: Elasticsearch, Filebeat (`expand_keys`) and Logstash take them
 * as they are. What ECS has no name for is in `labels`, whose values are keywords, and under `logveil`. Fields that an exchange does not
 * have are left out.
 */
export function createEcsFormat(options: FormatOptions): Format {
  const isoTime = createIsoTime();
  return (exchange) =>
    asciiOnly(
      `${JSON.stringify({
        "@timestamp": isoTime(exchange.startedAtMs),
        "log.level": "info",
        message: messageOf(exchange),
        "ecs.version": ECS_VERSION,
        ...fieldsOf(exchange, options),
      })}\n`,
    );
}

function fieldsOf(exchange: Exchange, options: FormatOptions) {
  // SECURITY: the only places where a token, or a person's pseudonym, enters a line are behind this choice.
  const token = options.identity === "none" ? undefined : exchange.session;
  const user = options.identity === "none" ? undefined : exchange.userPseudonym;
  const sealed = options.identity === "sealed" ? exchange.sealedIdentity : undefined;
  const userAgent = options.userAgent === "family" ? exchange.session?.userAgent : undefined;
  return {
    "event.kind": "event",
    "event.category": ["web"],
    "event.type": ["access"],
    "event.dataset": "logveil.access",
    "event.outcome": outcomeOf(exchange),
    "event.duration": nanoseconds(exchange.durationMs),
    "client.address": token?.address,
    "client.ip": token?.address,
    "http.version": exchange.protocolVersion,
    "http.request.id": exchange.requestId,
    "http.request.method": exchange.method,
    "http.request.body.bytes": exchange.requestBodyBytes,
    "http.request.referrer": exchange.referer,
    "http.response.status_code": exchange.statusCode,
    "http.response.body.bytes": exchange.responseBodyBytes,
    "url.domain": exchange.host,
    "url.path": exchange.path,
    "url.query": exchange.query,
    "user_agent.name": userAgent?.name,
    "user_agent.version": userAgent?.version,
    "user_agent.os.name": userAgent?.os,
    "user.hash": user,
    "trace.id": exchange.traceId,
    "error.type": exchange.errorType,
    "logveil.upstream.duration": nanoseconds(exchange.upstreamMs),
    labels: token === undefined ? undefined : { session_id: token.uuid, identity_sealed: sealed },
  };
}

function messageOf({ method, path, statusCode }: Exchange): string {
  return `${method} ${path} ${String(statusCode)}`;
}

/** As Elastic's integrations of web servers have it: what was answered with an error, also one of the client's, has failed. */
function outcomeOf({ statusCode, errorType }: Exchange): "success" | "failure" {
  return statusCode >= 400 || errorType !== undefined ? "failure" : "success";
}

/** Whole ones: the field is a `long`. */
function nanoseconds(durationMs: number | undefined): number | undefined {
  return durationMs === undefined ? undefined : Math.round(durationMs * NS_PER_MS);
}
