import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { systemClock } from "../../src/clock.ts";
import { createEventLog } from "../../src/event-log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { openStore } from "../../src/store/store.ts";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import type { EchoUpstream } from "../kit/echo-upstream.ts";
import { eventually } from "../kit/eventually.ts";
import { readLogLines } from "../kit/running-sidecar.ts";
import { runLogveil, writeConfiguration } from "../kit/sidecar-process.ts";
import { PLANTED_HEADERS, PLANTED_PATH, expectNobody } from "../faults/planted.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";

// What users get wrong, and what breaks around them: a clear error, an exit code, and everything still there afterwards.

describe("journey: bad input", () => {
  let folder: TemporaryFolder;
  let upstream: EchoUpstream;
  let config: string;

  beforeEach(async () => {
    folder = await createTemporaryFolder();
    upstream = await startEchoUpstream();
    config = await writeConfiguration(folder.path, upstream.url);
  });

  afterEach(async () => {
    await upstream.close();
    await folder.remove();
  });

  /** Runs the sidecar for one visit and gives the visitor's token. */
  const visit = async (): Promise<string> => {
    await using logveil = runLogveil(["serve", "--config", config]);
    const { proxyUrl } = await logveil.ready();
    await fetch(proxyUrl, { headers: { "User-Agent": "planted/1" } });
    const lines = await readLogLines(folder.file("access.log"), 1);
    logveil.signal("SIGTERM");
    expect(await logveil.ended()).to.equal(0);
    return String(lines.at(-1)?.["session.id"]);
  };

  /** Starts it, expects it to give up, and gives what it said. */
  const fail = async (code: number, args: readonly string[] = ["serve", "--config", config]) => {
    await using logveil = runLogveil(args);
    expect(await logveil.ended(), logveil.stderr()).to.equal(code);
    expect(logveil.stdout()).to.equal("");
    return logveil.stderr();
  };

  const lookUp = async (token: string) => {
    await using command = runLogveil([
      "lookup",
      token,
      "--reason",
      "test",
      "--json",
      "--config",
      config,
    ]);
    const code = await command.ended();
    return { code, text: command.stdout() + command.stderr() };
  };

  it("broken YAML: exit 78, line and column, and none of the text", async () => {
    writeFileSync(config, "proxy:\n  listen: [secret-canary\nvault: }");
    const said = await fail(78);
    expect(said).to.match(/line \d+/);
    expect(said).to.not.include("secret-canary");
  });

  it("all problems of a configuration at once, each with its key and a remedy", async () => {
    writeFileSync(
      config,
      JSON.stringify({
        proxy: { listn: "x", upstream: "ftp://canary" },
        session: { rotate: "soon" },
      }),
    );
    for (const args of [
      ["serve", "--config", config],
      ["check", "--config", config],
    ]) {
      const said = await fail(78, args);
      expect(said).to.include("proxy.listn").and.to.include("listen");
      expect(said).to.include("proxy.upstream").and.to.include("session.rotate");
      expect(said).to.not.include("canary");
    }
  });

  it("a configuration that is fine: exit 0", async () => {
    await using command = runLogveil(["check", "--config", config]);
    expect(await command.ended()).to.equal(0);
  });

  it("a key file that others can read is refused", async () => {
    const token = await visit();
    const keyFile = folder.file("data", "master.key");
    chmodSync(keyFile, 0o644);
    expect(await fail(69))
      .to.include("key-file-exposed")
      .and.to.include("chmod 600");
    chmodSync(keyFile, 0o600);
    expect((await lookUp(token)).code).to.equal(0);
  });

  it("a key file that cannot be read is refused, and not replaced", async () => {
    await visit();
    const keyFile = folder.file("data", "master.key");
    writeFileSync(keyFile, "not a key\n");
    expect(await fail(69)).to.include("key-invalid");
    expect(readFileSync(keyFile, "utf8")).to.equal("not a key\n");
  });

  it("the wrong key for an existing store is refused, and the right one still opens it", async () => {
    const token = await visit();
    const keyFile = folder.file("data", "master.key");
    copyFileSync(keyFile, folder.file("kept.key"));
    writeFileSync(keyFile, `${"ab".repeat(32)}\n`);
    expect(await fail(69)).to.include("key-wrong");
    copyFileSync(folder.file("kept.key"), keyFile);
    expect((await lookUp(token)).text).to.include("planted/1");
  });

  it("a store without its keyring is refused instead of being given a new one", async () => {
    await visit();
    const { rename } = await import("node:fs/promises");
    await rename(folder.file("data", "keyring"), folder.file("keyring-elsewhere"));
    expect(await fail(69)).to.include("keyring-missing");
    expect(existsSync(folder.file("data", "keyring"))).to.equal(false);
  });

  it("a second process on the same store is refused, and the first goes on", async () => {
    await using first = runLogveil(["serve", "--config", config]);
    const { proxyUrl } = await first.ready();
    expect(await fail(69)).to.include("store-locked");
    expect((await fetch(proxyUrl)).status).to.equal(200);
  });

  it("a port that is taken is said so", async () => {
    const taken = new URL(upstream.url).host;
    const other = await startEchoUpstream();
    try {
      const said = await fail(69, [
        "serve",
        "--config",
        config,
        "--listen",
        taken,
        "--upstream",
        other.url,
      ]);
      expect(said).to.include("listen-failed");
    } finally {
      await other.close();
    }
  });

  it("a record with one flipped bit is reported as corrupt, never as not found and never as somebody else", async () => {
    const token = await visit();
    // Opening the store again moves the record from LevelDB's log, which drops what it finds damaged, into a table, which does not
    // notice (docs/design.md).
    expect((await lookUp(token)).code).to.equal(0);
    flipInTables(folder.file("data", "store"), token);
    const { code, text } = await lookUp(token);
    expect(code).to.not.equal(0).and.to.not.equal(1);
    expect(text).to.not.include("planted/1").and.to.not.include("not found");
  });

  it("an audit trail whose end was replaced closes the vault, and not the website", async () => {
    const token = await visit();
    expect((await lookUp(token)).code).to.equal(0);
    await replaceAuditHead(folder.file("data"));
    await using logveil = runLogveil(["serve", "--config", config]);
    const { proxyUrl } = await logveil.ready();
    expect((await fetch(proxyUrl)).status).to.equal(200);
    const { code, text } = await lookUp(token);
    expect(code).to.not.equal(0);
    expect(text).to.not.include("planted/1");
    await using verification = runLogveil(["audit", "verify", "--config", config]);
    expect(await verification.ended()).to.equal(1);
    expect(logveil.stderr()).to.include("audit.corrupt");
  });

  it("commands beside a running logveil go through it", async () => {
    await using logveil = runLogveil(["serve", "--config", config]);
    const { proxyUrl } = await logveil.ready();
    await fetch(proxyUrl, { headers: { "User-Agent": "planted/1" } });
    const [line] = await readLogLines(folder.file("access.log"), 1);
    expect((await lookUp(String(line?.["client.address"]))).text).to.include("planted/1");
    await using status = runLogveil(["keys", "status", "--config", config]);
    expect(await status.ended()).to.equal(0);
    expect(status.stdout()).to.include("epoch").and.to.include("master key");
  });

  it("the master key can be rotated, running or not, and tokens stay", async () => {
    const token = await visit();
    const before = readFileSync(folder.file("data", "master.key"), "utf8");
    await using rotation = runLogveil(["keys", "rotate", "--config", config]);
    expect(await rotation.ended(), rotation.stderr()).to.equal(0);
    const between = readFileSync(folder.file("data", "master.key"), "utf8");
    expect(between).to.not.equal(before);
    await using logveil = runLogveil(["serve", "--config", config]);
    await logveil.ready();
    await using again = runLogveil(["keys", "rotate", "--config", config]);
    expect(await again.ended()).to.equal(0);
    expect(readFileSync(folder.file("data", "master.key"), "utf8")).to.not.equal(between);
    expect((await lookUp(token)).text).to.include("planted/1");
  });

  it("a full disk loses records and log lines, never requests, says so, and recovers", async function () {
    this.timeout(60_000);
    if (!canMount()) {
      if (this.test) this.test.title += " (skipped: only root can mount a small disk)";
      this.skip();
    }
    const disk = folder.file("disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]);
    try {
      const path = await writeConfiguration(disk, upstream.url, {
        proxy: {
          listen: "127.0.0.1:0",
          upstream: upstream.url,
          limits: { newSessionsPerAddress: "1000000/s" },
        },
        accessLog: { outputs: ["file"], file: { path: folder.file("access.log") } },
      });
      await using logveil = runLogveil(["serve", "--config", path]);
      const { proxyUrl, vaultUrl } = await logveil.ready();
      await fetch(proxyUrl);
      fill(join(disk, "ballast"));
      let visits = 0;
      const ready = async () => (await fetch(`${vaultUrl}/readyz`)).status;
      await eventually("the store is unavailable", async () => {
        for (let index = 0; index < 50; index += 1) {
          const agent = `${"x".repeat(2000)} ${String((visits += 1))}`;
          const headers = { ...PLANTED_HEADERS, "User-Agent": agent };
          const response = await fetch(proxyUrl + PLANTED_PATH, { headers });
          expect(response.status).to.equal(200);
          await response.text();
        }
        return (await ready()) === 503 || undefined;
      });
      const metrics = await (await fetch(`${vaultUrl}/metrics`)).text();
      expect(
        Number(/^logveil_sessions_lost_total (?<n>\d+)/m.exec(metrics)?.groups?.["n"]),
      ).to.be.greaterThan(0);
      execFileSync("rm", [join(disk, "ballast")]);
      await eventually("it is ready again", async () => (await ready()) === 200 || undefined);
      expect((await fetch(proxyUrl, { headers: { "User-Agent": "after/1" } })).status).to.equal(
        200,
      );
      logveil.signal("SIGTERM");
      expect(await logveil.ended()).to.equal(0);
      expect(logveil.stderr()).to.include("store.write-failed").and.to.include("store.reopened");
      expect(logveil.stderr()).to.include("session-records.lost").and.to.not.include("xxxx");
      expect((await readLogLines(folder.file("access.log"), visits + 2)).length).to.equal(
        visits + 2,
      );
      expectNobody(folder.path, logveil.stderr());
    } finally {
      execFileSync("umount", ["-l", disk]);
    }
  });
});

/** Flips one bit in each of the places where the session's record can be: behind its key, in whichever file holds it. */
function flipInTables(store: string, token: string): void {
  const tag = Buffer.from(token.replaceAll("-", "").slice(8), "hex");
  // 88 bits of the tag: the UUID's version and variant digits are not part of it.
  const digits = tag.toString("hex");
  const key = Buffer.from(digits.slice(0, 4) + digits.slice(5, 8) + digits.slice(9), "hex");
  let flipped = 0;
  const files = readdirSync(store, { recursive: true, encoding: "utf8" });
  for (const name of files.filter((file) => file.endsWith(".ldb"))) {
    const content = readFileSync(join(store, name));
    for (let at = content.indexOf(key); at !== -1; at = content.indexOf(key, at + 1)) {
      const place = at + key.length + 60;
      if (place >= content.length) continue;
      content[place] = (content[place] ?? 0) ^ 1;
      flipped += 1;
    }
    writeFileSync(join(store, name), content);
  }
  expect(flipped, "places where the record stands").to.be.greaterThan(0);
}

async function replaceAuditHead(dir: string): Promise<void> {
  const eventLog = createEventLog({ level: "error" });
  const metrics = createMetrics();
  const store = await openStore({
    dir,
    durability: "process",
    clock: systemClock,
    eventLog,
    metrics,
  });
  await store.documents.commit([{ table: "meta", key: "audit.head", value: Buffer.alloc(64) }]);
  await store.close();
}

function fill(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(32 * 2 ** 20));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

function canMount(): boolean {
  return process.getuid?.() === 0 && existsSync("/proc/self/mountinfo");
}
