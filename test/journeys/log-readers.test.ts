import { readFile, writeFile } from "node:fs/promises";
import { expect } from "chai";
import { eventually } from "../kit/eventually.ts";
import { isInstalled, readWithFail2ban, readWithGoAccess } from "../kit/log-readers.ts";
import { findPerson, PEOPLE } from "../kit/people.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";
import { startWebServer } from "../kit/web-server.ts";
import type { WebServer } from "../kit/web-server.ts";

// Readers of logs as people have them, on the same traffic twice: as a web server would have logged it, and as logveil did.

const AGENTS = [
  ...PEOPLE.map(({ userAgent }) => userAgent),
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.86",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 YaBrowser/24.10.0.0 Safari/537.36",
  "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Vivaldi/7.0.3495.15",
  "Mozilla/5.0 (X11; Linux x86_64; rv:91.0) Gecko/20100101 Firefox/91.0 SeaMonkey/2.53.18",
  "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-A536B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
  "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
  "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
  "curl/8.5.0",
  "python-requests/2.31.0",
  "AcmeMonitor 1.0",
] as const;

const PATHS = ["/", "/articles/2026/a-title", "/missing", "/broken", "/old?page=2", "/login"];

const STATUS: Readonly<Record<string, number>> = {
  "/missing": 404,
  "/broken": 500,
  "/old?page=2": 302,
  "/login": 401,
};

type Visit = { readonly address: string; readonly userAgent: string; readonly path: string };

/** 120 clients, each a few times: IPv4 and IPv6, two agents behind one address, one agent behind many. */
const VISITS: readonly Visit[] = Array.from({ length: 120 }, (_, client) => {
  const host = (client % 40) + 1;
  const address =
    client % 3 === 0 ? `2001:db8:${host.toString(16)}::1` : `198.51.100.${String(host)}`;
  const userAgent = AGENTS[client % AGENTS.length] ?? "";
  return Array.from({ length: (client % 4) + 1 }, (_, visit) => ({
    address,
    userAgent,
    path: PATHS[(client + visit) % PATHS.length] ?? "/",
  }));
}).flat();

const BODY = "x".repeat(100);

describe("journey: readers of logs", () => {
  let upstream: WebServer;
  let sidecar: RunningSidecar;
  let raw: string;
  let ours: string;

  before(async () => {
    upstream = await startWebServer((request, response) => {
      response.writeHead(STATUS[request.url ?? ""] ?? 200).end(BODY);
    });
    sidecar = await startRunningSidecar({
      upstream: upstream.url,
      settings: {
        proxy: { trustedProxies: ["127.0.0.1/32"] },
        accessLog: { format: "combined" },
      },
    });
    const lines: string[] = [];
    for (const { address, userAgent, path } of VISITS) {
      const response = await fetch(sidecar.proxyUrl + path, {
        redirect: "manual",
        headers: { "X-Forwarded-For": address, "User-Agent": userAgent },
      });
      await response.arrayBuffer();
      lines.push(rawLine({ address, userAgent, path }, response.status));
    }
    raw = `${sidecar.folder}/raw.log`;
    await writeFile(raw, lines.join(""));
    ours = sidecar.files.accessLog;
    await eventually("all lines are written", async () => {
      const text = await readFile(ours, "utf8").catch(() => "");
      return text.split("\n").length > VISITS.length || undefined;
    });
  });

  after(async () => {
    await sidecar[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  it("the log holds no person, as the raw one does", async () => {
    expect(findPerson(await readFile(raw))).not.to.deep.equal([]);
    expect(findPerson(await readFile(ours))).to.deep.equal([]);
  });

  it("GoAccess rejects no line and finds as many visitors, hits, codes, browsers and systems", async function () {
    if (!isInstalled("goaccess")) this.skip();
    const [before, after] = [await readWithGoAccess(raw), await readWithGoAccess(ours)];
    expect(before).to.include({ lines: VISITS.length, rejected: 0 });
    expect(before.visitors).to.be.greaterThan(60);
    expect(Object.keys(before.browsers).length).to.be.greaterThan(8);
    expect(after).to.deep.equal(before);
  });

  it("fail2ban reads the time and the address of every line", async function () {
    if (!isInstalled("fail2ban-regex")) this.skip();
    const all = readWithFail2ban(ours, String.raw`^<ADDR> \S+ \S+ \[[^\]]*\] "`);
    expect(all).to.deep.equal({ matched: VISITS.length, missed: 0 });
    const refused = String.raw`^<ADDR> \S+ \S+ \[[^\]]*\] "[^"]*" 401 `;
    const expected = VISITS.filter(({ path }) => path === "/login").length;
    expect(expected).to.be.greaterThan(10);
    expect(readWithFail2ban(raw, refused).matched).to.equal(expected);
    expect(readWithFail2ban(ours, refused).matched).to.equal(expected);
  });
});

/** As Apache's `combined`. */
function rawLine({ address, userAgent, path }: Visit, status: number): string {
  const now = new Date();
  const month = now.toLocaleString("en", { month: "short", timeZone: "UTC" });
  const iso = now.toISOString();
  const time = `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
  return `${address} - - [${time}] "GET ${path} HTTP/1.1" ${String(status)} ${String(BODY.length)} "-" "${userAgent}"\n`;
}
