// Every metric that /metrics shows, in one table (Prometheus naming: base units, bounded label sets, never a token or an
// address). Parts receive the ones they move. docs/metrics.md lists the same, and a test compares them.

import { readFileSync } from "node:fs";
import { Counter, Gauge, Registry, collectDefaultMetrics } from "prom-client";
import { EVENT_NAMES } from "./event-log.ts";
import { HotCounter, HotGauge, HotHistogram, ReadGauge, RequestCounter } from "./hot-metrics.ts";

/** Upper bounds, seconds: a proxied request takes 100 µs at best, and is given up after a minute. */
const REQUEST_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
/** What a write to the disk or a look into memory takes, up to a disk that hangs. */
const STORE_SECONDS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5,
];

export type Metrics = ReturnType<typeof createMetrics>;

/** A registry of its own for each running sidecar, so that several can live in one process (tests do). */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  showProcess(registers);
  const named = (name: string, help: string) => ({ name: `logveil_${name}`, help, registers });
  const counter = (name: string, help: string) => new HotCounter(named(name, help));
  const labelled = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ ...named(name, help), labelNames });
  const gauge = (name: string, help: string) => new Gauge(named(name, help));
  const histogram = (name: string, help: string, bounds: readonly number[]) =>
    new HotHistogram(named(`${name}_duration_seconds`, help), bounds);
  return {
    registry,
    requests: new RequestCounter(
      named("http_requests_total", "Requests answered, by method and status class."),
    ),
    requestDuration: histogram(
      "http_request",
      "From the request's head to the last byte of its answer.",
      REQUEST_SECONDS,
    ),
    upstreamDuration: histogram(
      "upstream_response",
      "From the request's head to the head of the upstream's final answer.",
      REQUEST_SECONDS,
    ),
    requestsInFlight: new HotGauge(named("http_requests_in_flight", "Requests under way.")),
    connectionsOpen: new ReadGauge(
      named("connections_open", "Connections that are open, upgraded ones too, by listener."),
      ["listener"],
    ),
    connectionsRefused: counter(
      "connections_refused_total",
      "Connections of clients closed at once, past limits.connections.",
    ),
    upstreamErrors: labelled("upstream_errors_total", "Upstream failures, by kind.", ["kind"]),
    upstreamRetries: counter(
      "upstream_retries_total",
      "Requests sent again after a dead reused connection.",
    ),
    sessionsNew: counter(
      "sessions_new_total",
      "Sessions that this process had not seen, or had forgotten.",
    ),
    sessionsKnown: counter("sessions_known_total", "Requests of a session that was known already."),
    sessionsCapped: counter(
      "sessions_capped_total",
      "Requests that shared their address's token, past newSessionsPerAddress.",
    ),
    sessionsLost: counter("sessions_lost_total", "Session records that could not be stored."),
    sessionLinks: labelled(
      "session_links_total",
      "What the upstream said about whose sessions are, by what became of it.",
      ["result"],
    ),
    sessionLookups: labelled(
      "session_lookups_total",
      "Token look-ups, by the caller's role and result.",
      ["role", "result"],
    ),
    auditEvents: labelled("audit_events_total", "Audit events stored, by status.", ["status"]),
    auditWriteFailures: counter(
      "audit_write_failures_total",
      "Audit events that could not be stored; each of those operations was refused.",
    ),
    anonymousRefused: counter(
      "anonymous_refused_total",
      "Requests without an access token that were refused, because there were too many.",
    ),
    logLinesAccepted: labelled(
      "log_lines_accepted_total",
      "Access-log lines handed to the outputs.",
      ["output"],
    ),
    logLinesWritten: labelled("log_lines_written_total", "Access-log lines written.", ["output"]),
    logLinesDropped: labelled("log_lines_dropped_total", "Access-log lines dropped, by reason.", [
      "output",
      "reason",
    ]),
    logLinesResumed: labelled(
      "log_lines_resumed_total",
      "Access-log lines that an earlier process had accepted and left in the spool.",
      ["output"],
    ),
    logLinesWaiting: new ReadGauge(
      named("log_lines_waiting", "Access-log lines in the spool that a receiver has not taken."),
      ["output"],
    ),
    logDeliveryFailures: labelled(
      "log_delivery_failures_total",
      "Attempts to deliver access-log lines that brought nothing.",
      ["output"],
    ),
    logSpoolBytes: new ReadGauge(
      named("log_spool_bytes", "Size of the spool of access-log lines."),
      [],
    ),
    logOldestLine: new ReadGauge(
      named(
        "log_oldest_line_seconds",
        "Age of the oldest access-log line that a receiver has not taken.",
      ),
      ["output"],
    ),
    ingestLines: labelled(
      "ingest_lines_total",
      "Lines of other servers' logs that came in, by what they were.",
      ["source", "result"],
    ),
    notificationsDelivered: labelled("notifications_delivered_total", "Notifications delivered.", [
      "channel",
    ]),
    notificationsDropped: labelled(
      "notifications_dropped_total",
      "Notifications given up, by reason.",
      ["channel", "reason"],
    ),
    notificationFailures: labelled(
      "notification_failures_total",
      "Attempts to deliver that failed.",
      ["channel"],
    ),
    storeAppendDuration: histogram(
      "store_append",
      "One group commit of session records.",
      STORE_SECONDS,
    ),
    storeFindDuration: histogram(
      "store_find",
      "One look-up of a session record in the store.",
      STORE_SECONDS,
    ),
    epochKeysActive: gauge("epoch_keys_active", "Epoch keys that exist."),
    epochKeysDestroyed: counter("epoch_keys_destroyed_total", "Epoch keys destroyed."),
    epochKeysNextExpiry: gauge(
      "epoch_keys_next_expiry_timestamp_seconds",
      "When the next epoch key is to be destroyed; in the past when that is overdue, 0 without keys.",
    ),
    unready: new ReadGauge(
      named("unready", "1 for each reason that /readyz gives, 0 for others."),
      ["reason"],
    ),
    events: startedCounter(
      labelled("events_total", "Lines of the event log, by event.", ["event"]),
      EVENT_NAMES.map((event) => ({ event })),
    ),
    configReloadSuccessful: gauge(
      "config_last_reload_successful",
      "1 when the last attempt to load the configuration was taken over, 0 when it was refused.",
    ),
    configReloadSuccess: gauge(
      "config_reload_success_timestamp_seconds",
      "When a configuration was last taken over.",
    ),
  };
}

/** With all series at 0: of one that begins with its first count, `increase` would not see that count. */
function startedCounter<Label extends string>(
  counter: Counter<Label>,
  series: readonly Record<Label, string>[],
): Counter<Label> {
  for (const labels of series) counter.inc(labels, 0);
  return counter;
}

/** About the process; of several sidecars in one, each shows the same. */
function showProcess(registers: Registry[]): void {
  new Gauge({
    name: "logveil_build_info",
    help: "1; the label says which version runs.",
    labelNames: ["version"],
    registers,
  }).set({ version: VERSION }, 1);
  const active = new Counter({
    name: "logveil_event_loop_active_seconds_total",
    help: "Time in which the event loop was busy: its rate is how much of one core is used, at most 1.",
    registers,
    collect: () => {
      active.reset();
      active.inc(performance.eventLoopUtilization().active / 1000);
    },
  });
}

/** Beside src/ as beside dist/. */
const VERSION = (
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  }
).version;
