import { mkdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { expect } from "chai";
import { auditLogs } from "../../src/commands/audit-logs.ts";
import { loadConfiguration } from "../../src/config/load.ts";
import { runCommand } from "../kit/command-run.ts";
import { cookieHeaderOf, findPerson, PEOPLE } from "../kit/people.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";

const TOKEN = "fd67:8a1b:2c00:1234:5678:9abc:def0:1";
const UUID = "678a1b2c-0012-8345-8678-9abcdef00001";

function combined(fields: {
  readonly host?: string;
  readonly user?: string;
  readonly target?: string;
  readonly rest?: string;
}): string {
  const {
    host = TOKEN,
    user = "-",
    target = "/",
    rest = `"-" "Chrome/131 (Windows)" "${UUID}"`,
  } = fields;
  return `${host} - ${user} [20/Nov/2026:13:55:36 +0000] "GET ${target} HTTP/1.1" 200 2326 ${rest}`;
}

describe("logveil audit-logs", () => {
  let folder: TemporaryFolder;
  let file: string;
  let config: string;
  beforeEach(async () => {
    folder = await createTemporaryFolder();
    file = folder.file("access.log");
    config = folder.file("config.yaml");
    await writeFile(config, "");
  });
  afterEach(() => folder.remove());

  const run = (...args: readonly string[]) => runCommand(auditLogs, ["--config", config, ...args]);

  async function auditText(text: string | Buffer, ...args: readonly string[]) {
    await writeFile(file, text);
    return run(...args, file);
  }

  /** `line:from-to kind` of each finding. */
  async function findingsIn(text: string | Buffer, ...args: readonly string[]) {
    const { stdout } = await auditText(text, "--json", ...args);
    return stdout
      .trimEnd()
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, string | number>)
      .map(({ line, column, endColumn, kind }) => `${line}:${column}-${endColumn} ${kind}`);
  }

  it("names file, line, columns and kind of each finding, and exits 1", async () => {
    const lines = [
      combined({}),
      combined({ host: "203.0.113.7", user: "ada" }),
      combined({ target: "/a?page=ada%40example.org" }),
    ];
    const { code, stdout, stderr } = await auditText(`${lines.join("\n")}\n`);
    expect({ code, stderr }).to.deep.equal({ code: 1, stderr: "" });
    const mail = (lines[2] ?? "").indexOf("ada%40");
    expect(stdout.split("\n").slice(0, 3)).to.deep.equal([
      `${file}:2:1-11 ip 999.9.999.9`,
      `${file}:2:15-17 user 3 characters`,
      `${file}:3:${mail + 1}-${mail + 17} email xxx%99xxxxxxx.xxx`,
    ]);
    expect(stdout).to.include("lines: 3, with findings: 2, findings: 3");
  });

  it("exits 0 and shows no finding when nothing is left", async () => {
    const { code, stdout } = await auditText(`${combined({ target: "/articles/2026/a-title" })}\n`);
    expect(code).to.equal(0);
    expect(stdout).to.equal("lines: 1, with findings: 0, findings: 0\n");
    expect((await auditText("")).code).to.equal(0);
  });

  it("takes nothing that logveil writes for a finding", async () => {
    const own = [
      combined({ target: "/u/~email.k3f9a2xq?q=~value.abcdefgh&session=~order.abcdefgh" }),
      combined({ target: `/a?session=${UUID}` }),
      combined({
        rest: `"-" "Chrome/131 (Windows)" "${UUID}" "sealed:v1:${"Ab3d-_9Z".repeat(30)}"`,
      }),
      `{"client.address":"${TOKEN}","session.id":"${UUID.toUpperCase()}","trace_id":"0af7651916cd43dd8448eb211c80319c"}`,
      `{"user":{"hash":"~user.abcdefgh"},"user_agent":{"name":"Chrome","os":{"name":"Windows"}},"message":"GET /a/1234567 200"}`,
      `127.0.0.1 - - [20/Nov/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 2 "-" "logveil-session/${UUID}"`,
      `Cookie: logveil_session=${UUID}`,
      `{"http.request.id":"09543733103a07fc-000003","span_id":"321e7569327576fb"}`,
      `GET /a 24a8ea7921833929-000012`,
    ];
    expect(await findingsIn(own.join("\n"))).to.deep.equal([]);
  });

  it("takes unique local addresses that are no tokens for addresses", async () => {
    const chosen = [
      "fd00::1",
      "fd12:3456:789a::1",
      "fd67:8a1b:2c00:1::5",
      "fc67:8a1b:2c00:1234:5678:9abc:def0:1",
    ];
    const found = await findingsIn(chosen.map((host) => combined({ host })).join("\n"));
    expect(found.map((one) => one.replace(/.* /, ""))).to.deep.equal(["ip", "ip", "ip", "ip"]);
  });

  it("reads error logs and JSON too, with their fields' names", async () => {
    const error = `2026/11/20 13:55:36 [error] 29#29: *1 open() "/srv/x" failed (2: No such file), client: 198.51.100.7, server: _, request: "GET /x?token=abc123 HTTP/1.1", host: "localhost"`;
    const json = `{"ts":1763647200.123,"request":{"remote_ip":"198.51.100.9","uri":"/a","headers":{"Cookie":["id=zoe"]}},"user_id":"zoe","size":447700900123}`;
    const found = await findingsIn(`${error}\n${json}\n`);
    const at = (line: string, text: string, kind: string, number: number) =>
      `${number}:${line.indexOf(text) + 1}-${line.indexOf(text) + text.length} ${kind}`;
    expect(found).to.deep.equal([
      at(error, "198.51.100.7", "ip", 1),
      at(error, "abc123", "value", 1),
      at(json, "198.51.100.9", "ip", 2),
      at(json, "id=zoe", "value", 2),
      `2:${json.indexOf('"user_id":"') + 12}-${json.indexOf('"user_id":"') + 14} value`,
    ]);
  });

  it("overlooks no member of a JSON object, also of those that have the same name", async () => {
    const lines = [
      `{"a":"ada@example.org","a":"x"}`,
      `{"a":"x","b":1,"a":"ada@example.org","2":"y","1":"bob@example.org"}`,
      `{"a":{"b":[["ada@example.org"]]},"a":{}}`,
      `{"ada@example.org":true}`,
      `{"a":"ada\\u0040example.org"}`,
      `${'{"a":'.repeat(40)}"ada@example.org"${"}".repeat(40)}`,
    ];
    const found = await findingsIn(lines.join("\n"));
    for (const number of [1, 2, 3, 4, 5, 6])
      expect(
        found.some((one) => one.startsWith(`${number}:`) && one.endsWith("email")),
        found.join(),
      ).to.equal(true);
  });

  it("reads the lines that containers' logs have in JSON", async () => {
    const line = combined({ host: "203.0.113.7", target: "/a/1234567" });
    const text = JSON.stringify({
      log: `${line}\n`,
      stream: "stdout",
      time: "2026-11-20T13:55:36.1Z",
    });
    expect((await findingsIn(text)).map((one) => one.replace(/.* /, ""))).to.deep.equal(["ip"]);
  });

  it("prints no value, whatever it finds", async () => {
    const lines = PEOPLE.flatMap((person) => [
      combined({
        host: person.ipv4,
        user: person.login,
        target: `/u/${encodeURIComponent(person.email)}?jwt=${person.jwt}&${encodeURIComponent(person.email)}=1`,
        rest: `"https://x.example/?p=${person.phone}" "${person.userAgent}" "${cookieHeaderOf(person)}"`,
      }),
      JSON.stringify({ [person.email]: person.phone, password: person.password, ip: person.ipv6 }),
      `Cookie: ${cookieHeaderOf(person)} from ${person.ipv6}`,
    ]);
    for (const args of [[], ["--json"], ["--summary"], ["--strict"]]) {
      const { code, stdout, stderr } = await auditText(lines.join("\n"), ...args);
      expect(code).to.equal(1);
      expect(findPerson(stdout + stderr), args.join(" ")).to.deep.equal([]);
    }
  });

  it("lets nothing of a log or a name reach the terminal as a command", async () => {
    const hostile = "\u001b]0;owned\u0007\u202e\u009b2J";
    const text = combined({
      target: `/u/${hostile}@example.org/1234?${hostile}=a@example.org`,
      rest: `"${hostile}"`,
    });
    await mkdir(folder.file("odd"));
    const odd = folder.file("odd", `a\u001b[2Jb\n`);
    await writeFile(odd, text);
    const { stdout, stderr } = await run(odd, folder.file(`gone${hostile}`));
    expect(stdout + stderr).to.match(/^[\x20-\x7e\n]*$/);
    expect(stdout.split("\n")[0]).to.include("a\\u001b[2Jb\\u000a:1:");
  });

  it("reads gzip, several members of it, and zstd by their first bytes", async () => {
    const line = `${combined({ host: "203.0.113.7" })}\n`;
    const members = Buffer.concat([gzipSync(line), gzipSync(line)]);
    expect(await findingsIn(members)).to.deep.equal(["1:1-11 ip", "2:1-11 ip"]);
    expect(await findingsIn(zstdCompressSync(line))).to.deep.equal(["1:1-11 ip"]);
  });

  it("exits 2 when a log cannot be read to its end, after the others were read", async () => {
    const line = `${combined({ host: "203.0.113.7" })}\n`;
    const broken = folder.file("broken.gz");
    await writeFile(broken, gzipSync(line.repeat(5000)).subarray(0, -40));
    await writeFile(file, line);
    for (const bad of [broken, folder.file("gone.log"), folder.path]) {
      const { code, stdout, stderr } = await run(bad, file);
      expect(code, bad).to.equal(2);
      expect(stdout).to.include(`${file}:1:1-11 ip`);
      expect(stderr).to.equal(`logveil: ${bad} cannot be read to its end\n`);
    }
  });

  it("reads standard input without a file, and for -", async () => {
    for (const args of [[], ["-"]]) {
      const input = `${combined({ host: "203.0.113.7" })}\n`;
      const { code, stdout } = await runCommand(auditLogs, ["--config", config, ...args], {
        input,
      });
      expect(code).to.equal(1);
      expect(stdout).to.match(/^-:1:1-11 ip /);
    }
  });

  it("leaves out addresses that are said to be nobody's", async () => {
    const text = [combined({ host: "10.1.2.3" }), combined({ host: "2001:db8::1" })].join("\n");
    expect(await findingsIn(text, "--ignore", "10.0.0.0/8")).to.deep.equal(["2:1-11 ip"]);
    expect(
      await findingsIn(text, "--ignore", "10.0.0.0/8", "--ignore", "2001:db8::/32"),
    ).to.deep.equal([]);
    expect((await auditText(text, "--ignore", "ten")).code).to.equal(2);
  });

  it("with --strict, takes query values off the keep list for findings", async () => {
    const text = combined({ target: "/a?page=2&q=hello" });
    expect(await findingsIn(text)).to.deep.equal([]);
    expect(await findingsIn(text, "--strict")).to.have.length(1);
  });

  it("ranks keys and paths, and proposes a configuration that logveil takes", async () => {
    await writeFile(
      config,
      "accessLog: { query: { keep: [page, ref] }, paths: [/orders/:number] }\n",
    );
    const lines = Array.from({ length: 60 }, (_, index) =>
      combined({
        target: `/users/person-${index}/x?tab=t${index % 3 === 0 ? "a" : "b"}&page=${index}&q=text${index}%20of&on=yes&ref=${index === 7 ? "ada@example.org" : "x"}`,
      }),
    );
    lines.push(...lines.map((_, index) => combined({ target: `/orders/10${index}` })));
    lines.push(...lines.map((_, index) => combined({ target: `/articles/9876${index}` })));
    const { code, stdout } = await auditText(lines.join("\n"), "--summary");
    expect(code).to.equal(1);
    expect(stdout)
      .to.match(/^ref +60 +2 +1$/m)
      .and.to.match(/^q +60 +60 +0$/m);
    expect(stdout)
      .to.match(/^\/users\/:id +60 +60 +likely$/m)
      .and.to.match(/^\/articles\/:id +\d+ +\d+$/m);
    const [, proposal = ""] = stdout.split("proposed for config.yaml:\n\n");
    const proposed = loadConfiguration({
      file: { name: "p.yaml", text: proposal },
      env: {},
      overrides: {},
    });
    const { query, paths } = proposed.configuration.accessLog;
    expect(query.keep).to.deep.equal(["page", "on", "tab"]);
    expect(paths).to.deep.equal(["/orders/:number", "/users/:id"]);
    expect(proposed.warnings).to.deep.equal([]);
    // With it, those paths are findings: they are somebody's.
    await writeFile(config, proposal);
    expect((await findingsIn(lines[0] ?? "")).map((one) => one.replace(/.* /, ""))).to.deep.equal([
      "id",
    ]);
  });

  it("says the same of the same log", async () => {
    const text = Array.from({ length: 3000 }, (_, index) =>
      combined({
        host: `203.0.113.${index % 200}`,
        target: `/u/${index}/${index * 7}?k${index}=v`,
      }),
    ).join("\n");
    const [one, two] = [await auditText(text), await auditText(text)];
    expect(one).to.deep.equal(two);
  });

  it("says of the example in the documentation what is said there", async () => {
    const text = await readFile("docs/auditing-logs.md", "utf8");
    const [, log = "", printed = ""] =
      /```log\n([^`]*)```[^`]*```text\n([^`]*)```/.exec(text) ?? [];
    const { stdout } = await auditText(log);
    expect(stdout.replaceAll(file, "access.log")).to.equal(printed);
  });

  it("says how it is used when it is used otherwise", async () => {
    for (const args of [["--nonsense-canary"], ["--ignore"], ["--show"]]) {
      const { code, stdout, stderr } = await run(...args);
      expect(code, args.join(" ")).to.equal(2);
      expect(stdout).to.equal("");
      expect(stderr).to.include("logveil audit-logs").and.not.to.include("canary");
    }
  });

  it("finds what the corpus plants, whatever kind it is", async () => {
    for (const kind of [
      "email",
      "phone",
      "ip",
      "card",
      "iban",
      "jwt",
      "key",
      "secret",
      "encoded",
    ]) {
      const corpus = await readFile(new URL(`../../corpus/${kind}.tsv`, import.meta.url), "utf8");
      for (const row of corpus.trimEnd().split("\n")) {
        const [where = "", sent = ""] = row.replaceAll("{+}", "").split("\t");
        const target = { path: sent, query: `/a?${sent}`, kept: `/a?${sent}` }[where];
        if (target === undefined || !/^\/\S*$/.test(target) || target.includes('"')) continue;
        const found = await findingsIn(combined({ target }), "--strict");
        expect(found, `${kind}: ${sent}`).not.to.deep.equal([]);
      }
    }
  }).timeout(60_000);
});
