// Outputs over the network. All of them read one spool on the disk (spool.ts), each in a lane of its own (lane.ts) that delivers in order,
// tries again with back-off and never holds up another. A line is delivered at least once, with an id by which a receiver can tell a
// repetition.

import { hostname } from "node:os";
import type { Clock } from "../../clock.ts";
import type { EventLog } from "../../event-log.ts";
import { randomUuid } from "../../keys/secure-random.ts";
import type { Metrics } from "../../metrics.ts";
import { createLineCounter } from "../line-counter.ts";
import type { LineCounter, LineMetrics } from "../line-counter.ts";
import { Output } from "../output.ts";
import { formatEntry } from "./entry.ts";
import { Lane } from "./lane.ts";
import { createMezmoTransport } from "./mezmo-transport.ts";
import type { MezmoOptions } from "./mezmo-transport.ts";
import { createNdjsonTransport } from "./ndjson-transport.ts";
import type { NdjsonOptions } from "./ndjson-transport.ts";
import { createOtlpTransport } from "./otlp-transport.ts";
import type { OtlpOptions } from "./otlp-transport.ts";
import { Spool } from "./spool.ts";
import type { SpoolOptions } from "./spool.ts";
import { SpoolReader } from "./spool-reader.ts";
import { createSyslogTransport } from "./syslog-transport.ts";
import type { SyslogOptions } from "./syslog-transport.ts";
import type { Transport } from "./transport.ts";

export type ReceiverOptions =
  | ({ readonly kind: "syslog" } & Omit<SyslogOptions, "hostName">)
  | ({ readonly kind: "otlp" } & Omit<OtlpOptions, "hostName">)
  | ({ readonly kind: "mezmo" } & Omit<MezmoOptions, "hostName">)
  | ({ readonly kind: "http" } & NdjsonOptions);

export type NetworkOptions = {
  readonly spool: SpoolOptions;
  /** One of a kind at most. */
  readonly receivers: readonly ReceiverOptions[];
  /** For tests: what `Math.random` is to the back-off, and how long closing waits for a receiver. */
  readonly chance?: () => number;
  readonly graceMs?: number;
};

export type NetworkMetrics = LineMetrics &
  Pick<
    Metrics,
    | "logLinesResumed"
    | "logLinesWaiting"
    | "logDeliveryFailures"
    | "logSpoolBytes"
    | "logOldestLine"
  >;

export type NetworkParts = {
  readonly clock: Clock;
  readonly eventLog: EventLog;
  readonly metrics: NetworkMetrics;
};

export type NetworkOutputs = {
  /** `line` is ASCII and ends with its only newline; `happenedAtMs` is now unless told. Synchronous; never throws. */
  readonly write: (line: string, happenedAtMs: number | undefined) => void;
  /** Counts a line that could not be formatted. */
  readonly refuse: () => void;
  /** Resolves when all lines so far are in the spool or, because the disk refuses them, dropped and counted. Never rejects. */
  readonly flush: () => Promise<void>;
  readonly medium: Spool;
  readonly health: () => "ok" | "failing";
  /** Spools what is there, delivers what is taken within 2 s, and leaves the rest to the next start. Never rejects. */
  readonly close: () => Promise<void>;
};

export function createNetworkOutputs(options: NetworkOptions, parts: NetworkParts): NetworkOutputs {
  const { clock, eventLog, metrics } = parts;
  const spool = new Spool(options.spool, eventLog);
  const lanes = options.receivers.map((receiver) => {
    const transport = createTransport(receiver, clock);
    const counter = createReceiverCounter(metrics, transport.name);
    const reader = new SpoolReader(spool, { output: transport.name, counter, eventLog });
    const lane = new Lane(transport, { ...options, reader, counter, clock, eventLog });
    return { name: transport.name, counter, reader, lane };
  });
  showBacklog(metrics, { spool, lanes, clock });
  const counter = countForAll(lanes.map((lane) => lane.counter));
  const output = new Output(spool, { counter, eventLog });
  const nextId = createIds();
  return {
    write: (line, happenedAtMs = clock.now()) =>
      output.write(formatEntry({ happenedAtMs, id: nextId(), line })),
    refuse: () => output.refuse("unformattable"),
    flush: () => output.flush(),
    medium: spool,
    health: () =>
      output.health() === "failing" || lanes.some(({ lane }) => lane.health === "failing")
        ? "failing"
        : "ok",
    close: async () => {
      await output.close();
      await Promise.all(lanes.map(({ lane }) => lane.close()));
      await spool.tidy().catch(() => undefined);
    },
  };
}

function createTransport(receiver: ReceiverOptions, clock: Clock): Transport {
  switch (receiver.kind) {
    case "syslog":
      return createSyslogTransport({ ...receiver, hostName: hostNameOf() });
    case "otlp":
      return createOtlpTransport({ ...receiver, hostName: hostNameOf() }, clock);
    case "mezmo":
      return createMezmoTransport({ ...receiver, hostName: hostNameOf() }, clock);
    case "http":
      return createNdjsonTransport(receiver, clock);
  }
}

/**
 * Unique across processes. Not the request's id: lines of other servers' logs have none, or share one. A random start and a counter: no
 * randomness has to be drawn for each line.
 */
function createIds(): () => string {
  const prefix = randomUuid().replaceAll("-", "").slice(0, 16);
  let counter = 0;
  return () => {
    counter += 1;
    return `${prefix}_${counter.toString(36)}`;
  };
}

/** This machine's, as RFC 5424 section 6.2.4 and Mezmo take it. */
function hostNameOf(): string {
  return (
    hostname()
      .replaceAll(/[^\w.-]/g, "-")
      .slice(0, 255) || "-"
  );
}

function createReceiverCounter(metrics: NetworkMetrics, output: Transport["name"]) {
  const resumed = metrics.logLinesResumed.labels({ output });
  const failed = metrics.logDeliveryFailures.labels({ output });
  return {
    ...createLineCounter(metrics, output),
    resumed: (lines: number) => resumed.inc(lines),
    failed: () => failed.inc(),
  };
}

/** One line is accepted by every output; it is written when each receiver has it, which its own lane counts. */
function countForAll(counters: readonly LineCounter[]): LineCounter {
  return {
    accepted: (lines) => counters.forEach((counter) => counter.accepted(lines)),
    written: () => undefined,
    dropped: (lines, reason) => counters.forEach((counter) => counter.dropped(lines, reason)),
  };
}

function showBacklog(
  metrics: NetworkMetrics,
  parts: {
    readonly spool: Spool;
    readonly lanes: readonly {
      readonly name: string;
      readonly reader: SpoolReader;
      readonly lane: Lane;
    }[];
    readonly clock: Clock;
  },
): void {
  const { spool, lanes, clock } = parts;
  metrics.logSpoolBytes.readFrom(() => [[{}, spool.bytes]]);
  metrics.logLinesWaiting.readFrom(() =>
    lanes.map(({ name, reader }) => [{ output: name }, reader.waiting] as const),
  );
  metrics.logOldestLine.readFrom(() =>
    lanes.map(({ name, lane }) => {
      const ageMs = lane.oldestMs === undefined ? 0 : clock.now() - lane.oldestMs;
      return [{ output: name }, Math.max(0, ageMs / 1000)] as const;
    }),
  );
}
