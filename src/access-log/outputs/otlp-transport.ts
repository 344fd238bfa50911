import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Clock } from "../../clock.ts";
import type { Entry } from "./entry.ts";
import { membersOf, numberOf, outcomeOf, post } from "./http-post.ts";
import type { Answer } from "./http-post.ts";
import type { Outcome, Transport } from "./transport.ts";

export type OtlpOptions = {
  /** With its path; one without gets `/v1/logs` (OTLP specification, "OTLP/HTTP Request"). */
  readonly url: string;
  readonly hostName: string;
  readonly timeoutMs?: number | undefined;
};

/** SeverityNumber INFO of the log data model. */
const INFO = 9;
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;

/**
 * OTLP/HTTP with JSON encoding, gzipped. The body of a record is the line; what the `json` format has as members is in its attributes,
 * which have OpenTelemetry's names. `log.record.uid` tells a record from all others.
 */
export function createOtlpTransport(options: OtlpOptions, clock: Clock): Transport {
  const url = withPath(options.url, "/v1/logs");
  return {
    name: "otlp",
    send: async (entries, signal) => {
      const body = await promisify(gzip)(JSON.stringify(requestOf(entries, options.hostName)));
      const headers = { "content-type": "application/json", "content-encoding": "gzip" };
      const answer = await post({ url, headers, body, signal, timeoutMs: options.timeoutMs });
      return outcomeWith(answer, outcomeOf(answer, clock), entries.length);
    },
  };
}

/** `path` where the URL has none. */
export function withPath(url: string, path: string): string {
  const parsed = new URL(url);
  if (parsed.pathname === "/") parsed.pathname = path;
  return parsed.href;
}

/** A partial success is not to be sent again (OTLP specification, "Partial Success"). */
function outcomeWith(answer: Answer | undefined, outcome: Outcome, lines: number): Outcome {
  if (answer === undefined || outcome.kind !== "delivered") return outcome;
  const { partialSuccess } = membersOf(answer.text);
  const { rejectedLogRecords } = Object(partialSuccess);
  const rejected = Math.trunc(numberOf(rejectedLogRecords));
  return { kind: "delivered", rejected: rejected > 0 ? Math.min(rejected, lines) : 0 };
}

function requestOf(entries: readonly Entry[], hostName: string) {
  const resource = { "service.name": "logveil", "host.name": hostName };
  const scopeLogs = [{ scope: { name: "logveil" }, logRecords: entries.map(recordOf) }];
  return { resourceLogs: [{ resource: { attributes: attributesOf(resource) }, scopeLogs }] };
}

function recordOf({ happenedAtMs, id, line }: Entry) {
  const { time: _, trace_id: traceId, ...members } = line.startsWith("{") ? membersOf(line) : {};
  const timeUnixNano = `${String(happenedAtMs)}000000`;
  return {
    timeUnixNano,
    observedTimeUnixNano: timeUnixNano,
    severityNumber: INFO,
    severityText: "INFO",
    body: { stringValue: line },
    attributes: attributesOf({ ...members, "log.record.uid": id }),
    ...(typeof traceId === "string" && TRACE_ID.test(traceId) ? { traceId } : {}),
  };
}

/** Members that are objects or lists, which the `json` format has none of, are in the body only. */
function attributesOf(members: Readonly<Record<string, unknown>>) {
  return Object.entries(members).flatMap(([key, value]) => {
    const any = anyValueOf(value);
    return any === undefined ? [] : [{ key, value: any }];
  });
}

function anyValueOf(value: unknown) {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value !== "number") return undefined;
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
