// Every metric that /metrics shows, in one table (Prometheus naming: base units, bounded label sets, never a token or an
// address). Parts receive the ones they move.

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type Metrics = ReturnType<typeof createMetrics>;

/** A registry of its own for each running sidecar, so that several can live in one process (tests do). */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `logveil_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `logveil_${name}`, help, registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name: `logveil_${name}_seconds`, help, buckets: SECONDS, registers });
  return {
    registry,
    requests: counter("http_requests_total", "Requests answered, by status class.", ["code"]),
    requestDuration: histogram(
      "http_request_duration",
      "First byte of the request to last of the answer.",
    ),
    upstreamDuration: histogram(
      "upstream_response_start",
      "Dispatch to the upstream's final response headers.",
    ),
    requestsInFlight: gauge("http_requests_in_flight", "Requests under way."),
    upstreamErrors: counter("upstream_errors_total", "Upstream failures, by kind.", ["kind"]),
    upstreamRetries: counter(
      "upstream_retries_total",
      "Requests sent again after a dead reused connection.",
    ),
    sessionsNew: counter("sessions_new_total", "Sessions seen for the first time by this process."),
    sessionsCapped: counter(
      "sessions_capped_total",
      "Requests that shared their address's token, past newSessionsPerAddress.",
    ),
    sessionsLost: counter("sessions_lost_total", "Session records that could not be stored."),
    sessionLinks: counter(
      "session_links_total",
      "What the upstream said about whose sessions are, by what became of it.",
      ["result"],
    ),
    sessionLookups: counter("session_lookups_total", "Token look-ups, by result.", ["result"]),
    anonymousRefused: counter(
      "anonymous_refused_total",
      "Requests without an access token that were refused, because there were too many.",
    ),
    logLinesAccepted: counter(
      "log_lines_accepted_total",
      "Access-log lines handed to the outputs.",
      ["output"],
    ),
    logLinesWritten: counter("log_lines_written_total", "Access-log lines written.", ["output"]),
    logLinesDropped: counter("log_lines_dropped_total", "Access-log lines dropped, by reason.", [
      "output",
      "reason",
    ]),
    notificationsDelivered: counter("notifications_delivered_total", "Notifications delivered.", [
      "channel",
    ]),
    notificationsDropped: counter(
      "notifications_dropped_total",
      "Notifications given up, by reason.",
      ["channel", "reason"],
    ),
    notificationFailures: counter(
      "notification_failures_total",
      "Attempts to deliver that failed.",
      ["channel"],
    ),
    storeAppendDuration: histogram("store_append", "One group commit of session records."),
    epochKeysActive: gauge("epoch_keys_active", "Epoch keys that exist."),
    epochKeysDestroyed: counter("epoch_keys_destroyed_total", "Epoch keys destroyed."),
  };
}
