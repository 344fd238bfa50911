import { execFileSync } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { appendFile, readFile, stat, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { tokenize } from "../../src/commands/tokenize.ts";
import { createEventLog } from "../../src/event-log.ts";
import { openControlPlaneOnly } from "../../src/sidecar.ts";
import { systemClock } from "../../src/clock.ts";
import type { OpenControlPlane } from "../../src/commands/command.ts";
import { apacheTime } from "../ingest/cleaning.ts";
import { runCommand } from "../kit/command-run.ts";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import { eventually } from "../kit/eventually.ts";
import { isInstalled, readWithGoAccess } from "../kit/log-readers.ts";
import { findPerson, PEOPLE } from "../kit/people.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { LogLine, RunningSidecar } from "../kit/running-sidecar.ts";
import { runLogveil } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";

const DAY_MS = 86_400_000;
const UA = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";

type Visit = {
  readonly address: string;
  readonly userAgent?: string;
  readonly path?: string;
  readonly atMs?: number;
  readonly status?: number;
};

function line({ address, userAgent = UA, path = "/", atMs = Date.now(), status = 200 }: Visit) {
  return `${address} - - [${apacheTime(atMs)}] "GET ${path} HTTP/1.1" ${String(status)} 5 "-" "${userAgent}"\n`;
}

describe("logveil tokenize", () => {
  let folder: TemporaryFolder;
  let config: string;
  beforeEach(async () => {
    folder = await createTemporaryFolder();
    config = folder.file("config.yaml");
    await writeFile(config, JSON.stringify({ vault: { dataDir: folder.file("data") } }));
  });
  afterEach(() => folder.remove());

  const openControlPlane: OpenControlPlane = (loaded) =>
    openControlPlaneOnly(loaded, { clock: systemClock, eventLog: createEventLog({ level: "error" }) }); // prettier-ignore
  const run = (args: readonly string[], input?: string) =>
    runCommand(tokenize, [...args, "--config", config], {
      openControlPlane,
      ...(input === undefined ? {} : { input }),
    });
  const parsed = (text: string) =>
    text.split("\n").slice(0, -1).map((each) => JSON.parse(each) as LogLine); // prettier-ignore
  const file = async (name: string, content: string | Buffer) => {
    await writeFile(folder.file(name), content, "latin1");
    return folder.file(name);
  };

  describe("beside a logveil that runs", () => {
    let sidecar: RunningSidecar;
    let upstream: Awaited<ReturnType<typeof startEchoUpstream>>;
    before(async () => {
      upstream = await startEchoUpstream();
      const settings = { proxy: { trustedProxies: ["127.0.0.1"] } };
      sidecar = await startRunningSidecar({ upstream: upstream.url, settings });
    });
    after(async () => {
      await sidecar[Symbol.asyncDispose]();
      await upstream.close();
    });
    const beside = (args: readonly string[], input: string, settings = {}) => {
      const text = JSON.stringify({ vault: { dataDir: sidecar.files.dataDir }, ...settings });
      return writeFile(config, text).then(() =>
        runCommand(tokenize, [...args, "--config", config], { input }),
      );
    };

    it("gives each client the token that the proxy gives it, and it can be looked up", async () => {
      for (const { ipv4, ipv6, userAgent } of PEOPLE)
        for (const address of [ipv4, ipv6])
          await fetch(`${sidecar.proxyUrl}/visit`, { headers: { "X-Forwarded-For": address, "User-Agent": userAgent } }); // prettier-ignore
      const proxied = await sidecar.logLines(6);
      const log = PEOPLE.flatMap(({ ipv4, ipv6, userAgent }) => [
        line({ address: ipv4, userAgent, path: "/visit" }),
        line({ address: ipv6, userAgent, path: "/visit" }),
      ]);
      const { code, stdout } = await beside([], log.join(""));
      expect(code).to.equal(0);
      const tokens = (lines: readonly LogLine[]) => lines.map((each) => each["session.id"]);
      expect(tokens(parsed(stdout))).to.deep.equal(tokens(proxied.slice(-6)));
      expect(findPerson(stdout)).to.deep.equal([]);
      const { body } = await beside([], line({ address: "203.0.113.200" })).then(({ stdout: text }) => sidecar.lookUp(String(parsed(text)[0]?.["session.id"]))); // prettier-ignore
      expect(body.data).to.include({ clientip: "203.0.113.200", "user-agent": UA });
    });

    it("is on the record: one event for the keys of each epoch", async () => {
      const events = async () => {
        const response = await fetch(`${sidecar.vaultUrl}/v1/audit/admin?title=get+keys+for+log+lines`, { headers: { "X-Bunker-Token": sidecar.rootToken } }); // prettier-ignore
        return ((await response.json()) as { readonly total: number }).total;
      };
      const before = await events();
      await beside([], line({ address: "203.0.113.1" }) + line({ address: "203.0.113.2", atMs: Date.now() - DAY_MS })); // prettier-ignore
      const asked = (await events()) - before;
      // Tokens and pseudonyms ask for themselves.
      expect(asked).to.equal(4);
    });

    it("refuses to go by another session.rotate", async () => {
      const { code, stderr, stdout } = await beside([], line({ address: "203.0.113.1" }), { session: { rotate: "1h" } }); // prettier-ignore
      expect({ code, stdout }).to.deep.equal({ code: 69, stdout: "" });
      expect(stderr).to.include("rotation-differs");
    });
  });

  describe("alone", () => {
    it("makes the store that is not there, and gives the same output on a second run", async () => {
      const log = [0, 1, 2, 40, 400].map((days) => line({ address: "198.51.100.7", atMs: Date.now() - days * DAY_MS })); // prettier-ignore
      const input = await file("access.log", `${log.join("")}hello ada@example.org\n`);
      const first = await run([input]);
      const second = await run([input]);
      expect(first.code).to.equal(0);
      expect(second.stdout).to.equal(first.stdout);
      expect(new Set(parsed(first.stdout).map((each) => each["session.id"])).size).to.equal(6);
      expect(first.stderr).to.equal("logveil: 5 requests, 0 lines of error logs, 1 that could not be read\n"); // prettier-ignore
    });

    it("writes any format", async () => {
      const input = line({ address: "198.51.100.7" });
      expect((await run(["--output-format", "combined"], input)).stdout).to.match(/^fd[0-9a-f:]+ - - \[/); // prettier-ignore
      expect(parsed((await run(["--output-format", "ecs"], input)).stdout)[0]).to.include.keys("@timestamp"); // prettier-ignore
      expect(parsed((await run([], input)).stdout)[0]).to.include.keys("session.id");
    });

    it("reads gzip, of several members too, and says when it is cut off", async () => {
      const log = Array.from({ length: 3000 }, (_, at) => line({ address: `198.51.100.${String(at % 250)}`, path: `/${String(at)}` })); // prettier-ignore
      const packed = Buffer.concat([gzipSync(log.slice(0, 2000).join("")), gzipSync(log.slice(2000).join(""))]); // prettier-ignore
      const plain = await run([await file("plain.log", log.join(""))]);
      expect((await run([await file("packed.gz", packed)])).stdout).to.equal(plain.stdout);
      const cut = await run([await file("cut.gz", packed.subarray(0, packed.length - 2000))]);
      expect(cut.code).to.equal(65);
      expect(cut.stderr).to.include("input-damaged");
      expect(plain.stdout.startsWith(cut.stdout)).to.equal(true);
      expect(cut.stdout.split("\n").length).to.be.greaterThan(1500);
    });

    it("takes lines that end in CR LF, have no end, are empty, are not UTF-8, or are endless", async () => {
      const good = line({ address: "198.51.100.7" });
      const endless = `${good.trimEnd()} "${"ada@example.org ".repeat(700_000)}"\n`;
      const input = Buffer.concat([
        Buffer.from(good.replace("\n", "\r\n\r\n\n")),
        Buffer.from('\xff\xfe {"a": "ada@example.org"}\n', "latin1"),
        Buffer.from(`${"x".repeat(10_000_000)} ada@example.org\n`),
        Buffer.from(endless),
        Buffer.from(good.trimEnd()),
      ]);
      const { code, stdout, stderr } = await run([await file("odd.log", input)]);
      expect(code).to.equal(0);
      const lines = parsed(stdout);
      expect(lines).to.have.length(5);
      expect(lines[0]).to.deep.equal(lines[4]);
      expect(lines[3]?.["session.id"]).to.equal(lines[0]?.["session.id"]);
      expect(lines[1]?.["message"]).to.match(/^~opaque\.[a-z2-7]{8}$/);
      expect(String(lines[2]?.["message"]).length).to.be.lessThan(9000);
      expect(stdout).not.to.include("ada");
      expect(stderr).to.include("2 were longer than 64 KiB and cut");
    });

    it("says what is wrong with its arguments and its input, and repeats none of it", async () => {
      for (const args of [
        ["a", "b"],
        ["--format", "nginx"],
        ["--output-format", "xml"],
        ["--append"],
        ["--resume", "x"],
        ["--output", "x", "--append", "--resume", "y"],
      ])
        // prettier-ignore
        expect((await run(args)).code, args.join(" ")).to.equal(2);
      const missing = await run([folder.file("ada@example.org")]);
      expect(missing.code).to.equal(65);
      expect(missing.stderr).to.include("input-unreadable").and.not.to.include("example.org");
    });

    it("writes a file that is its owner's alone, and over nobody's", async () => {
      const output = folder.file("out.log");
      expect((await run(["--output", output], line({ address: "198.51.100.7" }))).code).to.equal(0);
      expect((await stat(output)).mode & 0o777).to.equal(0o600);
      const again = await run(["--output", output], line({ address: "198.51.100.7" }));
      expect(again.code).to.equal(69);
      expect(again.stderr).to.include("output-exists");
      await run(["--output", output, "--append"], line({ address: "198.51.100.7" }));
      expect((await readFile(output, "utf8")).split("\n")).to.have.length(3);
    });

    it("shows how far it is to somebody who watches", async () => {
      const input = await file("a.log", line({ address: "198.51.100.7" }));
      const { stderr } = await runCommand(tokenize, [input, "--config", config], {
        openControlPlane,
        isWatched: true,
      });
      expect(stderr).to.equal("logveil: 1 requests, 0 lines of error logs, 0 that could not be read\n"); // prettier-ignore
    });

    it("GoAccess finds in it what it finds in the raw log", async function () {
      if (!isInstalled("goaccess")) this.skip();
      const agents = [UA, ...PEOPLE.map(({ userAgent }) => userAgent), "curl/8.5.0"];
      const log = Array.from({ length: 500 }, (_, at) =>
        line({
          address: at % 2 === 0 ? `198.51.100.${String(at % 200)}` : `2001:db8::${(at % 40).toString(16)}`, // prettier-ignore
          userAgent: agents[at % agents.length] ?? "",
          path: `/${String(at % 9)}?page=${String(at % 3)}`,
          status: [200, 200, 404, 500, 302][at % 5] ?? 200,
        }),
      );
      const raw = await file("raw.log", log.join(""));
      await run([raw, "--output-format", "combined", "--output", folder.file("ours.log")]);
      const [before, after] = [await readWithGoAccess(raw), await readWithGoAccess(folder.file("ours.log"))]; // prettier-ignore
      expect(before).to.include({ lines: 500, rejected: 0 });
      expect(before.visitors).to.be.greaterThan(50);
      expect(after).to.deep.equal(before);
    });
  });

  describe("resumed", () => {
    const log = Array.from({ length: 150_000 }, (_, at) => line({ address: `198.51.${String((at >> 8) % 50)}.${String(at % 256)}`, path: `/articles/${String(at)}`, atMs: Date.UTC(2020, 0, 1) + at })); // prettier-ignore

    it("after kill -9 neither doubles a line nor loses one", async function () {
      const [pipe, output, state] = [folder.file("pipe"), folder.file("out.log"), folder.file("state")]; // prettier-ignore
      try {
        execFileSync("mkfifo", [pipe]);
      } catch {
        process.stderr.write("skipped: there is no mkfifo here\n");
        this.skip();
      }
      const args = ["--output", output, "--resume", state, "--config", config];
      const killed = runLogveil(["tokenize", pipe, ...args]);
      const writing = createWriteStream(pipe);
      writing.on("error", () => undefined); // the reader is killed
      for (let at = 0; at < 100_000; at += 1000) writing.write(log.slice(at, at + 1000).join(""));
      const noted = await eventually(
        "a state with something in it, and an output ahead of it",
        async () => {
          if (!existsSync(state)) return undefined;
          const { offset, outputBytes } = JSON.parse(await readFile(state, "utf8")) as Record<string, number>; // prettier-ignore
          const { size } = await stat(output);
          return Number(offset) > 0 && size > Number(outputBytes) ? Number(outputBytes) : undefined;
        },
      );
      killed.signal("SIGKILL");
      await killed.ended();
      writing.destroy();
      expect((await stat(output)).size).to.be.greaterThan(noted);
      await appendFile(output, '{"torn');
      const input = await file("whole.log", log.join(""));
      const resumed = await run([input, "--output", output, "--resume", state]);
      expect(resumed.stderr).to.equal("");
      const whole = await run([input, "--output", folder.file("whole.out")]);
      expect({ resumed: resumed.code, whole: whole.code }).to.deep.equal({ resumed: 0, whole: 0 });
      expect((await readFile(output)).equals(await readFile(folder.file("whole.out")))).to.equal(
        true,
      );
    }).timeout(60_000);

    it("goes on where a log has grown, and refuses another log, a shorter one or another format", async () => {
      const [output, state] = [folder.file("out.log"), folder.file("state")];
      const args = ["--output", output, "--resume", state];
      const input = await file("a.log", log.slice(0, 10).join(""));
      await run([input, ...args]);
      const once = await readFile(output, "utf8");
      await run([input, ...args]);
      expect(await readFile(output, "utf8"), "nothing new").to.equal(once);
      await writeFile(input, log.slice(0, 12).join(""));
      expect((await run([input, ...args])).code).to.equal(0);
      const more = await readFile(output, "utf8");
      expect(more.startsWith(once)).to.equal(true);
      expect(more.split("\n")).to.have.length(13);
      const refusals = [
        [await file("b.log", log.slice(1, 14).join("")), ...args],
        [await file("c.log", log.slice(0, 3).join("")), ...args],
        [input, ...args, "--output-format", "combined"],
      ];
      for (const refused of refusals) {
        const { stderr } = await run(refused);
        expect(stderr).to.include("resume-mismatch");
        expect(await readFile(output, "utf8")).to.equal(more);
      }
      await writeFile(state, "{}");
      expect((await run([input, ...args])).stderr).to.include("resume-mismatch");
    });
  });

  it("takes a configuration that says otherwise for what it says", async () => {
    await writeFile(config, JSON.stringify({ vault: { dataDir: folder.file("data") }, accessLog: { format: "combined", identity: "none" } })); // prettier-ignore
    const { stdout } = await run([], line({ address: "198.51.100.7" }));
    expect(stdout)
      .to.match(/^:: - - \[/)
      .and.not.to.match(/fd[0-9a-f]{2}:/);
  });
});
