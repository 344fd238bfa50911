// Rows 1 and 2: what a proxied request costs, and what a new identity in every request adds. All servers run at the same time and
// take turns, so that a slow moment of the machine hits all of them.

import { strict as assert } from "node:assert";
import { checkAnswer, checkLog } from "./correctness.ts";
import type { Bench } from "./bench-options.ts";
import { reserveIdentities } from "./load-generator.ts";
import type { Load, Measured } from "./load-generator.ts";
import { startLogveil } from "./logveil.ts";
import type { Logveil } from "./logveil.ts";
import { findProgram } from "./machine.ts";
import { median, medianRatio, skippedRow } from "./report.ts";
import type { Row } from "./report.ts";
import { startBareProxy, startCaddy, startNginxProxy } from "./servers.ts";
import type { Server } from "./servers.ts";

const CONNECTIONS = 64;
/** Long enough for V8 to have compiled what is hot: a request costs twice as much in the first seconds. */
const WARM_UP_SECONDS = 20;

type Contender = {
  readonly name: "logveil" | "new identities" | "nginx" | "bare proxy" | "caddy";
  readonly server: Server;
  readonly kind: Load["kind"];
  readonly rates: number[];
  readonly cpuUs: number[];
  requests: number;
  runs: number;
};

export async function benchProxiedRequests(bench: Bench): Promise<readonly Row[]> {
  await using servers = new AsyncDisposableStack();
  const contenders = await startContenders(bench, servers);
  for (const contender of contenders) await checkAnswer(contender.server);
  for (const contender of contenders) contender.requests += 1;
  const warmUp = bench.isQuick ? 1 : WARM_UP_SECONDS;
  for (const contender of contenders) await runOnce(bench, contender, warmUp, false);
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const contender of contenders) await runOnce(bench, contender, bench.seconds, true);
  }
  for (const { server, requests, runs } of contenders) {
    // nginx and Caddy log addresses, that is what they are there for: only logveil's log is checked.
    if (!isLogveil(server)) continue;
    await checkLog(server, requests, runs * CONNECTIONS);
  }
  return rowsOf(contenders);
}

async function startContenders(
  { folder, upstream, parts }: Bench,
  servers: AsyncDisposableStack,
): Promise<readonly Contender[]> {
  const { url } = upstream;
  const contenders: Contender[] = [];
  const add = (name: Contender["name"], server: Server, kind: Load["kind"]) => {
    contenders.push({ name, server: servers.use(server), kind, rates: [], cpuUs: [], requests: 0, runs: 0 }); // prettier-ignore
  };
  const logveil = await startLogveil({ folder: await folder.make("logveil"), upstream: url });
  add("logveil", logveil, "visit");
  if (parts.has("sessions")) {
    const options = { folder: await folder.make("sessions"), upstream: url, trustsLoad: true };
    add("new identities", await startLogveil(options), "new-identity");
  }
  if (!parts.has("proxy")) return contenders;
  add("bare proxy", await startBareProxy(url), "visit");
  const [nginx, caddy] = [findProgram("nginx"), findProgram("caddy")];
  if (nginx) add("nginx", await startNginxProxy(nginx, await folder.make("nginx"), url), "visit");
  if (caddy) add("caddy", await startCaddy(caddy, await folder.make("caddy"), url), "visit");
  return contenders;
}

async function runOnce(
  bench: Bench,
  contender: Contender,
  seconds: number,
  counts: boolean,
): Promise<void> {
  const { server, kind } = contender;
  const cpuBefore = server.process.cpuUs();
  const measured = await bench.generator.run({
    url: server.url,
    seconds,
    connections: CONNECTIONS,
    kind,
    firstIdentity: reserveIdentities(),
    tokenFile: "-",
    accessToken: "-",
  });
  const cpuUs = server.process.cpuUs() - cpuBefore;
  assert.equal(measured.failures, 0, `${contender.name}: requests failed under load`);
  assert.ok(measured.requests > 0, `${contender.name}: no request was answered`);
  contender.requests += measured.requests;
  contender.runs += 1;
  if (counts) record(contender, measured, cpuUs);
}

function record(contender: Contender, { requests, seconds }: Measured, cpuUs: number): void {
  contender.rates.push(requests / seconds);
  contender.cpuUs.push(cpuUs / requests);
}

function rowsOf(contenders: readonly Contender[]): readonly Row[] {
  const find = (name: Contender["name"]) => contenders.find((one) => one.name === name);
  const logveil = find("logveil");
  assert.ok(logveil);
  const bare = find("bare proxy");
  const fresh = find("new identities");
  const rows: Row[] = [];
  if (bare) {
    rows.push(costRow(logveil, find("nginx")));
    rows.push(rateRow(logveil, bare, "a bare http-proxy-middleware", 2));
    const caddy = find("caddy");
    if (caddy) rows.push(rateRow(logveil, caddy, "Caddy with log filters", 1.5));
    else rows.push(skippedRow(...CADDY, "caddy is not installed (Debian package caddy)"));
  }
  if (fresh) rows.push(freshRow(logveil, fresh));
  return rows;
}

const COST = ["CPU time per proxied request", "<= 2.2 x nginx"] as const;
const CADDY = ["requests/s against Caddy with log filters", ">= 1.5 x"] as const;

function costRow(logveil: Contender, nginx: Contender | undefined): Row {
  if (!nginx) return skippedRow(...COST, "nginx is not installed (Debian package nginx-light)");
  const ratio = medianRatio(logveil.cpuUs, nginx.cpuUs);
  const [ours, theirs] = [median(logveil.cpuUs), median(nginx.cpuUs)];
  return {
    figure: COST[0],
    required: COST[1],
    measured: `${ratio.toFixed(2)} x (${ours.toFixed(1)} us against ${theirs.toFixed(1)} us; ${perSecond(logveil)} against ${perSecond(nginx)})`,
    passed: ratio <= 2.2,
    numbers: { ratio, logveilUs: ours, nginxUs: theirs, nginxPerSecond: median(nginx.rates) },
  };
}

function rateRow(logveil: Contender, other: Contender, name: string, atLeast: number): Row {
  const ratio = medianRatio(logveil.rates, other.rates);
  const [ours, theirs] = [median(logveil.rates), median(other.rates)];
  return {
    figure: `requests/s against ${name}`,
    required: `>= ${atLeast} x`,
    measured: `${ratio.toFixed(2)} x (${perSecond(logveil)} against ${perSecond(other)}; ${median(other.cpuUs).toFixed(1)} us)`,
    passed: ratio >= atLeast,
    numbers: { ratio, logveilPerSecond: ours, otherPerSecond: theirs },
  };
}

function freshRow(logveil: Contender, fresh: Contender): Row {
  const share = medianRatio(fresh.rates, logveil.rates);
  const us = median(fresh.cpuUs);
  return {
    figure: "requests/s with a new identity in every request",
    required: ">= 60 % of logveil's",
    measured: `${(share * 100).toFixed(0)} % (${perSecond(fresh)}; ${us.toFixed(1)} us)`,
    passed: share >= 0.6,
    numbers: { share, perSecond: median(fresh.rates), us },
  };
}

function perSecond({ rates }: Contender): string {
  return `${Math.round(median(rates)).toLocaleString("en-GB")}/s`;
}

function isLogveil(server: Server): server is Logveil {
  return "vaultUrl" in server;
}
