// Medians of a contest, and logveil's against each of the others.

import type { Turn } from "./contest.ts";
import { median, medianRatio } from "./medians.ts";

export type Comparison = {
  readonly scenario: string;
  readonly servers: readonly Standing[];
};

type Figures = Pick<Turn, "perSecond" | "p50Us" | "p99Us" | "cpuUs">;

export type Standing = {
  readonly name: string;
  readonly medians: Turn;
  /** logveil's figure divided by this server's, round by round, and the median of that. */
  readonly ratios: Figures;
};

/** Below this share of its core a server was waiting for load or upstream, and its requests/s say nothing about it. */
const SATURATED = 0.9;

/** Turns of one server, in the order of the rounds. */
export type Turns = { readonly name: string; readonly turns: readonly Turn[] };

export function comparisonOf(scenario: string, entries: readonly Turns[]): Comparison {
  const logveil = entries.find(({ name }) => name === "logveil")?.turns ?? [];
  const servers = entries.map(({ name, turns }) => ({
    name,
    medians: mapTurn((figure) => median(pluck(turns, figure))),
    ratios: mapTurn((figure) => medianRatio(pluck(logveil, figure), pluck(turns, figure))),
  }));
  return { scenario, servers };
}

export function pluck(turns: readonly Turn[], figure: keyof Turn): readonly number[] {
  return turns.map((turn) => turn[figure]);
}

function mapTurn(of: (figure: keyof Turn) => number): Turn {
  return {
    perSecond: of("perSecond"),
    p50Us: of("p50Us"),
    p99Us: of("p99Us"),
    cpuUs: of("cpuUs"),
    busy: of("busy"),
    loadBusy: of("loadBusy"),
  };
}

export function isLoadTheLimit({ medians }: Standing): boolean {
  return medians.busy < SATURATED;
}

const HEAD = ["", "requests/s", "p50 ms", "p99 ms", "CPU us", "busy", "load busy", "logveil's: requests/s", "p50", "p99", "CPU"]; // prettier-ignore

/** Lines of cells, the head first. A star is for requests/s that load generator and upstream, not the server, limited. */
export function cellsOf({ scenario, servers }: Comparison): readonly (readonly string[])[] {
  const lines = servers.map((standing) => {
    const { name, medians, ratios } = standing;
    const star = isLoadTheLimit(standing) ? "*" : "";
    const figures = [
      `${Math.round(medians.perSecond).toLocaleString("en-GB")}${star}`,
      (medians.p50Us / 1000).toFixed(2),
      (medians.p99Us / 1000).toFixed(2),
      medians.cpuUs.toFixed(1),
      percent(medians.busy),
      percent(medians.loadBusy),
    ];
    if (name === "logveil") return [name, ...figures];
    const { perSecond, p50Us, p99Us, cpuUs } = ratios;
    return [name, ...figures, ...[perSecond, p50Us, p99Us, cpuUs].map((n) => `${n.toFixed(2)} x`)];
  });
  return [[scenario, ...HEAD.slice(1)], ...lines];
}

function percent(share: number): string {
  return Number.isNaN(share) ? "-" : `${(share * 100).toFixed(0)} %`;
}
