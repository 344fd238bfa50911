// What logveil is measured against: each on a port of the kernel's choice and in a temporary folder of its own.

import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findFreePort } from "./machine.ts";
import { startMeasured } from "./measured-process.ts";
import type { MeasuredProcess } from "./measured-process.ts";

export type Server = AsyncDisposable & {
  readonly url: string;
  readonly process: MeasuredProcess;
  /** Where it writes its access log; undefined when it writes none. */
  readonly logFolder: string | undefined;
};

const READY_MS = 30_000;

const BENCH = fileURLToPath(new URL(".", import.meta.url));

export async function startBareProxy(upstream: string): Promise<Server> {
  const port = await findFreePort();
  const args = [join(BENCH, "bare-proxy.ts"), upstream, String(port)];
  return untilServing(port, startMeasured(process.execPath, args, "server"));
}

export async function startNodeUpstream(): Promise<Server> {
  const port = await findFreePort();
  const args = [join(BENCH, "upstream.ts"), String(port)];
  return untilServing(port, startMeasured(process.execPath, args, "rest"));
}

export async function untilServing(port: number, started: MeasuredProcess): Promise<Server> {
  const url = `http://127.0.0.1:${port}`;
  await untilAnswered(url, started);
  return {
    url,
    process: started,
    logFolder: undefined,
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}

/** Resolves when `url` answers 200. Rejects when the process ends before, or takes longer than 30 s. */
export async function untilAnswered(url: string, started: MeasuredProcess): Promise<void> {
  const until = performance.now() + READY_MS;
  while (performance.now() < until && !started.hasExited()) {
    if (await answersOk(url)) return;
    await wait(5);
  }
  const said = started.errorLines().slice(-5).join("\n");
  await started.stop();
  throw new Error(`a server did not come up: ${url}\n${said}`);
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    // Nobody listens yet.
    return false;
  }
}
