// A process of its own for tests: an access log on standard output or on a file, driven over the IPC channel.

import { createAccessLog } from "../../src/access-log/access-log.ts";
import type { OutputOptions } from "../../src/access-log/access-log.ts";
import { systemClock } from "../../src/clock.ts";
import { createEventLog } from "../../src/event-log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { exchangeWith } from "./exchanges.ts";
import { countsOf, DAY_MS } from "./open-access-log.ts";

export type Order =
  | { readonly write: number; readonly path?: string }
  | { readonly flush: true }
  | { readonly close: true };

export type Report = {
  readonly health: string;
  readonly written: number;
  readonly accepted: number;
  readonly dropped: number;
};

const file = process.argv[2];
const output: OutputOptions =
  file === undefined
    ? { kind: "stdout" }
    : { kind: "file", path: file, rotateMs: DAY_MS, maxSizeBytes: 1e9, keepMs: DAY_MS };
const metrics = createMetrics();
const log = await createAccessLog({
  format: "json",
  identity: "token",
  userAgent: "family",
  outputs: [output],
  clock: systemClock,
  eventLog: createEventLog(),
  metrics,
});

let id = 0;

async function carryOut(order: Order): Promise<void> {
  if ("write" in order) {
    for (let line = 0; line < order.write; line += 1) {
      log.write(exchangeWith({ requestId: `${id++}`, path: order.path ?? "/" }));
    }
  }
  if ("flush" in order) await log.flush();
  if ("close" in order) await log.close();
  const report: Report = { ...(await countsOf(metrics)), health: log.health() };
  process.send?.(report);
  if ("close" in order) process.disconnect?.();
}

process.on("message", (order: Order) => void carryOut(order));
process.send?.("ready");
