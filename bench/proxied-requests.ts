// Rows 1 and 2 of SPEC section 9, what a proxied request costs and what a new identity in every request adds, and the same servers
// under other loads.

import type { Bench } from "./bench-options.ts";
import { isLogveil, startContenders } from "./contenders.ts";
import type { Contenders } from "./contenders.ts";
import { enter, holdContest, takeTurn } from "./contest.ts";
import type { Entry } from "./contest.ts";
import { comparisonOf } from "./comparison.ts";
import type { Comparison } from "./comparison.ts";
import { checkLog } from "./correctness.ts";
import { goalsOf } from "./goals.ts";
import type { Outcome } from "./report.ts";
import { DEFAULT, NEW_IDENTITIES, OTHERS } from "./scenarios.ts";

/** The other scenarios have no goals; they get shorter turns, and fewer. */
const OTHER_ROUNDS = 3;
const OTHER_SECONDS = 3;
/** V8 has compiled what they share; this is for buffers, connections and the rest. */
const SETTLE_SECONDS = 1;

export async function benchProxiedRequests(bench: Bench): Promise<Outcome> {
  await using servers = new AsyncDisposableStack();
  const contenders = await startContenders(bench, servers);
  for (const reason of contenders.missing) console.error(`not compared: ${reason}`);
  const main = mainEntries(bench, contenders);
  await warmUp(bench, main);
  await holdContest(bench, main, bench);
  const others = await holdOthers(bench, contenders);
  await checkLogs(contenders);
  const contests = [DEFAULT, NEW_IDENTITIES].map((scenario) =>
    main.filter((entry) => entry.scenario === scenario),
  );
  return {
    rows: goalsOf(bench, main),
    comparisons: [...contests, ...others].flatMap(compare),
    notes: contenders.missing.map((reason) => `not compared: ${reason}`),
  };
}

function compare(entries: readonly Entry[]): readonly Comparison[] {
  const [first] = entries;
  if (first === undefined) return [];
  const turns = entries.map(({ contender: { name }, turns }) => ({ name, turns }));
  return [comparisonOf(first.scenario.name, turns)];
}

/** Both in the same rounds, because one goal is a ratio of the two. */
function mainEntries({ parts, isQuick }: Bench, { all, trusting }: Contenders): readonly Entry[] {
  const plain = parts.has("proxy") ? all : all.slice(0, parts.has("sessions") ? 1 : 0);
  const fresh = trusting === undefined ? [] : [trusting, ...(isQuick ? [] : all.slice(1))];
  return [...enter(DEFAULT, plain), ...enter(NEW_IDENTITIES, fresh)];
}

async function warmUp(bench: Bench, entries: readonly Entry[]): Promise<void> {
  const warm = new Set<Entry["contender"]>();
  for (const entry of entries) {
    const { contender } = entry;
    if (warm.has(contender) || contender.warmUpSeconds === 0) continue;
    warm.add(contender);
    await takeTurn(bench, entry, contender.warmUpSeconds);
  }
}

async function holdOthers(
  bench: Bench,
  { all }: Contenders,
): Promise<readonly (readonly Entry[])[]> {
  const contests: (readonly Entry[])[] = [];
  // Where figures do not count, one server is enough to see that the scenario works.
  const contenders = bench.isQuick ? all.slice(0, 1) : all;
  const rounds = Math.min(bench.rounds, OTHER_ROUNDS);
  const seconds = Math.min(bench.seconds, OTHER_SECONDS);
  for (const scenario of OTHERS) {
    if (!bench.parts.has(scenario.part)) continue;
    const entries = enter(scenario, contenders);
    if (!bench.isQuick) await holdContest(bench, entries, { rounds: 1, seconds: SETTLE_SECONDS });
    for (const { turns } of entries) turns.length = 0;
    await holdContest(bench, entries, { rounds, seconds });
    contests.push(entries);
  }
  return contests;
}

/** nginx and Caddy log addresses, or what is left of them; only logveil's log must have none at all. */
async function checkLogs({ all, trusting }: Contenders): Promise<void> {
  for (const { server, requests, unanswered } of trusting ? [...all, trusting] : all) {
    if (isLogveil(server)) await checkLog(server, requests, unanswered);
  }
}
