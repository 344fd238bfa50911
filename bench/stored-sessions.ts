// Rows 4 to 7: a store with a million sessions, all made by requests: memory, disk, start, and the expiry of their epoch.
//
// Nobody waits for a day here: the length of an epoch is chosen so that one begins in a few seconds and ends when the sessions are
// in and the store has been started a few times. Its key is destroyed a second later, while requests go through.

import { strict as assert } from "node:assert";
import { setTimeout as wait } from "node:timers/promises";
import type { Bench } from "./bench-options.ts";
import { NOT_FOUND, checkLog, lookUp } from "./correctness.ts";
import { PLAIN_LOAD, percentile, reserveIdentities } from "./load-generator.ts";
import type { Histogram, Load, Measured } from "./load-generator.ts";
import { findToken, occupiedBytes } from "./log-files.ts";
import { spawnLogveil, startLogveil } from "./logveil.ts";
import type { Logveil, LogveilOptions } from "./logveil.ts";
import { median } from "./medians.ts";
import type { Outcome, Row } from "./report.ts";
import { untilAnswered } from "./servers.ts";
import { visit } from "./visit.ts";

const CONNECTIONS = 64;
const STARTS = 3;
const RETENTION_SECONDS = 1;
const CALIBRATION_SECONDS = 2;
/** Three starts, the load before the expiry, and the look-ups between them. */
const AFTER_FILL_SECONDS = 40;
const QUICK_AFTER_FILL_SECONDS = 13;
const SWEEP_SECONDS = 120;
/** How long before the end of the epoch "before" is measured. */
const CALM_MS = 7000;
const QUICK_CALM_MS = 1500;
const PLANTED = "198.51.100.78";

export async function benchStoredSessions(bench: Bench): Promise<Outcome> {
  const perSecond = await calibrate(bench);
  const afterFill = bench.isQuick ? QUICK_AFTER_FILL_SECONDS : AFTER_FILL_SECONDS;
  const epoch = chooseEpoch((bench.sessions / perSecond) * 1.3 + afterFill);
  const session = { rotate: `${epoch.seconds}s`, retention: `${RETENTION_SECONDS}s` };
  const folder = await bench.folder.make("stored");
  const options = { folder, upstream: bench.upstream.url, trustsLoad: true, session };
  const filled = await fill(bench, options, epoch.startsAtMs);
  const startMs = await measureStarts(options, bench.isQuick ? 1 : STARTS);
  const rows = [memoryRow(filled), diskRow(filled), startRow(startMs, filled.sessions)];
  const isWanted = (row: Row) => bench.parts.has(PART_OF_FIGURE[row.figure] ?? "memory");
  if (!bench.parts.has("expiry")) return { rows: rows.filter(isWanted) };
  const expiry = await benchExpiry(bench, options, epoch, filled);
  return { rows: [...rows.filter(isWanted), expiry] };
}

type Epoch = { readonly seconds: number; readonly startsAtMs: number; readonly endsAtMs: number };

/** The shortest epoch of at least `needed` seconds that begins between 2 and 8 seconds from now. */
function chooseEpoch(needed: number): Epoch {
  const now = Math.ceil(Date.now() / 1000);
  for (let seconds = Math.ceil(needed); ; seconds += 1) {
    const startsAt = Math.ceil((now + 2) / seconds) * seconds;
    if (startsAt > now + 8) continue;
    return { seconds, startsAtMs: startsAt * 1000, endsAtMs: (startsAt + seconds) * 1000 };
  }
}

/** New sessions a second, to know how long a million takes. */
async function calibrate(bench: Bench): Promise<number> {
  const folder = await bench.folder.make("calibration");
  const options = { folder, upstream: bench.upstream.url, trustsLoad: true };
  await using logveil = await startLogveil(options);
  const { requests, seconds } = await send(
    bench,
    logveil,
    "new-identity",
    bench.isQuick ? 1 : CALIBRATION_SECONDS,
  );
  return requests / seconds;
}

type Filled = {
  readonly sessions: number;
  readonly residentBytes: number;
  readonly storedBytes: number;
  readonly token: string;
};

async function fill(bench: Bench, options: LogveilOptions, startsAtMs: number): Promise<Filled> {
  await using logveil = await startLogveil(options);
  await wait(Math.max(0, startsAtMs + 200 - Date.now()));
  await visit(`${logveil.url}/planted`, { "x-forwarded-for": PLANTED });
  let [requests, runs, sessions] = [1, 0, 0];
  for (let perSecond = 0; sessions < bench.sessions; runs += 1) {
    const left = perSecond === 0 ? 1 : Math.ceil((bench.sessions - sessions) / perSecond);
    const measured = await send(bench, logveil, "new-identity", Math.min(left, 10));
    requests += measured.requests;
    perSecond = measured.requests / measured.seconds;
    sessions = await countSessions(logveil);
  }
  const residentBytes = logveil.process.residentBytes();
  await checkLog(logveil, requests, runs * CONNECTIONS);
  const token = await findToken(logveil.logFolder, '"/planted"');
  assert.ok(token !== undefined, "the planted visit is not in the log");
  assert.ok((await lookUp(logveil, token)).text.includes(PLANTED));
  assert.equal(await logveil.process.stop(), 0, "did not stop cleanly");
  return { sessions, residentBytes, storedBytes: await occupiedBytes(logveil.dataFolder), token };
}

async function countSessions({ vaultUrl }: Logveil): Promise<number> {
  const text = await (await fetch(`${vaultUrl}/metrics`)).text();
  return Number(/^logveil_sessions_new_total (\S+)$/m.exec(text)?.[1] ?? 0);
}

async function send(
  { generator }: Bench,
  { url }: Logveil,
  kind: Load["kind"],
  seconds: number,
): Promise<Measured> {
  const shape = { ...PLAIN_LOAD, url, kind, seconds, connections: CONNECTIONS };
  const measured = await generator.run({ ...shape, firstIdentity: reserveIdentities() });
  assert.equal(measured.failures, 0, "requests failed under load");
  return measured;
}

async function measureStarts(options: LogveilOptions, starts: number): Promise<number> {
  const times: number[] = [];
  for (let start = 0; start < starts; start += 1) {
    const startedAt = performance.now();
    await using logveil = await spawnLogveil(options);
    await untilAnswered(logveil.url, logveil.process);
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

async function benchExpiry(
  bench: Bench,
  options: LogveilOptions,
  epoch: Epoch,
  { token, sessions }: Filled,
): Promise<Row> {
  await using logveil = await startLogveil(options);
  const calmMs = bench.isQuick ? QUICK_CALM_MS : CALM_MS;
  assert.ok(
    Date.now() < epoch.endsAtMs - 2 * calmMs,
    "the epoch ended before it could be measured",
  );
  assert.equal((await lookUp(logveil, token)).status, 200);
  const slices: Slice[] = [];
  const isSwept = () => findEvent(logveil, "epoch.swept", epoch) !== undefined;
  const watching = watchDestruction(logveil, epoch, token);
  // Load until the end comes near: what was started a moment ago is slow, and compared with that an expiry would look cheap.
  const calmAtMs = epoch.endsAtMs - calmMs;
  if (bench.isQuick) await wait(calmAtMs - Date.now());
  while (Date.now() < calmAtMs) await send(bench, logveil, "visit", 1);
  const until = epoch.endsAtMs + SWEEP_SECONDS * 1000;
  while (!isSwept() && Date.now() < until) slices.push(await slice(bench, logveil));
  assert.ok(isSwept(), "the expired epoch was not swept");
  await watching;
  return expiryRow(logveil, epoch, slices, sessions);
}

type Slice = { readonly fromMs: number; readonly toMs: number; readonly latency: Histogram };

async function slice(bench: Bench, logveil: Logveil): Promise<Slice> {
  const fromMs = Date.now();
  const { latency } = await send(bench, logveil, "visit", 1);
  return { fromMs, toMs: Date.now(), latency };
}

/** As soon as the key is gone its tokens must be unknown, swept or not. */
async function watchDestruction(logveil: Logveil, epoch: Epoch, token: string): Promise<void> {
  const until = epoch.endsAtMs + SWEEP_SECONDS * 1000;
  while (findEvent(logveil, "epoch.destroyed", epoch) === undefined && Date.now() < until) {
    await wait(10);
  }
  assert.equal((await lookUp(logveil, token)).status, NOT_FOUND, "an expired token was looked up");
}

/** When the event log said that `name` happened to the epoch, in ms since 1970. */
function findEvent({ process }: Logveil, name: string, { startsAtMs }: Epoch): number | undefined {
  const line = process
    .errorLines()
    .find((text) => text.includes(`"${name}"`) && text.includes(`"epoch":${startsAtMs / 1000}`));
  const time = /"time":"([^"]+)"/.exec(line ?? "")?.[1];
  return time === undefined ? undefined : Date.parse(time);
}

const PART_OF_FIGURE: Readonly<Record<string, "memory" | "disk" | "start">> = {
  "memory, resident": "memory",
  "disk, all indexes in": "disk",
  "start to first request served": "start",
};

function memoryRow({ sessions, residentBytes }: Filled): Row {
  const megabytes = residentBytes / 1e6;
  return {
    figure: "memory, resident",
    required: "< 200 MB",
    measured: `${megabytes.toFixed(0)} MB after ${sessions.toLocaleString("en-GB")} sessions`,
    passed: megabytes < 200,
    numbers: { megabytes, sessions },
  };
}

function diskRow({ sessions, storedBytes }: Filled): Row {
  const bytes = storedBytes / sessions;
  return {
    figure: "disk, all indexes in",
    required: "<= 450 bytes/session",
    measured: `${bytes.toFixed(0)} bytes/session (${(storedBytes / 1e6).toFixed(0)} MB)`,
    passed: bytes <= 450,
    numbers: { bytes, sessions },
  };
}

function startRow(ms: number, sessions: number): Row {
  return {
    figure: "start to first request served",
    required: "< 1 s",
    measured: `${(ms / 1000).toFixed(2)} s with ${sessions.toLocaleString("en-GB")} sessions in the store`,
    passed: ms < 1000,
    numbers: { ms, sessions },
  };
}

function expiryRow(
  logveil: Logveil,
  epoch: Epoch,
  slices: readonly Slice[],
  sessions: number,
): Row {
  const destroyedAt = findEvent(logveil, "epoch.destroyed", epoch) ?? Number.NaN;
  const sweptAt = findEvent(logveil, "epoch.swept", epoch) ?? Number.NaN;
  assert.ok(destroyedAt <= sweptAt, "the records went before the key");
  const before = slices.filter(({ toMs }) => toMs <= destroyedAt).map(({ latency }) => latency);
  const during = slices.filter(({ fromMs, toMs }) => toMs > destroyedAt && fromMs < sweptAt);
  const [calm, busy] = [percentile(before, 0.99), percentile(during.map((s) => s.latency), 0.99)]; // prettier-ignore
  const ratio = busy / calm;
  const seconds = (sweptAt - destroyedAt) / 1000;
  return {
    figure: `proxying p99 while an epoch of ${sessions.toLocaleString("en-GB")} sessions expires`,
    required: "<= 2 x before, key first",
    measured: `${ratio.toFixed(2)} x (${(busy / 1000).toFixed(1)} ms against ${(calm / 1000).toFixed(1)} ms; swept in ${seconds.toFixed(1)} s, key gone first)`,
    passed: ratio <= 2,
    numbers: { ratio, beforeUs: calm, duringUs: busy, sweepSeconds: seconds, sessions },
  };
}
