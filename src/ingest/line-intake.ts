// Lines that come while logveil runs, over syslog or HTTP, on their way to the access log's outputs.

import type { AccessLog } from "../access-log/access-log.ts";
import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import type { CleanLine, CleanLineOf, RawLine } from "./line-cleaner.ts";

export type LineSource = "syslog-udp" | "syslog-tcp" | "http";

export type LineIntakeOptions = {
  readonly clean: CleanLineOf;
  /** Resolves when the store has answered for all sessions so far. Never rejects: what it refuses is counted as lost. */
  readonly settled: () => Promise<void>;
  readonly accessLog: Pick<AccessLog, "write" | "writeText">;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "ingestLines">;
};

/** Resolves when the lines are with the outputs, in their order, behind the records of their sessions. Never rejects. */
export type TakeFrom = (source: LineSource, lines: readonly RawLine[]) => Promise<void>;

export function createLineIntake(options: LineIntakeOptions): TakeFrom {
  const { accessLog, clock, metrics } = options;
  return async (source, lines) => {
    const cleaned: CleanLine[] = [];
    for (const { text, atMs = clock.now() } of lines) {
      const line = await cleanOrLose({ text, atMs }, options.clean);
      metrics.ingestLines.inc({ source, result: line?.kind ?? "lost" });
      if (line !== undefined) cleaned.push(line);
    }
    await options.settled();
    for (const line of cleaned) {
      if (line.kind === "request") accessLog.write(line.exchange);
      else accessLog.writeText(line.entry);
    }
  };
}

/** Without the epoch's keys nothing of a line can be written, not even its pseudonyms. */
async function cleanOrLose(line: RawLine, clean: CleanLineOf): Promise<CleanLine | undefined> {
  try {
    return await clean(line);
  } catch {
    return undefined; // counted by the caller
  }
}
