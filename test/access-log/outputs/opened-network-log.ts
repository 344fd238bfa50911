import { join } from "node:path";
import { createAccessLog } from "../../../src/access-log/access-log.ts";
import type { AccessLog, AccessLogOptions } from "../../../src/access-log/access-log.ts";
import type { ReceiverOptions } from "../../../src/access-log/outputs/network-outputs.ts";
import { createMetrics } from "../../../src/metrics.ts";
import type { Metrics } from "../../../src/metrics.ts";
import { openEventFile } from "../../kit/event-file.ts";
import { eventually } from "../../kit/eventually.ts";
import { createHandClock } from "../../kit/hand-clock.ts";
import type { HandClock } from "../../kit/hand-clock.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";
import { exchangeWith } from "../exchanges.ts";

export const MIB = 1024 * 1024;
export const HOUR_MS = 3_600_000;

export type OpenedNetworkLog = AsyncDisposable & {
  readonly log: AccessLog;
  readonly clock: HandClock;
  readonly metrics: Metrics;
  readonly spool: string;
  readonly folder: string;
  /** Names of the events so far. */
  readonly events: () => readonly string[];
  readonly eventText: () => string;
  /** Writes lines whose request ids are the numbers from `from` up to and without `to`. */
  readonly write: (from: number, to: number, path?: string) => void;
};

/** An access log that goes over the network only. A `folder` is left alone at the end, so that the next one finds what is in it. */
export async function openNetworkLog(
  receivers: readonly ReceiverOptions[],
  options: {
    readonly folder?: string;
    readonly spool?: string;
    readonly maxBytes?: number;
    readonly format?: AccessLogOptions["format"];
    readonly clock?: HandClock;
    readonly graceMs?: number;
  } = {},
): Promise<OpenedNetworkLog> {
  const temporary = options.folder === undefined ? await createTemporaryFolder() : undefined;
  const folder = options.folder ?? temporary?.path ?? "";
  const spool = options.spool ?? join(folder, "spool");
  const clock = options.clock ?? createHandClock();
  const metrics = createMetrics();
  const eventFile = openEventFile(join(folder, "events"));
  const log = await createAccessLog({
    format: options.format ?? "json",
    identity: "token",
    userAgent: "family",
    outputs: [],
    network: {
      spool: { dir: spool, maxBytes: options.maxBytes ?? 64 * MIB },
      receivers,
      // The longest wait each time, so that a clock that stands still keeps an output waiting.
      chance: () => 1,
      graceMs: options.graceMs ?? 2000,
    },
    clock,
    eventLog: eventFile.eventLog,
    metrics,
  });
  return {
    log,
    clock,
    metrics,
    spool,
    folder,
    events: eventFile.names,
    eventText: eventFile.text,
    write: (from, to, path = "/") => {
      for (let id = from; id < to; id += 1) log.write(exchangeWith({ requestId: `${id}`, path }));
    },
    [Symbol.asyncDispose]: async () => {
      await log.close();
      eventFile.close();
      await temporary?.remove();
    },
  };
}

/** The lines of one output, by what became of them. */
export async function linesOf(metrics: Metrics, output: string) {
  const sum = async (
    metric: "logLinesAccepted" | "logLinesResumed" | "logLinesWritten" | "logLinesDropped",
  ) => {
    const { values } = await metrics[metric].get();
    const own = values.filter(({ labels }) => labels.output === output);
    return own.reduce((total, { value }) => total + value, 0);
  };
  return {
    accepted: await sum("logLinesAccepted"),
    resumed: await sum("logLinesResumed"),
    written: await sum("logLinesWritten"),
    dropped: await sum("logLinesDropped"),
    waiting: await gauge(metrics, "logveil_log_lines_waiting", output),
  };
}

/** Waits until nothing waits any more; time passes meanwhile. */
export async function settled({ log, metrics, clock }: OpenedNetworkLog, output: string) {
  await log.flush();
  await eventually("all lines are settled", async () => {
    clock.advance(HOUR_MS);
    return (await linesOf(metrics, output)).waiting === 0 ? true : undefined;
  });
}

/** Dropped lines of one output, by reason, those reasons only that there are. */
export async function droppedOf(metrics: Metrics, output: string) {
  const { values } = await metrics.logLinesDropped.get();
  const own = values.filter(({ labels, value }) => labels.output === output && value > 0);
  return Object.fromEntries(own.map(({ labels, value }) => [labels.reason, value]));
}

export async function gauge(metrics: Metrics, name: string, output?: string): Promise<number> {
  const labels = output === undefined ? "" : `{output="${output}"}`;
  const text = await metrics.registry.metrics();
  const line = text.split("\n").find((found) => found.startsWith(`${name}${labels} `));
  return Number(line?.split(" ")[1]);
}

export function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, n) => from + n);
}

/** Request ids, and what tells deliveries apart, of NDJSON bodies. */
export function idsIn(bodies: readonly string[]): readonly number[] {
  return recordsIn(bodies).map((record) => Number(record["http.request.id"]));
}

export function uidsIn(bodies: readonly string[]): readonly unknown[] {
  return recordsIn(bodies).map((record) => record["log.record.uid"]);
}

export function recordsIn(bodies: readonly string[]): readonly Readonly<Record<string, unknown>>[] {
  return bodies
    .flatMap((body) => body.split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
