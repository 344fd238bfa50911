// `npm run demo`: a small web server, the sidecar in front of it and a few visits, so that a newcomer sees a log line and the
// look-up that belongs to it. Everything lives in a temporary folder and ends with Ctrl-C.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/clock.ts";
import { loadConfiguration } from "../src/config/load.ts";
import { createEventLog } from "../src/event-log.ts";
import type { ListenAddress } from "../src/http/listener.ts";
import { startSidecar } from "../src/sidecar.ts";

type Visit = { readonly path: string; readonly headers: Readonly<Record<string, string>> };

const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

const VISITS: readonly Visit[] = [
  { path: "/", headers: { "User-Agent": CHROME, Cookie: "sid=s3cret; _ga=GA1.2.345" } },
  {
    path: "/users/ada@example.org?page=2&email=ada@example.org",
    headers: { "User-Agent": CHROME, Cookie: "sid=s3cret" },
  },
  { path: "/call/+442079460018", headers: { "User-Agent": "curl/8.5.0" } },
];

const say = (text = "") => process.stdout.write(`${text}\n`);

const folder = await mkdtemp(join(tmpdir(), "logveil-demo-"));
const seen: string[] = [];
const webServer = createServer((request, response) => {
  const { method, url, headers } = request;
  const lines = Object.entries(headers).map(([name, value]) => `    ${name}: ${String(value)}`);
  seen.push([`    ${String(method)} ${String(url)}`, ...lines].join("\n"));
  response.setHeader("Content-Type", "text/plain");
  response.end("Hello from the web server behind logveil.\n");
});
await new Promise<void>((resolve) => webServer.listen(0, "127.0.0.1", resolve));
const bound = webServer.address();
const upstreamPort = typeof bound === "object" ? bound?.port : undefined;

const accessLog = join(folder, "access.log");
const loaded = loadConfiguration({
  file: {
    name: "demo",
    text: JSON.stringify({
      proxy: { listen: "127.0.0.1:0", upstream: `http://127.0.0.1:${String(upstreamPort)}` },
      accessLog: { outputs: ["file"], file: { path: accessLog } },
      vault: { listen: "127.0.0.1:0", dataDir: join(folder, "data") },
    }),
  },
  env: {},
  overrides: {},
});
const eventLog = createEventLog({ level: "warn" });
const sidecar = await startSidecar(loaded, { clock: systemClock, eventLog });

const urlOf = (address: ListenAddress) =>
  "path" in address ? address.path : `http://127.0.0.1:${String(address.port)}`;
const proxyUrl = urlOf(sidecar.proxyAddress);
const vaultUrl = urlOf(sidecar.vaultAddress);

for (const { path, headers } of VISITS)
  await fetch(proxyUrl + path, { headers }).then((response) => response.text());
const lines = await linesOf(accessLog, VISITS.length);
const token = String((JSON.parse(lines[0] ?? "{}") as Record<string, unknown>)["session.id"]);
const rootTokenFile = join(folder, "data", "root.token");
const rootToken = (await readFile(rootTokenFile, "utf8")).trim();
const found = await fetch(`${vaultUrl}/v1/session/${token}`, {
  headers: { "X-Bunker-Token": rootToken },
});

say("A browser asked for / with this:");
say(`    GET /\n    user-agent: ${CHROME}\n    cookie: sid=s3cret; _ga=GA1.2.345`);
say("\nThe web server saw this:");
say(seen[0]);
say("\nThe access log says this, one line a request:");
for (const line of lines) say(line);
say("\nThe first token, looked up in the vault:");
say(JSON.stringify(await found.json()));
say("\nTry it:");
say(`  curl ${proxyUrl}/users/you@example.org`);
say(`  tail -f ${accessLog}`);
say(`  curl -H "X-Bunker-Token: $(cat ${rootTokenFile})" ${vaultUrl}/v1/session/${token}`);
say(`\nproxy ${proxyUrl}   vault ${vaultUrl}   Ctrl-C ends it and removes its files.`);

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    void end();
  });

async function end(): Promise<void> {
  await sidecar.close();
  webServer.closeAllConnections();
  webServer.close();
  await rm(folder, { recursive: true, force: true });
}

/** Lines are written in batches, a few milliseconds after their answers. */
async function linesOf(file: string, count: number): Promise<readonly string[]> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const text = await readFile(file, "utf8").catch(() => "");
    const whole = text.split("\n").slice(0, -1);
    if (whole.length >= count) return whole;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("the access log stayed empty");
}
