import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { expect } from "chai";
import { auditLogs } from "../../src/commands/audit-logs.ts";
import { loadConfiguration } from "../../src/config/load.ts";
import { runCommand } from "../kit/command-run.ts";
import { basicAuthorizationOf, cookieHeaderOf, findPerson, PEOPLE } from "../kit/people.ts";
import type { Person } from "../kit/people.ts";
import { eventually } from "../kit/eventually.ts";
import { findNginx, startNginx } from "../kit/nginx.ts";
import { exchangeRaw, head } from "../kit/raw-client.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { Settings } from "../kit/running-sidecar.ts";
import { runLogveil } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";

// A real nginx behind a real sidecar: who is in its logs (docs/web-servers.md).

type Position = "url" | "referer" | "authorization";

/** Everything that makes nginx write an error, beside a page. */
const REQUESTS = [
  { method: "GET", path: "/" },
  { method: "GET", path: "/missing" },
  { method: "GET", path: "/dead" },
  { method: "GET", path: "/private" },
  { method: "POST", path: "/small" },
  { method: "POST", path: "/upload" },
] as const;

/** More than nginx reads along with a head. */
const BODY = "body".repeat(1024);

function requestOf(
  person: Person,
  { method, path }: (typeof REQUESTS)[number],
  positions: readonly Position[],
): string {
  const email = encodeURIComponent(person.email);
  const has = (position: Position) => positions.includes(position);
  const target = has("url")
    ? `${path === "/" ? "/index.html" : `${path}/${email}`}?ip=${person.ipv4}&q=${person.login}&t=${person.jwt}&p=${encodeURIComponent(person.phone)}`
    : path;
  const lines = [
    `${method} ${target} HTTP/1.1`,
    "Host: www.example.com",
    "Connection: close",
    `User-Agent: ${person.userAgent}`,
    `X-Forwarded-For: ${person.ipv4}`,
    `X-Real-IP: ${person.ipv6}`,
    `Forwarded: for="[${person.ipv6}]"`,
    `Cookie: ${cookieHeaderOf(person)}`,
    ...(has("authorization") ? [`Authorization: ${basicAuthorizationOf(person)}`] : []),
    ...(has("referer") ? [`Referer: https://www.example.com/${email}?q=${person.login}`] : []),
    ...(method === "POST" ? [`Content-Length: ${BODY.length}`] : []),
  ];
  return head(...lines) + (method === "POST" ? BODY : "");
}

const ALL: readonly Position[] = ["url", "referer", "authorization"];
/** What each of them makes nginx say. */
const ERRORS = [
  /\[error\].* open\(\) .*No such file/,
  /\[error\].* connect\(\) failed .*upstream/,
  /\[error\].* client intended to send too large body/,
  /\[warn\].* a client request body is buffered/,
];
const MESSAGES = [
  "No such file",
  "Connection refused",
  "too large body",
  "is buffered",
  "was not found",
];
const WRONG_PASSWORD = /\[error\].* user .* was not found/;

const DEFAULTS = (folder: string, level: string) =>
  `access_log ${folder}/access.log; error_log ${folder}/error.log ${level};`;

/** The code blocks of a language in the recipes. */
function recipes(language: string): readonly string[] {
  const text = readFileSync("docs/web-servers.md", "utf8");
  return [...text.matchAll(new RegExp(`\`\`\`${language}\n([^\`]*)\`\`\``, "g"))].map(
    (match) => match[1] ?? "",
  );
}

function recipe(language: string, word: string): string {
  const found = recipes(language).find((block) => block.includes(word));
  if (found === undefined) throw new Error(`no recipe with ${word}`);
  return found;
}

describe("nginx behind logveil (skipped where it is not installed)", () => {
  const nginx = findNginx() ?? "";
  before(function () {
    if (nginx === "") this.skip();
  });

  /** The logs of an nginx that has been asked everything by everybody. */
  async function logsOf(
    logging: (folder: string) => string,
    positions: readonly Position[],
    settings: Settings = {},
    errors = 0,
  ) {
    await using folder = await createTemporaryFolder();
    await using behind = await startNginx(nginx, folder, logging(folder.path));
    await using running = await startRunningSidecar({
      upstream: behind.upstream,
      settings: { ...settings, proxy: { trustedProxies: ["127.0.0.0/8"] } },
    });
    const answers: string[] = [];
    for (const person of PEOPLE)
      for (const request of REQUESTS)
        answers.push(await exchangeRaw(running.proxyPort, requestOf(person, request, positions)));
    const statuses = answers.map((answer) => answer.slice(9, 12));
    expect(statuses.slice(0, 6)).to.deep.equal(["200", "404", "502", "401", "413", "502"]);
    const access = await eventually("nginx's access log", async () => {
      const text = await behind.accessLog();
      return text.split("\n").length > answers.length ? text : undefined;
    });
    return {
      access,
      error: await behind.errorLog(),
      own: await readOwn(running, answers.length + errors),
    };
  }

  async function readOwn(
    { logLines }: Awaited<ReturnType<typeof startRunningSidecar>>,
    count: number,
  ) {
    return (await logLines(count)).map((line) => JSON.stringify(line)).join("\n");
  }

  for (const level of ["warn", "error"])
    it(`with its default formats and error_log at ${level}, nobody is in its logs`, async () => {
      const { access, error } = await logsOf((folder) => DEFAULTS(folder, level), []);
      for (const said of ERRORS.filter((one) => level === "warn" || !one.source.includes("warn")))
        expect(error).to.match(said);
      expect(access).to.match(/"GET \/missing HTTP\/1\.1" 404 .*logveil-session\//);
      expect(findPerson(access)).to.deep.equal([]);
      expect(findPerson(error)).to.deep.equal([]);
    });

  it("with people in URL, referer and Authorization, its default formats hold just those", async () => {
    const traits = (found: readonly string[]) =>
      [...new Set(found.map((one) => one.replace(/^.*?: (.*?) \(.*$/, "$1")))].toSorted();
    const { access, error } = await logsOf((folder) => DEFAULTS(folder, "warn"), ALL);
    expect(error).to.match(WRONG_PASSWORD);
    // The name is in the JWT.
    const leaked = ["email", "ipv4", "jwt payload", "jwt signature", "login", "name", "phone"];
    expect(traits(findPerson(access))).to.deep.equal(leaked);
    expect(traits(findPerson(error))).to.deep.equal(leaked);
  });

  it("with the recipe's format nobody is in its access log, whatever was sent", async () => {
    const format = recipe("nginx", "log_format logveil");
    const { access, own } = await logsOf(
      (folder) => `${format.replace("/var/log/nginx", folder)} error_log /dev/null;`,
      ALL,
    );
    expect(findPerson(access)).to.deep.equal([]);
    const { code, stdout } = await runCommand(auditLogs, [], { input: access });
    expect(code, stdout).to.equal(0);
    const [, token = "", request = ""] = /([0-9a-f-]{36}) (\S+)\n/.exec(access) ?? [];
    // Each line leads to logveil's own.
    expect(own).to.include(token).and.to.include(request);
    expect(findPerson(own)).to.deep.equal([]);
  });

  it("with its error log through logveil tokenize nobody is in what becomes of it, and every message is", async () => {
    const { error } = await logsOf((folder) => DEFAULTS(folder, "warn"), ALL);
    await using folder = await createTemporaryFolder();
    await writeFile(folder.file("error.log"), error);
    const args = ["tokenize", "--data-dir", folder.file("data"), folder.file("error.log")];
    await using process = runLogveil(args);
    expect(await process.ended(), process.stderr()).to.equal(0);
    const cleaned = process.stdout();
    for (const said of MESSAGES) expect(cleaned).to.include(said);
    expect(cleaned.split("\n")).to.have.length(error.split("\n").length);
    expect(findPerson(cleaned)).to.deep.equal([]);
    const { code, stdout } = await runCommand(auditLogs, [], { input: cleaned });
    expect(code, stdout).to.equal(0);
  });

  it("with error_log sent to logveil nobody is in what becomes of it", async function () {
    if (!takesSyslog()) this.skip();
    const udp = await freeUdpPort();
    const errorLog = recipe("nginx", "error_log syslog").replace("5514", String(udp));
    const listening = { ingest: { syslog: { udp: `127.0.0.1:${udp}` } } };
    // Per person: file not found, refused twice, unknown user, body too large, body buffered.
    const errors = PEOPLE.length * 6;
    const { own } = await logsOf(
      (folder) => `access_log ${folder}/access.log; ${errorLog}`,
      ALL,
      listening,
      errors,
    );
    for (const said of MESSAGES) expect(own).to.include(said);
    expect(findPerson(own)).to.deep.equal([]);
  });
});

function takesSyslog(): boolean {
  try {
    const text = JSON.stringify({ ingest: { syslog: { udp: "127.0.0.1:5514" } } });
    loadConfiguration({ file: { name: "test.yaml", text }, env: {}, overrides: {} });
    return true;
  } catch {
    // Not in this version.
    return false;
  }
}

/** Free a moment ago. */
async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

describe("Caddy behind logveil (skipped where it is not installed)", () => {
  it("understands the recipe's filters", async function () {
    await using folder = await createTemporaryFolder();
    const file = folder.file("Caddyfile");
    const log = recipe("caddy", "format filter").replace("/var/log/caddy", folder.path);
    await writeFile(file, `:0 {\n${log}\n}\n`);
    const args = ["adapt", "--adapter", "caddyfile", "--config", file];
    const adapted = spawnSync("caddy", args, { encoding: "utf8" });
    if (adapted.error !== undefined) this.skip();
    expect(adapted.status, adapted.stderr).to.equal(0);
    for (const field of ["request>uri", "request>headers", "user_id"])
      expect(adapted.stdout).to.include(JSON.stringify(field).slice(1, -1).replace(">", "\\u003e"));
  });
});
