// One generator for every server of a run: wrk where it is installed, else undici in a process of its own.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CORES, findProgram } from "./machine.ts";

export type Load = {
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  /** The same visitor again, another one each time, returning and new ones mixed, or look-ups. */
  readonly kind: "visit" | "new-identity" | "mixed" | "look-up";
  /** Request target; look-ups have their own. */
  readonly path: string;
  /** Of the body of a POST; 0 is a GET. */
  readonly bodyBytes: number;
  /** Number of the first new identity; those of two loads must not overlap. */
  readonly firstIdentity: number;
  /** A session token in each line, for look-ups. */
  readonly tokenFile: string;
  readonly accessToken: string;
};

export type Measured = {
  readonly requests: number;
  readonly seconds: number;
  /** Answers of 400 and above, broken connections and time-outs. */
  readonly failures: number;
  /** Latencies in microseconds, each with how many requests had it; of wrk in steps of half a percent of the requests. */
  readonly latency: Histogram;
};

export type Histogram = readonly (readonly [number, number])[];

export type LoadGenerator = {
  readonly name: string;
  readonly run: (load: Load) => Promise<Measured>;
};

const MAX_OUTPUT_BYTES = 64 * 2 ** 20;
const IDENTITIES_EACH = 1_000_000;

const execute = promisify(execFile);
let nextIdentity = 0;

/** What loads have in common unless they say otherwise. */
export const PLAIN_LOAD = { path: "/", bodyBytes: 0, tokenFile: "-", accessToken: "-" } as const;

/** The numbers of identities that no load of this run has used yet. */
export function reserveIdentities(): number {
  nextIdentity += IDENTITIES_EACH;
  return nextIdentity;
}

export function chooseLoadGenerator(wanted: "wrk" | "undici" | undefined): LoadGenerator {
  const wrk = wanted === "undici" ? undefined : findProgram("wrk");
  if (wrk === undefined && wanted === "wrk") throw new Error("wrk is not installed");
  if (wrk === undefined)
    return { name: "undici (wrk is not installed or not wanted)", run: runUndici };
  return { name: "wrk, 1 thread", run: (load) => runWrk(wrk, load) };
}

async function runWrk(wrk: string, load: Load): Promise<Measured> {
  const script = fileURLToPath(new URL("wrk.lua", import.meta.url));
  const shape = ["-t1", `-c${load.connections}`, `-d${load.seconds}s`, "--timeout", "30s"];
  const identity = [load.kind, String(load.firstIdentity), load.tokenFile, load.accessToken];
  const request = [...identity, load.path, String(load.bodyBytes)];
  return parseMeasured(await runPinned(wrk, [...shape, "-s", script, load.url, "--", ...request]));
}

async function runUndici(load: Load): Promise<Measured> {
  const script = fileURLToPath(new URL("load.ts", import.meta.url));
  return parseMeasured(await runPinned(process.execPath, [script, JSON.stringify(load)]));
}

async function runPinned(command: string, args: readonly string[]): Promise<string> {
  const pinned = CORES === undefined ? [] : ["taskset", "-c", String(CORES.rest)];
  const [file = command, ...rest] = [...pinned, command, ...args];
  const { stdout } = await execute(file, rest, { maxBuffer: MAX_OUTPUT_BYTES });
  return stdout;
}

/** What bench/wrk.lua and bench/load.ts print at their end, whatever stands before it. Throws when it is not there. */
export function parseMeasured(output: string): Measured {
  const line = output.split("\n").findLast((text) => text.startsWith('{"requests"'));
  if (line === undefined) throw new Error("the load generator reported nothing");
  const measured: Measured = JSON.parse(line);
  return measured;
}

/** The latency in microseconds that a share `p` (0 to 1) of the requests of all `histograms` stayed within; 0 when empty. */
export function percentile(histograms: readonly Histogram[], p: number): number {
  const sorted = histograms.flat().toSorted(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  // The counts are fractions; what is left over after adding many of them is not a request.
  let left = p * total - total * 1e-6;
  for (const [us, count] of sorted) {
    left -= count;
    if (left <= 0) return us;
  }
  return sorted.at(-1)?.[0] ?? 0;
}
