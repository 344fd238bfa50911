// The figures of SPEC section 9, measured in one run on one machine, each checked for correctness before it is timed.

import { keepCoresAwake } from "./awake-cores.ts";
import { USAGE, parseBenchOptions } from "./bench-options.ts";
import type { Bench, BenchOptions, Part } from "./bench-options.ts";
import { checkLogveil } from "./correctness.ts";
import { createBenchFolder } from "./folder.ts";
import { benchLookUps } from "./look-ups.ts";
import { CORES, describeMachine, describeVersions } from "./machine.ts";
import { startUpstream } from "./nginx.ts";
import { benchProxiedRequests } from "./proxied-requests.ts";
import { formatReport, writeReport } from "./report.ts";
import type { Outcome } from "./report.ts";
import { benchSoak } from "./soak.ts";
import { benchStoredSessions } from "./stored-sessions.ts";
import { benchTokenize } from "./tokenize.ts";

/** Which parts need which measurement; one that serves several parts runs once. */
const MEASUREMENTS: readonly {
  readonly parts: readonly Part[];
  readonly says: string;
  readonly measure: (bench: Bench) => Promise<Outcome>;
}[] = [
  {
    parts: ["proxy", "sessions", "bodies", "uploads", "connections"],
    says: "proxied requests",
    measure: benchProxiedRequests,
  },
  { parts: ["lookup"], says: "look-ups", measure: benchLookUps },
  {
    parts: ["memory", "disk", "start", "expiry"],
    says: "stored sessions",
    measure: benchStoredSessions,
  },
  { parts: ["tokenize"], says: "a log that is tokenised", measure: benchTokenize },
  { parts: ["soak"], says: "a long run", measure: benchSoak },
];

async function runBench(options: BenchOptions): Promise<boolean> {
  using cores = keepCoresAwake(options.idle);
  await using folder = await createBenchFolder();
  await using upstream = await startUpstream(await folder.make("upstream"));
  console.error("checking that the answers are right");
  await checkLogveil(folder);
  const outcomes = await measureParts({ ...options, folder, upstream });
  const rows = outcomes.flatMap((outcome) => outcome.rows);
  const notes = outcomes.flatMap((outcome) => outcome.notes ?? []);
  const report = {
    machine: describeMachine(),
    command: `npm run bench -- ${process.argv.slice(2).join(" ")}`.replace(/ -- $/, ""),
    conditions: [...conditionsOf(options, upstream.name, cores.says), ...notes],
    rows,
    comparisons: outcomes.flatMap((outcome) => outcome.comparisons ?? []),
    tables: outcomes.flatMap((outcome) => outcome.tables ?? []),
  };
  console.log(formatReport(report));
  if (options.jsonFile !== undefined) await writeReport(options.jsonFile, report);
  return rows.every(({ passed }) => passed !== false);
}

async function measureParts(bench: Bench): Promise<readonly Outcome[]> {
  const wanted = MEASUREMENTS.filter(({ parts }) => parts.some((part) => bench.parts.has(part)));
  const measure = ({ says, measure: run }: (typeof MEASUREMENTS)[number]) => {
    console.error(`measuring ${says}`);
    return run(bench);
  };
  // Figures that mean nothing may as well disturb each other.
  if (bench.isQuick) return allOf(wanted.map(measure));
  const outcomes: Outcome[] = [];
  for (const one of wanted) outcomes.push(await measure(one));
  return outcomes;
}

/** As Promise.all, and none is left under way: servers and folders would be taken away under the others. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function conditionsOf(
  options: BenchOptions,
  upstreamName: string,
  idle: string,
): readonly string[] {
  const pinned = CORES
    ? `measured server on CPU ${CORES.server}, load and upstream on CPU ${CORES.rest} (taskset)`
    : "nothing pinned (one core, or taskset is not installed)";
  const conditions = [
    `load: ${options.generator.name}; upstream: ${upstreamName}; ${pinned}; ${idle}`,
    `medians of ${options.rounds} interleaved rounds of ${options.seconds} s; every answer, log line and look-up checked first`,
    describeVersions(),
  ];
  if (options.isQuick)
    conditions.push("QUICK: only whether the answers are right counts; the figures mean nothing");
  return conditions;
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
