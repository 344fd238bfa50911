import { readFileSync } from "node:fs";
import { createMetrics } from "../../src/metrics.ts";

export const METRIC_PREFIXES = ["logveil_", "nodejs_", "process_"] as const;

export type ExportedMetric = {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
};

/** Those of src/metrics.ts, asked of its registry. */
export async function exportedMetrics(): Promise<readonly ExportedMetric[]> {
  const metrics = createMetrics().registry.getMetricsAsArray();
  return Promise.all(
    metrics.map(async (metric) => {
      // prom-client's type says less than each of its metrics has.
      const { labelNames } = metric as unknown as { readonly labelNames: readonly string[] };
      const { name, help, type } = await (
        metric as unknown as { get: () => Promise<{ name: string; help: string; type: unknown }> }
      ).get();
      return { name, help, type: String(type), labels: labelNames };
    }),
  );
}

/** The rows of all tables of docs/metrics.md. */
export function documentedMetrics(): readonly ExportedMetric[] {
  const rows = readFileSync("docs/metrics.md", "utf8").matchAll(
    /^\| `([a-z_\d]+)` \| (\w+) \| (.*?) \| (.*?) \|$/gm,
  );
  return [...rows].map(([, name = "", type = "", labels = "", help = ""]) => ({
    name,
    type,
    help,
    labels: [...labels.matchAll(/`(\w+)`/g)].map((found) => found[1] ?? ""),
  }));
}

/** What a query can ask for: a histogram has three series, and not its own name. */
export function queryable(metrics: readonly ExportedMetric[]): ReadonlySet<string> {
  return new Set(
    metrics.flatMap(({ name, type }) =>
      type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
}
