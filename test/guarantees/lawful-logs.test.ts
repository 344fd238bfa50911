import { readFileSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import type { EchoUpstream } from "../kit/echo-upstream.ts";
import { eventually } from "../kit/eventually.ts";
import { createHandClock } from "../kit/hand-clock.ts";
import { cookieHeaderOf, findPerson, PEOPLE } from "../kit/people.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar, Settings } from "../kit/running-sidecar.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";

// The three ways to a lawful log, as docs/lawful-logs.md shows them: its examples are what is run here.

const [ADA, BORIS] = PEOPLE;
const HOUR_MS = 3_600_000;

/** The configuration under a heading of the page. */
function exampleOf(heading: string): Settings {
  const text = readFileSync("docs/lawful-logs.md", "utf8");
  const section = text.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const yaml = /```yaml\n([\s\S]*?)```/.exec(section)?.[1];
  if (yaml === undefined) throw new TypeError(`no example under ${heading}`);
  return parse(yaml) as Settings;
}

type Answer = { readonly status: number; readonly text: string };

describe("guarantee: lawful logs", () => {
  let upstream: EchoUpstream;
  before(async () => {
    upstream = await startEchoUpstream();
  });
  after(() => upstream.close());

  const start = (
    settings: Settings,
    more: Partial<Parameters<typeof startRunningSidecar>[0]> = {},
  ) => startRunningSidecar({ upstream: upstream.url, settings, ...more });

  const visit = async ({ proxyUrl }: RunningSidecar, person: typeof ADA) => {
    const headers = { "User-Agent": person.userAgent, Cookie: cookieHeaderOf(person) };
    await (await fetch(`${proxyUrl}/account?email=${person.email}`, { headers })).text();
  };

  const ask = async (
    { vaultUrl, rootToken }: RunningSidecar,
    method: string,
    path: string,
    body?: object,
  ): Promise<Answer> => {
    const response = await fetch(vaultUrl + path, {
      method,
      headers: { "X-Bunker-Token": rootToken, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  };

  it("tokens: a line says which session, and a look-up who", async () => {
    await using sidecar = await start(exampleOf("Tokens"));
    await visit(sidecar, ADA);
    const [line] = await sidecar.logLines(1);
    expect(findPerson(JSON.stringify(line))).to.deep.equal([]);
    expect(line).not.to.have.property("identity.sealed");
    const { body } = await sidecar.lookUp(String(line?.["session.id"]));
    expect(body.data).to.include({ "user-agent": ADA.userAgent });
  });

  for (const format of ["json", "ecs", "combined"])
    it(`sealed identities (${format}): a line opens, by itself, until its session is erased`, async () => {
      const example = exampleOf("Sealed identities");
      const accessLog = { ...(example["accessLog"] as Settings), format };
      await using sidecar = await start({ ...example, accessLog });
      const linesOf = (count: number) =>
        eventually(`${String(count)} lines`, async () => {
          const text = await readFile(sidecar.files.accessLog, "utf8").catch(() => "");
          const written = text.split("\n").slice(0, -1);
          return written.length === count ? written : undefined;
        });
      // A line of a new session waits for its record; one after the other keeps their order.
      for (const [index, person] of [ADA, BORIS, ADA].entries()) {
        await visit(sidecar, person);
        await linesOf(index + 1);
      }
      const lines = await linesOf(3);
      expect(findPerson(lines.join("\n"))).to.deep.equal([]);
      const open = (line = "") =>
        ask(sidecar, "POST", "/v1/sessions/open", { sealed: line, reason: "incident 12" });
      const people = await Promise.all(lines.map(open));
      expect(people.map(({ status }) => status)).to.deep.equal([200, 200, 200]);
      for (const [index, person] of [ADA, BORIS, ADA].entries())
        expect(JSON.parse(people[index]?.text ?? "").data).to.include({
          "user-agent": person.userAgent,
          cookie: cookieHeaderOf(person),
        });
      const { session } = JSON.parse(people[0]?.text ?? "") as { readonly session: string };
      expect(lines[0]).to.include(session);
      await ask(sidecar, "DELETE", `/v1/session/${session}`);
      for (const [index, status] of [405, 200, 405].entries())
        expect((await open(lines[index])).status, String(index)).to.equal(status);
      // The client's next request has a line that opens again; what was erased stays closed.
      await visit(sidecar, ADA);
      const last = (await linesOf(4)).at(-1);
      expect((await open(last)).status).to.equal(200);
      expect((await open(lines[0])).status).to.equal(405);
    });

  it("sealed identities: open without the store, and not once the epoch has expired", async () => {
    await using folder = await createTemporaryFolder();
    const clock = createHandClock();
    const example = exampleOf("Sealed identities");
    const first = await start(example, { folder: folder.path, clock });
    await visit(first, ADA);
    const [line] = await first.logLines(1);
    await ask(first, "DELETE", `/v1/session/${String(line?.["session.id"])}`);
    await visit(first, BORIS);
    const [, ofBoris] = await first.logLines(2);
    await first.close();
    for (const name of ["store", "store.marker"])
      await rm(join(folder.path, "data", name), { recursive: true });
    const again = await start(example, { folder: folder.path, clock });
    const open = (from: unknown) =>
      ask(again, "POST", "/v1/sessions/open", { sealed: JSON.stringify(from), reason: "x" });
    expect((await open(ofBoris)).status).to.equal(200);
    expect((await open(line)).status).to.equal(405);
    clock.advance(32 * 24 * HOUR_MS);
    expect((await open(ofBoris)).status).to.equal(405);
    await again.sidecar.sweep();
    const gone = await open(ofBoris);
    expect(gone.status).to.equal(405);
    expect(gone.text).to.include("not found");
    await again.close();
  });

  it("short retention: a line is nobody's, and files past their time go with an event", async () => {
    await using folder = await createTemporaryFolder();
    const clock = createHandClock();
    const ended = (hoursAgo: number) =>
      new Date(clock.now() - hoursAgo * HOUR_MS).toISOString().slice(0, 13);
    const [due, kept] = [ended(74), ended(70)];
    await writeFile(folder.file(`access.log.${due}-00-00Z.zst`), "x");
    await writeFile(folder.file(`access.log.${kept}-00-00Z`), "x");
    await using sidecar = await start(exampleOf("Short retention"), { folder: folder.path, clock });
    await visit(sidecar, ADA);
    const [line] = await sidecar.logLines(1);
    expect(Object.keys(line ?? {})).not.to.include.members(["session.id", "client.address"]);
    expect(JSON.stringify(line)).not.to.match(/fd[0-9a-f]{2}:/);
    const names = await eventually("the due file is removed", async () => {
      const left = (await readdir(folder.path)).filter((name) => name.startsWith("access.log."));
      return left.length === 1 ? left : undefined;
    });
    expect(names).to.deep.equal([`access.log.${kept}-00-00Z`]);
    const event = await eventually("an event says so", async () => {
      const lines = (await readFile(sidecar.files.eventLog, "utf8")).split("\n");
      return lines.find((text) => text.includes("access-log.removed"));
    });
    expect(JSON.parse(event)).to.include({ files: 1, oldest: due.slice(0, 10) });
  });
});
