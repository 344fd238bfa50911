import { writeFile } from "node:fs/promises";

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

export type Report = {
  readonly machine: string;
  readonly command: string;
  readonly conditions: readonly string[];
  readonly rows: readonly Row[];
};

export function skippedRow(figure: string, required: string, reason: string): Row {
  return { figure, required, measured: `skipped: ${reason}`, passed: undefined, numbers: {} };
}

export function formatReport({ machine, command, conditions, rows }: Report): string {
  const cells = rows.map((row) => [row.figure, row.required, row.measured, verdictOf(row)]);
  const table = [["figure", "must reach", "measured", ""], ...cells];
  const widths = [0, 1, 2].map((column) =>
    Math.max(...table.map((line) => line[column]?.length ?? 0)),
  );
  const lines = table.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [machine, command, ...conditions, "", ...lines, ""].join("\n");
}

function verdictOf({ passed }: Row): string {
  if (passed === undefined) return "-";
  return passed ? "pass" : "FAIL";
}

export async function writeReport(file: string, report: Report): Promise<void> {
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

/** The middle one, or the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return middle.reduce((total, number) => total + number, 0) / middle.length;
}

/** Median of the quotients of what was measured in the same round, so that a slow moment of the machine hits both sides. */
export function medianRatio(above: readonly number[], below: readonly number[]): number {
  return median(above.map((number, round) => number / (below[round] ?? Number.NaN)));
}
