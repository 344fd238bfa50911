// What of proxying SPEC section 9 has goals for.

import type { Bench, ServerName } from "./bench-options.ts";
import { pluck } from "./comparison.ts";
import type { Entry } from "./contest.ts";
import { findProgram } from "./machine.ts";
import { median, medianRatio } from "./medians.ts";
import { skippedRow } from "./report.ts";
import type { Row } from "./report.ts";
import { DEFAULT, NEW_IDENTITIES } from "./scenarios.ts";
import type { Scenario } from "./scenarios.ts";

export function goalsOf(bench: Bench, entries: readonly Entry[]): readonly Row[] {
  const find = (name: ServerName, scenario: Scenario) =>
    entries.find((entry) => entry.contender.name === name && entry.scenario === scenario);
  const logveil = find("logveil", DEFAULT);
  if (logveil === undefined) return [];
  const rows: Row[] = [];
  if (bench.parts.has("proxy")) {
    rows.push(costRow(logveil, find("nginx", DEFAULT)));
    for (const goal of RATES) rows.push(rateRow(logveil, find(goal.name, DEFAULT), goal));
  }
  const fresh = find("logveil", NEW_IDENTITIES);
  if (fresh) rows.push(freshRow(logveil, fresh));
  return rows;
}

const COST = ["CPU time per proxied request", "<= 2.2 x nginx"] as const;

function costRow(logveil: Entry, nginx: Entry | undefined): Row {
  if (!nginx) return skippedRow(...COST, reasonFor("nginx"));
  const ratio = medianRatio(pluck(logveil.turns, "cpuUs"), pluck(nginx.turns, "cpuUs"));
  const [logveilUs, nginxUs] = [medianOf(logveil, "cpuUs"), medianOf(nginx, "cpuUs")];
  return {
    figure: COST[0],
    required: COST[1],
    measured: `${ratio.toFixed(2)} x (${logveilUs.toFixed(1)} us against ${nginxUs.toFixed(1)} us)`,
    passed: ratio <= 2.2,
    numbers: { ratio, logveilUs, nginxUs, nginxPerSecond: medianOf(nginx, "perSecond") },
  };
}

type RateGoal = { readonly name: ServerName; readonly says: string; readonly atLeast: number };

const RATES: readonly RateGoal[] = [
  { name: "bare", says: "a bare http-proxy-middleware", atLeast: 2 },
  { name: "caddy", says: "Caddy with log filters", atLeast: 1.5 },
];

function rateRow(logveil: Entry, other: Entry | undefined, goal: RateGoal): Row {
  const { name, says, atLeast } = goal;
  const [figure, required] = [`requests/s against ${says}`, `>= ${atLeast} x`];
  if (!other) return skippedRow(figure, required, reasonFor(name));
  const ratio = medianRatio(pluck(logveil.turns, "perSecond"), pluck(other.turns, "perSecond"));
  return {
    figure,
    required,
    measured: `${ratio.toFixed(2)} x (${rateOf(logveil)} against ${rateOf(other)})`,
    passed: ratio >= atLeast,
    numbers: {
      ratio,
      logveilPerSecond: medianOf(logveil, "perSecond"),
      otherPerSecond: medianOf(other, "perSecond"),
    },
  };
}

function freshRow(logveil: Entry, fresh: Entry): Row {
  const share = medianRatio(pluck(fresh.turns, "perSecond"), pluck(logveil.turns, "perSecond"));
  const us = medianOf(fresh, "cpuUs");
  return {
    figure: "requests/s with a new identity in every request",
    required: ">= 60 % of logveil's",
    measured: `${(share * 100).toFixed(0)} % (${rateOf(fresh)}; ${us.toFixed(1)} us)`,
    passed: share >= 0.6,
    numbers: { share, perSecond: medianOf(fresh, "perSecond"), us },
  };
}

function reasonFor(name: ServerName): string {
  return findProgram(name) === undefined ? `${name} is not installed` : "not among --servers";
}

function medianOf({ turns }: Entry, figure: "perSecond" | "cpuUs"): number {
  return median(pluck(turns, figure));
}

function rateOf(entry: Entry): string {
  return `${Math.round(medianOf(entry, "perSecond")).toLocaleString("en-GB")}/s`;
}
