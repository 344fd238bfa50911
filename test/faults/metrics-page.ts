/** The numbers of /metrics by their name with labels as Prometheus prints them: `logveil_requests_total{code="2xx"}`. */
export type MetricsPage = (series: string) => number;

/** A series that does not stand on the page yet counts 0. */
export async function readMetrics(vaultUrl: string): Promise<MetricsPage> {
  const text = await (await fetch(`${vaultUrl}/metrics`)).text();
  const values = new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line): [string, number] => {
        const space = line.lastIndexOf(" ");
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
  );
  return (series) => values.get(series) ?? 0;
}

/** Every access-log line that was accepted is written or dropped, or waits for the moment. */
export function logLinesOf(metrics: MetricsPage) {
  const of = (name: string, labels = "") =>
    metrics(`logveil_log_lines_${name}{output="file"${labels}}`);
  const dropped = ["buffer-full", "unwritable", "stalled", "closed"];
  return {
    accepted: of("accepted_total"),
    written: of("written_total"),
    dropped: dropped.reduce((sum, reason) => sum + of("dropped_total", `,reason="${reason}"`), 0),
  };
}
