// Caddy as a reverse proxy with the log filters that it offers for logveil's purpose, and the proof that they are at work.

import { strict as assert } from "node:assert";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { findFreePort } from "./machine.ts";
import { startMeasured } from "./measured-process.ts";
import { untilServing } from "./servers.ts";
import type { Server } from "./servers.ts";
import { visit } from "./visit.ts";

/** Idle connections to the upstream are kept as the others keep them; 32 by default would make Caddy pay for new ones. */
export async function startCaddy(caddy: string, folder: string, upstream: string): Promise<Server> {
  const port = await findFreePort();
  const logFolder = join(folder, "logs");
  const file = join(folder, "Caddyfile");
  const text = `{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  reverse_proxy ${new URL(upstream).host} {
    transport http {
      keepalive_idle_conns_per_host 1024
    }
  }
  log {
    output file ${logFolder}/access.log
    format filter {
      wrap json
      fields {
        request>remote_ip ip_mask {
          ipv4 24
          ipv6 48
        }
        request>headers>X-Forwarded-For ip_mask {
          ipv4 24
          ipv6 48
        }
        request>headers>User-Agent hash
        request>headers>Cookie delete
      }
    }
  }
}
`;
  await writeFile(file, text);
  // Caddy keeps its state in the home folder unless it is given another.
  const state = [`XDG_CONFIG_HOME=${folder}`, `XDG_DATA_HOME=${folder}`];
  const args = [...state, caddy, "run", "--config", file, "--adapter", "caddyfile"];
  return { ...(await untilServing(port, startMeasured("env", args, "server"))), logFolder };
}

const PLANTED = {
  "x-forwarded-for": "198.51.100.77",
  "user-agent": "Planted/1.0 (bench)",
  cookie: "PHPSESSID=planted0session",
};
const SETTLE_MS = 10_000;

/** Throws when the log of one request is not masked, hashed and deleted as told: then Caddy would be spared the work that it is compared for. */
export async function checkCaddyLog(caddy: Server): Promise<void> {
  assert.equal((await visit(`${caddy.url}/planted`, PLANTED)).status, 200);
  const line = await findLine(join(caddy.logFolder ?? "", "access.log"), '"/planted"');
  const { request } = parseLine(line);
  assert.equal(request.remote_ip, "127.0.0.0", "Caddy's ip_mask did not mask the address");
  assert.deepEqual(request.headers["X-Forwarded-For"], ["198.51.100.0"], "nor the forwarded one");
  assert.match(String(request.headers["User-Agent"]), /^[0-9a-f]{8}$/, "Caddy's hash did not hash");
  for (const value of Object.values(PLANTED)) {
    assert.ok(!line.includes(value), "Caddy's filters left something planted in the log");
  }
}

type Line = {
  readonly request: {
    readonly remote_ip: string;
    readonly headers: Readonly<Record<string, readonly string[]>>;
  };
};

function parseLine(text: string): Line {
  const line: Line = JSON.parse(text);
  return line;
}

async function findLine(file: string, text: string): Promise<string> {
  const until = performance.now() + SETTLE_MS;
  while (performance.now() < until) {
    const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
    const found = lines.find((line) => line.includes(text));
    if (found !== undefined) return found;
    await wait(20);
  }
  throw new Error("Caddy did not log a request");
}
