import { readFileSync } from "node:fs";
import { expect } from "chai";
import { exportedMetrics, queryable } from "./exported-metrics.ts";
import { readQuery } from "./promql.ts";

type Place = {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
};
type Target = {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: unknown;
};
type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: Place;
  readonly datasource?: unknown;
  readonly targets?: readonly Target[];
};
type Dashboard = {
  readonly id: null;
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; query: unknown }[];
  };
};

const DATA_SOURCE = { type: "prometheus", uid: "${datasource}" };

/** As Grafana puts its variables in, with words that are PromQL. */
function filledIn(expression: string): string {
  return expression
    .replaceAll("$__rate_interval", "5m")
    .replaceAll("$job", ".*")
    .replaceAll("$instance", ".*");
}

describe("deploy/grafana/logveil.json", () => {
  const text = readFileSync("deploy/grafana/logveil.json", "utf8");
  const dashboard = JSON.parse(text) as Dashboard;
  const panels = dashboard.panels.filter(({ type }) => type !== "row");
  const queries = panels.flatMap(({ title, targets }) =>
    (targets ?? []).map((target) => ({ ...target, title })),
  );

  it("can be imported anywhere: no id of its own, the data source is a variable", () => {
    expect(dashboard.id).to.equal(null);
    expect(dashboard.schemaVersion).to.be.at.least(36);
    const variables = Object.fromEntries(
      dashboard.templating.list.map(({ name, type }) => [name, type]),
    );
    expect(variables).to.deep.equal({ datasource: "datasource", job: "query", instance: "query" });
    for (const panel of panels) expect(panel.datasource, panel.title).to.deep.equal(DATA_SOURCE);
    for (const { datasource, title } of queries)
      expect(datasource, title).to.deep.equal(DATA_SOURCE);
    expect(text.match(/"uid": "(?!\$\{datasource\}|logveil)[^"]*"/g)).to.equal(null);
  });

  it("draws each panel in a place of its own", () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).to.equal(dashboard.panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).to.be.at.most(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.get(`${x} ${y}`), `${title} at ${x} ${y}`).to.equal(undefined);
          taken.set(`${x} ${y}`, title);
        }
    }
  });

  it("asks in PromQL for metrics and labels that exist, of the chosen instances", async () => {
    const exported = await exportedMetrics();
    const known = queryable(exported);
    const labelled = new Set([
      "job",
      "instance",
      "le",
      ...exported.flatMap(({ labels }) => labels),
    ]);
    for (const { expr, title } of queries) {
      const { errors, metrics, labels } = readQuery(filledIn(expr));
      expect(errors, `${title}: ${expr}`).to.deep.equal([]);
      for (const name of metrics) expect(known.has(name), `${title}: ${name}`).to.equal(true);
      for (const label of labels) expect(labelled.has(label), `${title}: ${label}`).to.equal(true);
      expect(expr, title).to.include('{job=~"$job", instance=~"$instance"');
    }
  });

  it("writes legends of labels that the query leaves", () => {
    for (const { expr, legendFormat, title } of queries) {
      const kept = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list?.split(", "));
      const said = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
      const isAggregated = /\b(?:sum|max|min|count)\b\s*(?:by|\()/.test(expr);
      if (isAggregated)
        for (const label of said) expect(kept, `${title}: ${expr}`).to.include(label);
    }
  });

  it("shows every metric of logveil's own", async () => {
    const shown = new Set(queries.flatMap(({ expr }) => readQuery(filledIn(expr)).metrics));
    const missing = (await exportedMetrics())
      .filter(({ name }) => name.startsWith("logveil_"))
      .filter((metric) => ![...queryable([metric])].some((name) => shown.has(name)));
    expect(missing.map(({ name }) => name)).to.deep.equal([]);
  });
});
