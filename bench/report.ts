import { writeFile } from "node:fs/promises";
import { cellsOf } from "./comparison.ts";
import type { Comparison } from "./comparison.ts";

/** One line of the table of SPEC section 9. */
export type Row = {
  readonly figure: string;
  readonly required: string;
  readonly measured: string;
  /** Undefined when it was not measured, with the reason in `measured`. */
  readonly passed: boolean | undefined;
  /** The numbers behind it, for machines. */
  readonly numbers: Readonly<Record<string, number>>;
};

/** Lines of cells, the head first. */
export type Table = readonly (readonly string[])[];

/** What a measurement has to say. */
export type Outcome = {
  readonly rows: readonly Row[];
  readonly comparisons?: readonly Comparison[];
  readonly tables?: readonly Table[];
  /** Lines for the head of the report. */
  readonly notes?: readonly string[];
};

export type Report = {
  readonly machine: string;
  readonly command: string;
  readonly conditions: readonly string[];
  readonly rows: readonly Row[];
  readonly comparisons: readonly Comparison[];
  readonly tables: readonly Table[];
};

export function skippedRow(figure: string, required: string, reason: string): Row {
  return { figure, required, measured: `skipped: ${reason}`, passed: undefined, numbers: {} };
}

export function formatReport(report: Report): string {
  const { machine, command, conditions, rows, comparisons, tables } = report;
  const cells = rows.map((row) => [row.figure, row.required, row.measured, verdictOf(row)]);
  const goals = cells.length === 0 ? [] : ["", ...align([["figure", "must reach", "measured", ""], ...cells])]; // prettier-ignore
  const others = tables.flatMap((table) => ["", ...align(table)]);
  const lines = [...goals, ...formatComparisons(comparisons), ...others];
  return [machine, command, ...conditions, ...lines, ""].join("\n");
}

function formatComparisons(comparisons: readonly Comparison[]): readonly string[] {
  if (comparisons.length === 0) return [];
  return [
    ...comparisons.flatMap((comparison) => ["", ...align(cellsOf(comparison))]),
    "",
    "CPU us: of the server, for each request. busy: share of its core that it used. *: below 90 %, so that load generator and upstream,",
    "or other work on this machine, were the limit; requests/s and latencies are then not the server's, its CPU time is.",
  ];
}

function align(table: Table): readonly string[] {
  const columns = Math.max(...table.map(({ length }) => length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...table.map((line) => line[column]?.length ?? 0)),
  );
  return table.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function verdictOf({ passed }: Row): string {
  if (passed === undefined) return "-";
  return passed ? "pass" : "FAIL";
}

export async function writeReport(file: string, report: Report): Promise<void> {
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
}
