import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { auditLogs } from "../../src/commands/audit-logs.ts";
import { runCommand } from "../kit/command-run.ts";
import { basicAuthorizationOf, cookieHeaderOf, findPerson, PEOPLE } from "../kit/people.ts";
import type { Person } from "../kit/people.ts";
import { exchangeRaw, head } from "../kit/raw-client.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";
import { eventually } from "../kit/eventually.ts";
import { startEchoUpstream } from "../kit/echo-upstream.ts";

// The same traffic twice: in the log that logveil writes, in which `logveil audit-logs` finds nothing, and in the combined log that a
// web server would have written, in which it finds everybody.

type Visit = { readonly person: Person; readonly target: string; readonly referer: string };

function visitsOf(person: Person): readonly Visit[] {
  const email = encodeURIComponent(person.email);
  const phone = encodeURIComponent(person.phone);
  return [
    { target: "/", referer: "https://www.example.com/" },
    {
      target: `/users/${email}/${person.ipv4}?page=2`,
      referer: `https://www.example.com/?m=${email}`,
    },
    { target: `/a/${phone}?page=${email}&token=${person.jwt}`, referer: "-" },
    { target: `/b?q=${person.login}&ip=${person.ipv6}&user=${person.login}`, referer: "-" },
    { target: "/articles/2026/a-title?limit=20", referer: `https://${person.ipv4}/x` },
  ].map((visit) => ({ person, ...visit }));
}

const VISITS = PEOPLE.flatMap(visitsOf);

async function visit(proxyPort: number, { person, target, referer }: Visit): Promise<void> {
  await exchangeRaw(
    proxyPort,
    head(
      `GET ${target} HTTP/1.1`,
      "Host: www.example.com",
      `X-Forwarded-For: ${person.ipv4}`,
      `User-Agent: ${person.userAgent}`,
      `Cookie: ${cookieHeaderOf(person)}`,
      `Authorization: ${basicAuthorizationOf(person)}`,
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      ...(referer === "-" ? [] : [`Referer: ${referer}`]),
      "Connection: close",
    ),
  );
}

/** As nginx's `combined` has it. */
function rawLineOf({ person, target, referer }: Visit): string {
  return `${person.ipv4} - ${person.login} [20/Nov/2026:13:55:36 +0000] "GET ${target} HTTP/1.1" 200 2326 "${referer}" "${person.userAgent}"\n`;
}

async function linesOf({ files }: RunningSidecar, count: number): Promise<string> {
  return eventually(`${count} lines`, async () => {
    const text = await readFile(files.accessLog, "utf8").catch(() => "");
    return text.split("\n").length > count ? text : undefined;
  });
}

describe("audited logs", () => {
  const settings = [
    { format: "json" },
    { format: "ecs" },
    { format: "combined" },
    { format: "json", identity: "sealed" },
    { format: "ecs", identity: "sealed" },
    { format: "combined", identity: "sealed" },
    { format: "combined", identity: "none" },
  ];
  for (const accessLog of settings)
    it(`hold nothing when logveil has written them: ${Object.values(accessLog).join(", ")}`, async () => {
      await using upstream = await startEchoUpstream();
      await using running = await startRunningSidecar({
        upstream: upstream.url,
        settings: { proxy: { trustedProxies: ["127.0.0.0/8"] }, accessLog },
      });
      for (const one of VISITS) await visit(running.proxyPort, one);
      const log = await linesOf(running, VISITS.length);
      expect(findPerson(log)).to.deep.equal([]);
      const { files } = running;
      const { code, stdout } = await runCommand(auditLogs, [files.accessLog, files.eventLog]);
      expect(stdout.split("\n\n")[0]).to.match(/^lines: \d+, with findings: 0, findings: 0$/m);
      expect(code).to.equal(0);
    });

  it("hold everybody when a web server has", async () => {
    const lines = VISITS.map(rawLineOf);
    const run = await runCommand(auditLogs, ["--json"], { input: lines.join("") });
    expect(run.code).to.equal(1);
    expect(findPerson(run.stdout)).to.deep.equal([]);
    // What it found taken out, nobody is left: the planted are all found, and found whole.
    const left = lines.map((line, index) => withoutFindings(line, index + 1, run.stdout)).join("");
    expect(findPerson(lines.join(""))).not.to.deep.equal([]);
    expect(findPerson(left).filter((one) => !one.includes(": login"))).to.deep.equal([]);
  });
});

type Told = { readonly line: number; readonly column: number; readonly endColumn: number };

function withoutFindings(line: string, number: number, report: string): string {
  const told = report
    .trimEnd()
    .split("\n")
    .slice(0, -1)
    .map((text) => JSON.parse(text) as Told)
    .filter((one) => one.line === number);
  return told.reduceRight(
    (left, { column, endColumn }) => `${left.slice(0, column - 1)}#${left.slice(endColumn)}`,
    line,
  );
}
