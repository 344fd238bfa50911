// The figures of SPEC section 9, measured in one run on one machine, each checked for correctness before it is timed.

import { USAGE, parseBenchOptions } from "./bench-options.ts";
import type { Bench, BenchOptions, Part } from "./bench-options.ts";
import { checkLogveil } from "./correctness.ts";
import { createBenchFolder } from "./folder.ts";
import { benchLookUps } from "./look-ups.ts";
import { CORES, describeMachine } from "./machine.ts";
import { benchProxiedRequests } from "./proxied-requests.ts";
import { formatReport, writeReport } from "./report.ts";
import type { Row } from "./report.ts";
import { startUpstream } from "./servers.ts";
import { benchStoredSessions } from "./stored-sessions.ts";

/** Which parts need which measurement; one that serves several parts runs once. */
const MEASUREMENTS: readonly {
  readonly parts: readonly Part[];
  readonly says: string;
  readonly measure: (bench: Bench) => Promise<readonly Row[]>;
}[] = [
  { parts: ["proxy", "sessions"], says: "proxied requests", measure: benchProxiedRequests },
  { parts: ["lookup"], says: "look-ups", measure: benchLookUps },
  {
    parts: ["memory", "disk", "start", "expiry"],
    says: "stored sessions",
    measure: benchStoredSessions,
  },
];

async function runBench(options: BenchOptions): Promise<boolean> {
  await using folder = await createBenchFolder();
  await using upstream = await startUpstream(await folder.make("upstream"));
  const bench = { ...options, folder, upstream };
  console.error("checking that the answers are right");
  await checkLogveil(folder);
  const rows: Row[] = [];
  for (const { parts, says, measure } of MEASUREMENTS) {
    if (!parts.some((part) => options.parts.has(part))) continue;
    console.error(`measuring ${says}`);
    rows.push(...(await measure(bench)));
  }
  const report = {
    machine: describeMachine(),
    command: `npm run bench -- ${process.argv.slice(2).join(" ")}`.replace(/ -- $/, ""),
    conditions: conditionsOf(options, upstream.name),
    rows,
  };
  console.log(formatReport(report));
  if (options.jsonFile !== undefined) await writeReport(options.jsonFile, report);
  return rows.every(({ passed }) => passed !== false);
}

function conditionsOf(options: BenchOptions, upstreamName: string): readonly string[] {
  const pinned = CORES
    ? `measured server on CPU ${CORES.server}, load and upstream on CPU ${CORES.rest} (taskset)`
    : "nothing pinned (one core, or taskset is not installed)";
  return [
    `load: ${options.generator.name}; upstream: ${upstreamName}; 100-byte answers; ${pinned}`,
    `medians of ${options.rounds} interleaved rounds of ${options.seconds} s; every answer, log line and look-up checked first`,
  ];
}

let options: BenchOptions | undefined;
try {
  options = parseBenchOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : "wrong arguments"}\n${USAGE}`);
  process.exitCode = 64;
}
if (options !== undefined) {
  const reached = await runBench(options);
  if (!reached && !options.isQuick) process.exitCode = 1;
}
