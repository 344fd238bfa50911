import type { Metrics } from "../metrics.ts";

/**
 * Why a line was not written: it did not fit into the output's buffer; the reader of the pipe has gone; the output refused it
 * when it was flushed for the last time; the output took nothing for too long; it came after close; it could not be formatted. Of
 * network outputs also: the spool was full and it was the oldest; it was damaged in the spool; the receiver does not want it.
 */
export type DropReason = (typeof DROP_REASONS)[number] | (typeof NETWORK_DROP_REASONS)[number];

const DROP_REASONS = [
  "buffer-full",
  "broken-pipe",
  "unwritable",
  "stalled",
  "closed",
  "unformattable",
] as const;

const NETWORK_DROP_REASONS = ["spool-full", "damaged", "rejected"] as const;

export type OutputName = "stdout" | "file" | "syslog" | "otlp" | "mezmo" | "http";

export type LineMetrics = Pick<Metrics, "logLinesAccepted" | "logLinesWritten" | "logLinesDropped">;

/** The counters of one output. After a flush, accepted = written + dropped. */
export type LineCounter = {
  readonly accepted: (lines: number) => void;
  readonly written: (lines: number) => void;
  readonly dropped: (lines: number, reason: DropReason) => void;
};

export function createLineCounter(metrics: LineMetrics, output: OutputName): LineCounter {
  const accepted = metrics.logLinesAccepted.labels({ output });
  const written = metrics.logLinesWritten.labels({ output });
  // All at 0 from the start: of a series that begins with its first count, an alert would not see that count.
  const isLocal = output === "stdout" || output === "file";
  const reasons = isLocal ? DROP_REASONS : [...DROP_REASONS, ...NETWORK_DROP_REASONS];
  for (const reason of reasons) metrics.logLinesDropped.inc({ output, reason }, 0);
  return {
    accepted: (lines) => accepted.inc(lines),
    written: (lines) => written.inc(lines),
    dropped: (lines, reason) => metrics.logLinesDropped.labels({ output, reason }).inc(lines),
  };
}
