import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { HotHistogram } from "../../src/hot-metrics.ts";
import { createMetrics } from "../../src/metrics.ts";
import { METRIC_PREFIXES, documentedMetrics, exportedMetrics } from "./exported-metrics.ts";

const textOf = async (metrics = createMetrics()) => metrics.registry.metrics();
const lines = (text: string, prefix: string) =>
  text.split("\n").filter((line) => line.startsWith(prefix));

describe("metrics", () => {
  it("every metric is in docs/metrics.md with its type and labels, and every one there exists", async () => {
    const described = ({ name, type, labels }: (typeof exported)[number]) =>
      `${name} ${type} ${labels.join(",")}`;
    const exported = await exportedMetrics();
    expect(documentedMetrics().map(described).toSorted()).to.deep.equal(
      exported.map(described).toSorted(),
    );
  });

  it("carry base units, `_total` on counters and nothing but counters, and our prefix", async () => {
    const own = (await exportedMetrics()).filter(({ name }) => name.startsWith("logveil_"));
    expect(own.length).to.be.above(30);
    for (const { name, type, help } of own) {
      expect(name.endsWith("_total"), name).to.equal(type === "counter");
      expect(name, name).not.to.match(/_(?:ms|millis|milliseconds|kb|percent)(?:_|$)/);
      if (type === "histogram") expect(name).to.match(/_seconds$/);
      expect(help, name).to.match(/^.+\.$/);
    }
  });

  it("all names have a prefix that the alerts and the dashboard know", async () => {
    for (const { name } of await exportedMetrics())
      expect(
        METRIC_PREFIXES.some((prefix) => name.startsWith(prefix)),
        name,
      ).to.equal(true);
  });

  it("promtool finds nothing to complain about in our own (skipped where it is not installed)", async function () {
    const metrics = createMetrics();
    metrics.requestDuration.observe(0.2);
    const input = (await textOf(metrics))
      .split("\n")
      .filter((line) => /^(?:# (?:HELP|TYPE) )?logveil_/.test(line));
    const promtool = spawnSync("promtool", ["check", "metrics"], {
      input: `${input.join("\n")}\n`,
      encoding: "utf8",
    });
    if (promtool.error !== undefined) this.skip();
    expect(`${promtool.stdout}${promtool.stderr}`).to.equal("");
    expect(promtool.status).to.equal(0);
  });

  it("say which version runs", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(await textOf()).to.include(`\nlogveil_build_info{version="${version}"} 1\n`);
  });

  it("count requests by method and status class, with a bounded set of both", async () => {
    const metrics = createMetrics();
    const before = lines(await textOf(metrics), "logveil_http_requests_total{");
    expect(before).to.have.length(40);
    expect(before.every((line) => line.endsWith(" 0"))).to.equal(true);
    for (const [method, status] of [
      ["GET", 200],
      ["GET", 204],
      ["HEAD", 304],
      ["PROPFIND", 405],
      ["\u0000", 400],
      ["POST", 499],
      ["GET", 101],
      ["PUT", 999],
      ["PUT", 0],
    ] as const)
      metrics.requests.count(method, status);
    const after = lines(await textOf(metrics), "logveil_http_requests_total{");
    expect(after).to.have.length(40);
    expect(after.filter((line) => !line.endsWith(" 0")).toSorted()).to.deep.equal([
      'logveil_http_requests_total{method="GET",code="1xx"} 1',
      'logveil_http_requests_total{method="GET",code="2xx"} 2',
      'logveil_http_requests_total{method="HEAD",code="3xx"} 1',
      'logveil_http_requests_total{method="OTHER",code="4xx"} 2',
      'logveil_http_requests_total{method="POST",code="4xx"} 1',
      'logveil_http_requests_total{method="PUT",code="1xx"} 1',
      'logveil_http_requests_total{method="PUT",code="5xx"} 1',
    ]);
  });

  it("have histograms whose buckets add up, upper bounds included", async () => {
    const { registry } = createMetrics();
    registry.clear();
    const named = { name: "logveil_x_seconds", help: "X.", registers: [registry] };
    const histogram = new HotHistogram(named, [0.1, 0.5]);
    for (const seconds of [0.05, 0.1, 0.3, 7, -1]) histogram.observe(seconds);
    expect((await registry.metrics()).trim().split("\n")).to.deep.equal([
      "# HELP logveil_x_seconds X.",
      "# TYPE logveil_x_seconds histogram",
      'logveil_x_seconds_bucket{le="0.1"} 3',
      'logveil_x_seconds_bucket{le="0.5"} 4',
      'logveil_x_seconds_bucket{le="+Inf"} 5',
      "logveil_x_seconds_sum 7.45",
      "logveil_x_seconds_count 5",
    ]);
  });

  it("go up and down, and are counted once however often they are asked for", async () => {
    const metrics = createMetrics();
    metrics.requestsInFlight.inc();
    metrics.requestsInFlight.inc();
    metrics.requestsInFlight.dec();
    metrics.sessionsKnown.inc();
    metrics.sessionsLost.inc(4);
    await textOf(metrics);
    const text = await textOf(metrics);
    expect(text).to.include("\nlogveil_http_requests_in_flight 1\n");
    expect(text).to.include("\nlogveil_sessions_known_total 1\n");
    expect(text).to.include("\nlogveil_sessions_lost_total 4\n");
  });

  it("are apart for two sidecars in one process", async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.sessionsNew.inc();
    expect(await textOf(other)).to.include("\nlogveil_sessions_new_total 0\n");
  });
});
