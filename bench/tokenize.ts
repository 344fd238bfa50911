// How fast `logveil tokenize` goes over a log of another server, on one core, and in how much memory.

import { strict as assert } from "node:assert";
import { createReadStream, createWriteStream } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Bench } from "./bench-options.ts";
import { startMeasured } from "./measured-process.ts";
import { median } from "./medians.ts";
import type { Outcome } from "./report.ts";

const COMMAND = fileURLToPath(new URL("../bin/logveil.js", import.meta.url));
const REQUIRED = 100_000;
const CLIENTS = 20_000;
/** What is subtracted to have the warm rate: a run over so many lines, with the start and all the sessions in it. */
const WARM_UP_SHARE = 0.25;

const AGENTS = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
  "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
];
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export async function benchTokenize(bench: Bench): Promise<Outcome> {
  const folder = await bench.folder.make("tokenize");
  const config = join(folder, "config.yaml");
  await writeFile(config, JSON.stringify({ vault: { dataDir: join(folder, "data") } }));
  const lines = bench.isQuick ? 20_000 : 1_000_000;
  const [small, large] = [join(folder, "small.log"), join(folder, "large.log")];
  await writeLog(small, lines * WARM_UP_SHARE);
  await writeLog(large, lines);
  await run(config, small, join(folder, "check"));
  await check(join(folder, "check"), lines * WARM_UP_SHARE);
  const [rates, wholes, resident]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < bench.rounds; round += 1) {
    const less = await run(config, small, join(folder, `small-${String(round)}`));
    const more = await run(config, large, join(folder, `large-${String(round)}`));
    rates.push((lines * (1 - WARM_UP_SHARE)) / ((more.cpuUs - less.cpuUs) / 1e6));
    wholes.push(lines / (more.cpuUs / 1e6));
    resident.push(more.residentBytes / 1024 / 1024);
  }
  const [perSecond, whole, mebibytes] = [median(rates), median(wholes), median(resident)];
  return {
    rows: [
      {
        figure: "logveil tokenize, combined to json, one core, warm",
        required: `>= ${REQUIRED.toLocaleString("en-GB")} lines/s`,
        measured: `${Math.round(perSecond).toLocaleString("en-GB")}/s (${Math.round(whole).toLocaleString("en-GB")}/s with start and ${CLIENTS.toLocaleString("en-GB")} sessions; ${mebibytes.toFixed(0)} MiB)`,
        passed: perSecond >= REQUIRED,
        numbers: { perSecond, whole, mebibytes },
      },
    ],
  };
}

/** To a file, so that nobody who reads is waited for. CPU time is read while the process lives. */
async function run(config: string, input: string, output: string) {
  const args = ["tokenize", input, "--output", output, "--config", config];
  await using tokenizing = startMeasured(process.execPath, [COMMAND, ...args], "server");
  const last = { cpuUs: 0, residentBytes: 0 };
  while (!tokenizing.hasExited()) {
    last.cpuUs = Math.max(last.cpuUs, tokenizing.cpuUs());
    last.residentBytes = Math.max(last.residentBytes, tokenizing.residentBytes());
    await wait(5);
  }
  assert.ok((await stat(output)).size > 0, tokenizing.errorLines().join("\n"));
  return last;
}

/** As many lines as went in, a token in each, and as many tokens as there were clients. */
async function check(output: string, lines: number): Promise<void> {
  const tokens = new Set<string>();
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(output) })) {
    const token = /"session.id":"([0-9a-f-]{36})"/.exec(line)?.[1];
    assert.ok(token !== undefined && !line.includes(" AppleWebKit/"), "a line that is not clean");
    tokens.add(token);
    count += 1;
  }
  assert.equal(count, lines, "lines were lost or doubled");
  // Clients of the log are drawn at random: of the short one for quick runs some never come.
  assert.ok(tokens.size > Math.min(CLIENTS, lines) / 2 && tokens.size <= CLIENTS);
}

/** Within one epoch, the present one. */
async function writeLog(path: string, lines: number): Promise<void> {
  const file = createWriteStream(path);
  const startMs = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  let seed = 7;
  for (let at = 0; at < lines; at += 1000) {
    let text = "";
    for (let line = at; line < Math.min(lines, at + 1000); line += 1) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      const client = Math.floor((seed / 0x80000000) * CLIENTS);
      text += lineOf(client, line, startMs + Math.floor((line / lines) * 80_000) * 1000);
    }
    if (!file.write(text)) await once(file, "drain");
  }
  file.end();
  await once(file, "finish");
}

function lineOf(client: number, line: number, atMs: number): string {
  const iso = new Date(atMs).toISOString();
  const time = `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1] ?? ""}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
  const query = line % 5 === 0 ? `?page=${String(line % 9)}` : "";
  const referer = line % 3 === 0 ? "https://www.example.com/from/here" : "-";
  return (
    `10.${String(client >> 8)}.${String(client & 255)}.7 - - [${time}] "GET /articles/2026/title-${String(line % 997)}${query} HTTP/1.1" ` +
    `${String(line % 20 === 0 ? 404 : 200)} ${String(1000 + (line % 5000))} "${referer}" "${AGENTS[client % AGENTS.length] ?? ""}"\n`
  );
}
