// Does it grow? One logveil for a long time, under visitors of whom most come back and every tenth is new.

import type { Bench } from "./bench-options.ts";
import { checkLog } from "./correctness.ts";
import { PLAIN_LOAD, reserveIdentities } from "./load-generator.ts";
import { occupiedBytes } from "./log-files.ts";
import { startLogveil } from "./logveil.ts";
import type { Logveil } from "./logveil.ts";
import type { Outcome, Row } from "./report.ts";

const CONNECTIONS = 64;
const EACH_SECONDS = 60;

type Sample = {
  readonly seconds: number;
  readonly requests: number;
  readonly failures: number;
  readonly residentBytes: number;
  /** Undefined where /metrics does not say. */
  readonly heapBytes: number | undefined;
  readonly externalBytes: number | undefined;
  readonly storedBytes: number;
};

/** Prints a line at the start, after every minute and at the end, so that one that is stopped has said something. */
export async function benchSoak(bench: Bench): Promise<Outcome> {
  const folder = await bench.folder.make("soak");
  const options = { folder, upstream: bench.upstream.url, trustsLoad: true };
  await using logveil = await startLogveil(options);
  const samples = [await sample(logveil, { seconds: 0, requests: 0, failures: 0 })];
  let [sent, runs] = [{ seconds: 0, requests: 0, failures: 0 }, 0];
  const startedAt = performance.now();
  while (sent.seconds < bench.soakSeconds) {
    const seconds = Math.min(EACH_SECONDS, Math.ceil(bench.soakSeconds - sent.seconds));
    const shape = { ...PLAIN_LOAD, url: logveil.url, seconds, connections: CONNECTIONS };
    const firstIdentity = reserveIdentities();
    const measured = await bench.generator.run({ ...shape, kind: "mixed", firstIdentity });
    sent = {
      seconds: (performance.now() - startedAt) / 1000,
      requests: sent.requests + measured.requests,
      failures: sent.failures + measured.failures,
    };
    runs += 1;
    samples.push(await sample(logveil, sent));
  }
  await checkLog(logveil, sent.requests, runs * CONNECTIONS + sent.failures);
  return { rows: rowsOf(samples), tables: [[HEAD, ...samples.map(cellsOf)]] };
}

async function sample(
  logveil: Logveil,
  sent: Pick<Sample, "seconds" | "requests" | "failures">,
): Promise<Sample> {
  const residentBytes = logveil.process.residentBytes();
  const metrics = await (await fetch(`${logveil.vaultUrl}/metrics`)).text();
  const storedBytes = await occupiedBytes(logveil.dataFolder);
  const taken = {
    ...sent,
    residentBytes,
    heapBytes: findMetric(metrics, "nodejs_heap_size_used_bytes"),
    externalBytes: findMetric(metrics, "nodejs_external_memory_bytes"),
    storedBytes,
  };
  console.error(`soak: ${cellsOf(taken).join("  ")}`);
  return taken;
}

function findMetric(text: string, name: string): number | undefined {
  const value = new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

const HEAD = ["soak", "resident", "heap used", "external", "requests", "errors", "disk"];

function cellsOf(sample: Sample): readonly string[] {
  return [
    `${sample.seconds.toFixed(0)} s`,
    megabytes(sample.residentBytes),
    megabytes(sample.heapBytes),
    megabytes(sample.externalBytes),
    sample.requests.toLocaleString("en-GB"),
    String(sample.failures),
    megabytes(sample.storedBytes),
  ];
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? "-" : `${(bytes / 1e6).toFixed(0)} MB`;
}

/** Errors fail it. Memory is for the reader to judge: it depends on how long, and on what V8 has not collected yet. */
function rowsOf(samples: readonly Sample[]): readonly Row[] {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return [];
  const { seconds, requests, failures } = last;
  return [
    {
      figure: `${Math.round(seconds)} s of load, one visitor in ten new`,
      required: "no errors",
      measured: `${failures} errors in ${requests.toLocaleString("en-GB")} requests; resident ${megabytes(first.residentBytes)} at the start, ${megabytes(last.residentBytes)} at the end`,
      passed: failures === 0,
      numbers: {
        seconds,
        requests,
        failures,
        residentAtStart: first.residentBytes,
        residentAtEnd: last.residentBytes,
      },
    },
  ];
}
