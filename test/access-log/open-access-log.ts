import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { createAccessLog } from "../../src/access-log/access-log.ts";
import type { AccessLog, OutputOptions } from "../../src/access-log/access-log.ts";
import { createEventLog } from "../../src/event-log.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { Metrics } from "../../src/metrics.ts";
import { createHandClock } from "../kit/hand-clock.ts";
import type { HandClock } from "../kit/hand-clock.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";

export const DAY_MS = 86_400_000;

export type OpenedLog = AsyncDisposable & {
  readonly folder: TemporaryFolder;
  readonly path: string;
  readonly clock: HandClock;
  readonly log: AccessLog;
  readonly metrics: Metrics;
  /** What the event log was told, oldest first. */
  readonly events: () => Promise<readonly { readonly event: string; readonly dropped?: number }[]>;
};

/** An access log on one file in a temporary folder, with real metrics and a real event log in a file. */
export async function openAccessLog(
  changes: Partial<OutputOptions & { kind: "file" }> = {},
  clock: HandClock = createHandClock(),
): Promise<OpenedLog> {
  const folder = await createTemporaryFolder();
  const path = changes.path ?? folder.file("access.log");
  const eventFd = openSync(folder.file("events"), "a");
  const metrics = createMetrics();
  const log = await createAccessLog({
    format: "json",
    identity: "token",
    userAgent: "family",
    outputs: [
      { kind: "file", rotateMs: DAY_MS, maxSizeBytes: 1e9, keepMs: 30 * DAY_MS, ...changes, path },
    ],
    clock,
    eventLog: createEventLog({ fd: eventFd, level: "debug" }),
    metrics,
  });
  const dispose = async () => {
    await log.close();
    closeSync(eventFd);
    await folder.remove();
  };
  const events = async () => parsed(await readFile(folder.file("events"), "utf8"));
  return { folder, path, clock, log, metrics, events, [Symbol.asyncDispose]: dispose };
}

/** The JSON records of a file; throws when a line is torn or glued. */
export async function recordsOf(path: string): Promise<readonly Record<string, unknown>[]> {
  return parsed(await readFile(path, "utf8"));
}

function parsed(text: string) {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Lines accepted, written and dropped, over all outputs and reasons. */
export async function countsOf(metrics: Metrics) {
  const sum = async (counter: Metrics["logLinesWritten"] | Metrics["logLinesDropped"]) =>
    (await counter.get()).values.reduce((total, { value }) => total + value, 0);
  return {
    accepted: await sum(metrics.logLinesAccepted),
    written: await sum(metrics.logLinesWritten),
    dropped: await sum(metrics.logLinesDropped),
  };
}

/** Waits for a condition that real input and output bring about; the test's own time-out ends it when they do not. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5);
}
