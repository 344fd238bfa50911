// Row 3: look-ups, each with its audit event, on one core.

import { strict as assert } from "node:assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bench } from "./bench-options.ts";
import { NOT_FOUND, lookUp } from "./correctness.ts";
import { PLAIN_LOAD, reserveIdentities } from "./load-generator.ts";
import { findToken, readTokens } from "./log-files.ts";
import { startLogveil } from "./logveil.ts";
import type { Logveil } from "./logveil.ts";
import { median } from "./medians.ts";
import type { Outcome, Row } from "./report.ts";
import { visit } from "./visit.ts";

const CONNECTIONS = 16;
const TOKENS = 1000;
const MAX_RUNS = 20;
const PLANTED = "198.51.100.77";
const REQUIRED = 3000;

export async function benchLookUps(bench: Bench): Promise<Outcome> {
  const folder = await bench.folder.make("look-ups");
  const options = { folder, upstream: bench.upstream.url, trustsLoad: true };
  await using logveil = await startLogveil(options);
  await visit(`${logveil.url}/planted`, { "x-forwarded-for": PLANTED });
  const tokens = await makeSessions(bench, logveil);
  const tokenFile = join(folder, "tokens");
  await writeFile(tokenFile, tokens.join("\n"));
  const accessToken = await logveil.rootToken();
  await checkLookUps(logveil);
  const measure = (seconds: number) =>
    send(bench, logveil.vaultUrl, "look-up", seconds, tokenFile, accessToken);
  await measure(1);
  const [rates, cpuUs]: [number[], number[]] = [[], []];
  for (let round = 0; round < bench.rounds; round += 1) {
    const before = logveil.process.cpuUs();
    const { requests, seconds, failures } = await measure(bench.seconds);
    assert.equal(failures, 0, "look-ups failed under load");
    rates.push(requests / seconds);
    cpuUs.push((logveil.process.cpuUs() - before) / requests);
  }
  return { rows: [rowOf(median(rates), median(cpuUs))] };
}

function send(
  bench: Bench,
  url: string,
  kind: "new-identity" | "look-up",
  seconds: number,
  tokenFile: string,
  accessToken: string,
) {
  const firstIdentity = reserveIdentities();
  const shape = { ...PLAIN_LOAD, url, kind, seconds, connections: CONNECTIONS };
  return bench.generator.run({ ...shape, firstIdentity, tokenFile, accessToken });
}

/** New identities until so many tokens are in the log, which may be buffered. */
async function makeSessions(bench: Bench, { url, logFolder }: Logveil): Promise<readonly string[]> {
  for (let run = 0; run < MAX_RUNS; run += 1) {
    await send(bench, url, "new-identity", 1, "-", "-");
    const tokens = await readTokens(logFolder, TOKENS);
    if (tokens.length === TOKENS) return tokens;
  }
  throw new Error("too few sessions in the log");
}

async function checkLookUps(logveil: Logveil): Promise<void> {
  const token = await findToken(logveil.logFolder, '"/planted"');
  assert.ok(token !== undefined, "the planted visit is not in the log");
  const found = await lookUp(logveil, token);
  assert.equal(found.status, 200);
  assert.ok(found.text.includes(PLANTED), "a look-up that does not give the address");
  const unknown = await lookUp(logveil, token.replace(/.{12}$/, "000000000000"));
  assert.equal(unknown.status, NOT_FOUND);
}

function rowOf(perSecond: number, us: number): Row {
  return {
    figure: "look-ups, each with its audit event, one core",
    required: `>= ${REQUIRED.toLocaleString("en-GB")}/s`,
    measured: `${Math.round(perSecond).toLocaleString("en-GB")}/s (${us.toFixed(0)} us)`,
    passed: perSecond >= REQUIRED,
    numbers: { perSecond, us },
  };
}
