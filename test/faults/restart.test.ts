import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import { eventually } from "../kit/eventually.ts";
import { createHandClock } from "../kit/hand-clock.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import { runLogveil, writeConfiguration } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import { expectNobody, PLANTED_HEADERS, PLANTED_PATH } from "./planted.ts";

const KILLS = 3;
const CLIENTS = 16;
const DAY = 86_400_000;

describe("fault: kill -9 under load", () => {
  it("the next start serves at once with the old tokens, and no line of the log is spoiled but one that the kill has torn", async function () {
    this.timeout(60_000);
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    const config = await writeConfiguration(folder.path, upstream.url, {
      proxy: {
        listen: "127.0.0.1:0",
        upstream: upstream.url,
        limits: { newSessionsPerAddress: "1000000/s" },
      },
    });
    const log = folder.file("access.log");
    const said: string[] = [];
    const tokens = new Set<string>();
    for (let kill = 0; kill < KILLS; kill += 1) {
      await using logveil = runLogveil(["serve", "--config", config]);
      const { proxyUrl, vaultUrl } = await logveil.ready();
      expect((await fetch(`${vaultUrl}/readyz`)).status).to.equal(200);
      tokens.add(await tokenOf(proxyUrl, PLANTED_HEADERS["User-Agent"] ?? ""));
      await visitUntil(proxyUrl, kill, 60 + kill * 45);
      logveil.signal("SIGKILL");
      expect(await logveil.ended()).to.equal(null);
      said.push(logveil.stderr());
    }
    expect(tokens.size, "one client, one token, whatever was killed").to.equal(1);
    // The next start ends a torn line.
    await using logveil = runLogveil(["serve", "--config", config]);
    await logveil.ready();
    const text = readFileSync(log, "utf8");
    expect(text.endsWith("\n")).to.equal(true);
    const torn = text
      .split("\n")
      .slice(0, -1)
      .filter((line) => !isWhole(line));
    expect(torn.length).to.be.at.most(KILLS);
    logveil.signal("SIGTERM");
    expect(await logveil.ended()).to.equal(0);
    expectNobody(folder.path, ...said, logveil.stderr());
  });
});

describe("fault: a start on an old store", () => {
  it("whose epochs have all expired: serves at once, destroys the keys first, then removes the records", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    const clock = createHandClock();
    const settings = {
      session: { rotate: "24h", retention: "30d" },
      accessLog: { file: { rotate: "3650d", keep: "3650d" } },
    };
    const options = { upstream: upstream.url, clock, settings, folder: folder.path };
    const old: string[] = [];
    for (let day = 0; day < 3; day += 1) {
      await using sidecar = await startRunningSidecar(options);
      old.push(await tokenOf(sidecar.proxyUrl, PLANTED_HEADERS["User-Agent"] ?? ""));
      await sidecar.logLines(day + 1);
      expect((await sidecar.lookUp(old.at(-1) ?? "")).status).to.equal(200);
      clock.advance(DAY);
    }
    expect(new Set(old).size).to.equal(3);
    clock.advance(60 * DAY);
    await using sidecar = await startRunningSidecar(options);
    const fresh = await tokenOf(sidecar.proxyUrl, PLANTED_HEADERS["User-Agent"] ?? "");
    expect(old).to.not.include(fresh);
    for (const token of old) expect((await sidecar.lookUp(token)).status).to.equal(405);
    await eventually("the records are removed", () => {
      const swept = readFileSync(sidecar.files.eventLog, "utf8").match(/"epoch.swept"/g);
      return swept?.length === old.length || undefined;
    });
    const keys = await readdir(join(sidecar.files.dataDir, "keyring", "epochs"));
    expect(keys).to.deep.equal([`${String(Number.parseInt(fresh.slice(0, 8), 16))}.key`]);
    expect((await sidecar.lookUp(fresh)).status).to.equal(200);
    await sidecar.close();
    expectNobody(folder.path);
  });
});

/** What the upstream was told. */
async function tokenOf(proxyUrl: string, userAgent: string): Promise<string> {
  const headers = { ...PLANTED_HEADERS, "User-Agent": userAgent };
  const response = await fetch(proxyUrl + PLANTED_PATH, { headers });
  const echo = (await response.json()) as { readonly headers: Readonly<Record<string, string>> };
  return echo.headers["x-session-token"] ?? "";
}

/** Each visit is a client never seen before, so that each one writes a record and a line. */
async function visitUntil(proxyUrl: string, round: number, answers: number): Promise<void> {
  let answered = 0;
  const client = async (name: number) => {
    for (let visit = 0; answered < answers; visit += 1) {
      await tokenOf(proxyUrl, `${PLANTED_HEADERS["User-Agent"]} ${round}/${name}/${visit}`);
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, name) => client(name)));
}

function isWhole(line: string): boolean {
  try {
    return "session.id" in (JSON.parse(line) as object);
  } catch {
    return false;
  }
}
