// What an audit says at its end, as text.

import type { LogTotals } from "./log-audit.ts";
import type { RankedKey, RankedShape } from "./log-ranking.ts";
import { type CurrentRules, formatProposal, proposeRules } from "./rule-proposal.ts";

const SHOWN = 20;

export type AuditSummary = {
  readonly totals: LogTotals;
  readonly keys: readonly RankedKey[];
  readonly shapes: readonly RankedShape[];
  /** A piece of config.yaml; undefined when nothing is proposed. */
  readonly proposal: string | undefined;
};

type Ranked = { readonly keys: readonly RankedKey[]; readonly shapes: readonly RankedShape[] };

/** `ranked`: all that were counted; the summary has the first twenty of each, those that deserve a rule most before others. */
export function summarise(totals: LogTotals, ranked: Ranked, current: CurrentRules): AuditSummary {
  const kept = new Set(current.keep);
  const keys = ranked.keys
    .filter(({ key, withFindings }) => withFindings > 0 || !kept.has(key))
    .toSorted((a, b) => weightOf(b) - weightOf(a));
  const shapes = ranked.shapes.toSorted((a, b) => Number(b.isPersonal) - Number(a.isPersonal));
  return {
    totals,
    keys: keys.slice(0, SHOWN),
    shapes: shapes.slice(0, SHOWN),
    proposal: formatProposal(proposeRules(ranked.keys, ranked.shapes, current), current),
  };
}

/** Sorting is stable: what weighs the same stays by its number of lines. */
function weightOf({ withFindings, meaning }: RankedKey): number {
  return withFindings > 0 ? 2 : Number(meaning !== "none");
}

export function formatSummary({ totals, keys, shapes, proposal }: AuditSummary): string {
  const { lines, findings, linesWithFindings, kinds } = totals;
  const sections = [
    `lines: ${String(lines)}, with findings: ${String(linesWithFindings)}, findings: ${String(findings)}\n`,
    table(
      ["kind", "findings"],
      kinds.map(([kind, count]) => [kind, count]),
    ),
    table(
      ["query key", "lines", "values", "found in", "name means"],
      keys.map((one) => [
        one.key,
        one.lines,
        one.values,
        one.withFindings,
        one.meaning === "none" ? "" : one.meaning,
      ]),
    ),
    table(
      ["path", "lines", "values", "of a person"],
      shapes.map((one) => [one.shape, one.lines, one.values, one.isPersonal ? "likely" : ""]),
    ),
    proposal === undefined ? "" : `proposed for config.yaml:\n\n${proposal}`,
  ];
  return sections.filter((section) => section !== "").join("\n");
}

/** Numbers to the right. Empty without rows. */
function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  if (rows.length === 0) return "";
  const cells = [heads, ...rows].map((row) => row.map(String));
  const widths = heads.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? "").length)),
  );
  const isNumeric = heads.map((_, column) => typeof rows[0]?.[column] === "number");
  return cells
    .map((row) =>
      row
        .map((cell, at) =>
          isNumeric[at] === true ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}
