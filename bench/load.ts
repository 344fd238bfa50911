// The load generator where wrk is not installed: undici, one request at a time on each connection. One argument, JSON: a Load.
// Prints what bench/wrk.lua prints.

import { readFileSync } from "node:fs";
import { Client } from "undici";
import type { Load } from "./load-generator.ts";

type Request = { readonly path: string; readonly headers: Readonly<Record<string, string>> };

const COMMON = {
  host: "bench.example",
  accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
  "accept-language": "en-GB,en;q=0.5",
};

const MAKERS: Readonly<Record<Load["kind"], (load: Load) => () => Request>> = {
  visit: (load) => () => visit(load, 131, 6778, 86, ""),
  "new-identity": (load) => {
    let n = load.firstIdentity;
    return () => visitOf(load, (n += 1));
  },
  mixed: (load) => {
    let n = 0;
    return () => {
      n += 1;
      return visitOf(load, n % NEW_EACH === 0 ? load.firstIdentity + n : n % RETURNING);
    };
  },
  "look-up": ({ tokenFile, accessToken }) => {
    const tokens = readFileSync(tokenFile, "latin1").trim().split("\n");
    const headers = { "x-bunker-token": accessToken, "x-lookup-reason": "benchmark" };
    let n = 0;
    return () => ({ path: `/v1/session/${tokens[n++ % tokens.length]}`, headers });
  },
};

/** As in bench/wrk.lua: one request in ten has a new identity, the others come from a thousand visitors. */
const NEW_EACH = 10;
const RETURNING = 1000;

function visitOf(load: Load, n: number): Request {
  const { path, headers } = visit(load, 100 + (n % 40), n % 7000, Math.floor(n / 7000) % 1000, String(n)); // prettier-ignore
  return { path, headers: { ...headers, "x-forwarded-for": addressOf(n) } };
}

function visit(
  { path }: Load,
  major: number,
  build: number,
  patch: number,
  cookie: string,
): Request {
  const agent = `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.${build}.${patch} Safari/537.36`;
  return {
    path,
    headers: { ...COMMON, "user-agent": agent, cookie: `PHPSESSID=k2m9q4x1v8c3b6n5${cookie}` },
  };
}

function addressOf(n: number): string {
  return [20 + (n >>> 24), (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join(".");
}

const load: Load = JSON.parse(process.argv[2] ?? "");
const next = MAKERS[load.kind](load);
const body = load.bodyBytes > 0 ? { method: "POST" as const, body: Buffer.alloc(load.bodyBytes, "x") } : { method: "GET" as const }; // prettier-ignore
const latencies = new Map<number, number>();
const startedAt = performance.now();
const endsAt = startedAt + load.seconds * 1000;
let requests = 0;
let failures = 0;

async function sendUntilTheEnd(client: Client): Promise<void> {
  while (performance.now() < endsAt) {
    const sentAt = performance.now();
    try {
      const { statusCode, body: answer } = await client.request({ ...body, ...next() });
      await answer.dump();
      if (statusCode >= 400) failures += 1;
    } catch {
      failures += 1;
    }
    requests += 1;
    const us = Math.round((performance.now() - sentAt) * 1000);
    latencies.set(us, (latencies.get(us) ?? 0) + 1);
  }
  await client.close();
}

const clients = Array.from({ length: load.connections }, () => new Client(load.url));
await Promise.all(clients.map(sendUntilTheEnd));
const seconds = (performance.now() - startedAt) / 1000;
process.stdout.write(
  `${JSON.stringify({ requests, seconds, failures, latency: [...latencies] })}\n`,
);
