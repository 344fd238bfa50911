import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { parse } from "yaml";
import { UNREADY_REASONS } from "../../src/api/operations.ts";
import { EVENT_NAMES } from "../../src/event-log.ts";
import { exportedMetrics, queryable } from "./exported-metrics.ts";
import { readQuery } from "./promql.ts";

const FILE = "deploy/prometheus/alerts.yaml";
const TESTS = "deploy/prometheus/alerts.test.yaml";

type Rule = {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};
type Rules = { readonly groups: readonly { readonly name: string; readonly rules: Rule[] }[] };

/** Labels that Prometheus adds when it scrapes, or a histogram has. */
const SCRAPED = ["job", "instance", "le"];

describe("deploy/prometheus/alerts.yaml", () => {
  const { groups } = parse(readFileSync(FILE, "utf8")) as Rules;
  const rules = groups.flatMap((group) => group.rules);

  it("has each alert once, with what Prometheus knows and nothing else", () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).to.equal(names.length);
    for (const rule of rules) {
      expect(rule.alert).to.match(/^Logveil[A-Z]\w+$/);
      const keys = Object.keys(rule).filter((key) => key !== "for");
      expect(keys, rule.alert).to.have.members(["alert", "expr", "labels", "annotations"]);
      if (rule.for !== undefined) expect(rule.for, rule.alert).to.match(/^\d+[smh]$/);
    }
  });

  it("says of each how bad it is, what it is and what to do", () => {
    for (const { alert, labels, annotations } of rules) {
      expect(labels["severity"], alert).to.be.oneOf(["critical", "warning"]);
      expect(annotations, alert).to.have.keys("summary", "description", "runbook");
      expect(annotations["runbook"]?.length, alert).to.be.above(80);
      expect(annotations["description"], alert).to.include("{{ $labels.instance }}");
    }
  });

  it("watches every promise that a metric can show broken", () => {
    expect(rules.map(({ alert }) => alert)).to.include.members([
      "LogveilAuditWriteFailures",
      "LogveilCappedSurge",
      "LogveilEpochKeyNotDestroyed",
      "LogveilErasureDelayed",
      "LogveilEventLoopLag",
      "LogveilHighLatency",
      "LogveilLogLinesDropped",
      "LogveilNotReady",
      "LogveilSessionsLost",
      "LogveilStoreUnavailable",
      "LogveilUpstreamErrors",
    ]);
  });

  it("asks in PromQL for metrics and labels that exist", async () => {
    const exported = await exportedMetrics();
    const known = queryable(exported);
    for (const { alert, expr } of rules) {
      const { errors, metrics, labels } = readQuery(expr);
      expect(errors, `${alert}: ${expr}`).to.deep.equal([]);
      expect(metrics, alert).not.to.have.length(0);
      for (const name of metrics)
        if (name !== "up") expect(known.has(name), `${alert}: ${name}`).to.equal(true);
      const base = metrics.map((name) => name.replace(/_(?:bucket|sum|count)$/, ""));
      const own = exported.filter(({ name }) => base.includes(name) || metrics.includes(name));
      const allowed = [...SCRAPED, ...own.flatMap((metric) => metric.labels)];
      for (const label of labels) expect(allowed, `${alert}: ${label}`).to.include(label);
    }
  });

  it("matches events and reasons that exist", () => {
    for (const { alert, expr } of rules)
      for (const { label, value } of readQuery(expr).matchers) {
        const words = { event: EVENT_NAMES, reason: [...UNREADY_REASONS, "erased"] }[label];
        if (words !== undefined) expect(words, `${alert}: ${value}`).to.include(value);
      }
  });

  it("names in its texts only labels that the expression leaves", () => {
    for (const { alert, expr, annotations } of rules) {
      const said = Object.values(annotations)
        .join(" ")
        .matchAll(/\$labels\.(\w+)/g);
      const kept = /^(?:\w+\()?(?:sum|max|count) by \(([^)]*)\)/.exec(expr)?.[1]?.split(", ");
      if (kept === undefined) continue;
      for (const [, label] of said) expect(kept, alert).to.include(label);
    }
  });

  it("has a test for each alert", () => {
    const tests = readFileSync(TESTS, "utf8");
    for (const { alert } of rules) expect(tests).to.include(`alertname="${alert}"`);
  });

  it("fires when it should and is quiet otherwise: promtool (skipped where it is not installed)", function () {
    const run = (...args: readonly string[]) =>
      spawnSync("promtool", args, { encoding: "utf8", cwd: "deploy/prometheus" });
    const checked = run("check", "rules", "alerts.yaml");
    if (checked.error !== undefined) this.skip();
    expect(checked.status, checked.stderr).to.equal(0);
    const tested = run("test", "rules", "alerts.test.yaml");
    expect(tested.status, `${tested.stdout}${tested.stderr}`).to.equal(0);
  });
});
