// One scenario, several servers, in turns: each answers rightly first, then takes its turn in every round, so that a slow moment of
// the machine hits all of them.

import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { ANSWER, contentOf } from "./answer.ts";
import type { Bench } from "./bench-options.ts";
import type { Contender } from "./contenders.ts";
import { PLAIN_LOAD, percentile, reserveIdentities } from "./load-generator.ts";
import type { Measured } from "./load-generator.ts";
import { ticksOfLoad } from "./machine.ts";
import type { Scenario } from "./scenarios.ts";
import { visit } from "./visit.ts";

/** What a server did in one round. */
export type Turn = {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of the server's own CPU time, for each answered request. */
  readonly cpuUs: number;
  /** Share of the turn (0 to 1) that the server was running: below about 0.9 somebody else was the limit. */
  readonly busy: number;
  /** The same of the core that load generator and upstream share. */
  readonly loadBusy: number;
};

const PATIENCE_SECONDS = 15;

/** A place in a contest. */
export type Entry = {
  readonly contender: Contender;
  readonly scenario: Scenario;
  readonly turns: Turn[];
};

export function enter(scenario: Scenario, contenders: readonly Contender[]): readonly Entry[] {
  return contenders.map((contender) => ({ contender, scenario, turns: [] }));
}

/** Fills in the turns. Throws when an answer is wrong or a request fails, before or under load. */
export async function holdContest(
  bench: Bench,
  entries: readonly Entry[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<void> {
  for (const { contender, scenario } of entries) await checkScenario(contender, scenario);
  for (let round = 0; round < rounds; round += 1) {
    for (const entry of entries) entry.turns.push(await takeTurn(bench, entry, seconds));
  }
}

export async function takeTurn(
  bench: Bench,
  { contender, scenario }: Pick<Entry, "contender" | "scenario">,
  seconds: number,
): Promise<Turn> {
  const { process, url } = contender.server;
  const { kind, path, bodyBytes, connections } = scenario;
  const shape = { ...PLAIN_LOAD, url, seconds, connections, kind, path, bodyBytes };
  const [cpuBefore, ticksBefore] = [process.cpuUs(), ticksOfLoad()];
  const measured = await bench.generator.run({ ...shape, firstIdentity: reserveIdentities() });
  const [cpuUs, ticks] = [process.cpuUs() - cpuBefore, ticksOfLoad()];
  const what = `${contender.name}, ${scenario.name}`;
  assert.equal(measured.failures, 0, `${what}: requests failed under load`);
  contender.requests += measured.requests;
  contender.unanswered += connections;
  // A busy machine may need longer than a quick turn for the first of the large ones.
  if (measured.requests === 0 && seconds < PATIENCE_SECONDS) {
    return takeTurn(bench, { contender, scenario }, PATIENCE_SECONDS);
  }
  assert.ok(measured.requests > 0, `${what}: no request was answered`);
  const loadBusy = (ticks.busy - ticksBefore.busy) / (ticks.all - ticksBefore.all);
  return turnOf(measured, cpuUs, loadBusy);
}

function turnOf({ requests, seconds, latency }: Measured, cpuUs: number, loadBusy: number): Turn {
  return {
    perSecond: requests / seconds,
    p50Us: percentile([latency], 0.5),
    p99Us: percentile([latency], 0.99),
    cpuUs: cpuUs / requests,
    busy: cpuUs / (seconds * 1e6),
    loadBusy,
  };
}

/** One request, and what must come back; an upload must arrive whole. */
async function checkScenario(contender: Contender, scenario: Scenario): Promise<void> {
  const { url } = contender.server;
  const what = `${contender.name}, ${scenario.name}`;
  if (scenario.bodyBytes > 0) await checkArrival(contender, scenario.bodyBytes, what);
  const { status, text } = await visit(url + scenario.path, {}, bodyOf(scenario.bodyBytes));
  contender.requests += 1;
  assert.equal(status, 200, what);
  const { answerBytes } = scenario;
  if (answerBytes === undefined) return;
  const expected = scenario.path === "/" ? ANSWER : contentOf(answerBytes).toString();
  assert.equal(text.length, answerBytes, `${what}: an answer of another length`);
  assert.ok(text === expected, `${what}: another answer`);
}

/** Length and digest as the upstream saw them. */
async function checkArrival(contender: Contender, bytes: number, what: string): Promise<void> {
  const body = contentOf(bytes);
  const { status, text } = await visit(`${contender.server.url}/digest`, {}, body);
  contender.requests += 1;
  assert.equal(status, 200, what);
  const digest = createHash("sha256").update(body).digest("hex");
  assert.equal(text, `${bytes} ${digest}\n`, `${what}: the upstream received another body`);
}

function bodyOf(bytes: number): Buffer | undefined {
  return bytes === 0 ? undefined : contentOf(bytes);
}
