// The access log: what clients did, in tokens. A finished exchange is formatted once, in the format the operator chose, and the
// line goes to every output. An output never holds up or fails a request: it batches, keeps a bounded number of lines while its
// medium (the process's standard output, a rotated file) takes none, and counts each line as written or as dropped.

import type { Clock } from "../clock.ts";
import { LogveilError } from "../errors.ts";
import type { EventLog } from "../event-log.ts";
import type { Exchange } from "./exchange.ts";
import type { FormatOptions } from "./format.ts";
import { createLineCounter } from "./line-counter.ts";
import { createLineFormats } from "./line-formats.ts";
import type { FormatName } from "./line-formats.ts";
import { LogFile } from "./log-file.ts";
import type { LogFileOptions } from "./log-file.ts";
import type { Medium } from "./medium.ts";
import { Output } from "./output.ts";
import { createNetworkOutputs } from "./outputs/network-outputs.ts";
import type { NetworkMetrics, NetworkOptions, NetworkOutputs } from "./outputs/network-outputs.ts";
import { createStdoutMedium } from "./stdout-medium.ts";
import type { TextEntry } from "./text-entry.ts";

export type OutputOptions =
  | { readonly kind: "stdout" }
  | ({ readonly kind: "file" } & LogFileOptions);

export type AccessLogOptions = FormatOptions & {
  readonly format: FormatName;
  readonly outputs: readonly OutputOptions[];
  /** Absent when no line goes over the network. */
  readonly network?: NetworkOptions | undefined;
  readonly clock: Clock;
  readonly eventLog: EventLog;
  readonly metrics: NetworkMetrics;
};

export type AccessLog = {
  /** Hands one line to every output. Synchronous; never throws. */
  readonly write: (exchange: Exchange) => void;
  /** The same for what another server logged and is no request. */
  readonly writeText: (entry: TextEntry) => void;
  /** Opens the files anew (SIGHUP): for who renames them from outside. */
  readonly reopen: () => void;
  /**
   * Resolves when each line so far is written, for network outputs in the spool, or, because an output refuses it still, dropped and
   * counted. Never rejects.
   */
  readonly flush: () => Promise<void>;
  /** Flushes and closes. Lines that come later are dropped and counted. */
  readonly close: () => Promise<void>;
  /** `failing` from the first failure of any output until it has caught up. */
  readonly health: () => "ok" | "failing";
};

/** Failures that pass: the log starts with an outage and lets the proxy serve. */
const PASSING: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EMFILE", "ENFILE"]);

/**
 * Opens the outputs; the caller closes the access log. Rejects `access-log-unwritable` when a file cannot be opened for a
 * reason that does not pass by itself (a full disk does).
 */
export async function createAccessLog(options: AccessLogOptions): Promise<AccessLog> {
  const formats = createLineFormats(options.format, options);
  const media = options.outputs.map((output) => createMedium(output, options));
  const network = options.network && createNetworkOutputs(options.network, options);
  const opened = media.map(({ medium }) => medium);
  await openAll(network === undefined ? opened : [...opened, network.medium]);
  const outputs = media.map(({ kind, medium }) => {
    const counter = createLineCounter(options.metrics, kind);
    return new Output(medium, { counter, eventLog: options.eventLog });
  });
  const all = network === undefined ? outputs : [...outputs, network];
  return {
    write: (exchange) => {
      const line = formatted(() => formats.exchange(exchange), outputs, network);
      if (line === undefined) return;
      for (const output of outputs) output.write(line);
      network?.write(line, exchange.startedAtMs);
    },
    writeText: (entry) => {
      const line = formatted(() => formats.text(entry), outputs, network);
      if (line === undefined) return;
      for (const output of outputs) output.write(line);
      network?.write(line, entry.atMs);
    },
    reopen: () => outputs.forEach((output) => output.reopen()),
    flush: async () => void (await Promise.all(all.map((output) => output.flush()))),
    close: async () => void (await Promise.all(all.map((output) => output.close()))),
    health: () => (all.some((output) => output.health() === "failing") ? "failing" : "ok"),
  };
}

function formatted(
  format: () => string,
  outputs: readonly Output[],
  network: NetworkOutputs | undefined,
): string | undefined {
  try {
    return format();
  } catch {
    // A date that no calendar holds, say. The request is not to suffer for it, and the line is missed in the counts.
    for (const output of outputs) output.refuse("unformattable");
    network?.refuse();
    return undefined;
  }
}

function createMedium(output: OutputOptions, options: AccessLogOptions) {
  const medium: Medium =
    output.kind === "stdout" ? createStdoutMedium() : new LogFile(output, options);
  return { kind: output.kind, medium };
}

async function openAll(media: readonly Medium[]): Promise<void> {
  const attempts = await Promise.allSettled(media.map((medium) => medium.prepare(0)));
  const lasting = attempts.find(
    (attempt) => attempt.status === "rejected" && !passes(attempt.reason),
  );
  if (lasting?.status !== "rejected") return;
  await Promise.all(media.map((medium) => medium.close()));
  throw new LogveilError("access-log-unwritable", { cause: lasting.reason });
}

function passes(failure: unknown): boolean {
  return failure instanceof Error && "code" in failure && PASSING.has(failure.code);
}
