import { cp, readFile, rm } from "node:fs/promises";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { eventually } from "../kit/eventually.ts";
import { cookieHeaderOf, findPerson, PEOPLE } from "../kit/people.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";
import { runLogveil, writeConfiguration } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";
import { startWebServer } from "../kit/web-server.ts";
import type { WebServer } from "../kit/web-server.ts";

const [ADA, BORIS] = PEOPLE;

type Answer = {
  readonly status: number;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
};

describe("guarantee: erased is erased", () => {
  let folder: TemporaryFolder;
  let upstream: WebServer;
  let sidecar: RunningSidecar;
  let userToken: string | undefined;

  const start = async () => startRunningSidecar({ upstream: upstream.url, folder: folder.path });

  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(sidecar.vaultUrl + path, {
      method,
      headers: {
        "X-Bunker-Token": sidecar.rootToken,
        "X-Lookup-Reason": "test",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    return {
      status: response.status,
      text,
      body: isJson ? (JSON.parse(text) as Answer["body"]) : {},
    };
  };

  /** One visit of the person; its session token. */
  const visit = async (person: typeof ADA, count: number) => {
    const headers = { "User-Agent": person.userAgent, Cookie: cookieHeaderOf(person) };
    await (await fetch(sidecar.proxyUrl, { headers })).text();
    return String((await sidecar.logLines(count)).at(-1)?.["session.id"]);
  };

  beforeEach(async () => {
    folder = await createTemporaryFolder();
    upstream = await startWebServer((_request, response) => {
      if (userToken !== undefined) response.setHeader("X-Databunker-User", userToken);
      response.end("ok");
    });
    userToken = undefined;
    sidecar = await start();
  });

  afterEach(async () => {
    await sidecar.close();
    await upstream[Symbol.asyncDispose]();
    await folder.remove();
  });

  /** Everything a vault can hold of one person. */
  const live = async () => {
    const { name, email, phone, login } = ADA;
    const created = await ask("POST", "/v1/user", { name, email, phone, login });
    userToken = String(created.body["token"]);
    await ask("POST", `/v1/userapp/login/${login}/shop`, {
      address: ADA.ipv4,
      secret: ADA.password,
    });
    await ask("PUT", `/v1/user/login/${login}`, { note: ADA.jwt });
    await ask("POST", `/v1/agreement/core-send-email-on-login/login/${login}`, {});
    const stored = "12345678-1234-1234-1234-123456789012";
    await ask("POST", `/v1/session/${stored}`, { login, secret: ADA.password });
    const { body } = await ask("POST", `/v1/sharedrecord/login/${login}`, { fields: "name,email" });
    const proxied = await visit(ADA, 1);
    await eventually("the visit is linked", async () => {
      const page = await ask("GET", `/v1/sessions/login/${login}`);
      return page.body["total"] === 2 || undefined;
    });
    userToken = undefined;
    const anonymous = await visit(BORIS, 2);
    return {
      token: String(created.body["token"]),
      stored,
      proxied,
      anonymous,
      record: String(body["record"]),
    };
  };

  const pathsOf = (held: Awaited<ReturnType<typeof live>>) => [
    `/v1/user/token/${held.token}`,
    `/v1/user/login/${ADA.login}`,
    `/v1/user/email/${ADA.email}`,
    `/v1/userapp/token/${held.token}/shop`,
    `/v1/session/${held.stored}`,
    `/v1/session/${held.proxied}`,
    `/v1/session/${held.anonymous}`,
    `/v1/sessions/token/${held.token}`,
    `/v1/get/${held.record}`,
    `/v1/audit/list/${held.token}`,
    `/v1/agreements/token/${held.token}`,
    `/v1/export/token/${held.token}`,
  ];

  const erase = async (held: Awaited<ReturnType<typeof live>>) => {
    const receipt = await ask("POST", `/v1/erase/email/${ADA.email}`, { reason: "article 17" });
    expect(receipt.status, receipt.text).to.equal(200);
    const second = await ask("POST", `/v1/erase/session/${held.anonymous}`, {
      reason: "article 17",
    });
    expect(second.status, second.text).to.equal(200);
    return receipt;
  };

  it("everything was there before, and nobody is found afterwards by any route", async () => {
    const held = await live();
    const before = await Promise.all(pathsOf(held).map((path) => ask("GET", path)));
    expect(findPerson(before.map(({ text }) => text).join("\n"))).to.include.members([
      "Ada Featherstonehaugh: email (plain)",
    ]);
    const exported = await ask("GET", `/v1/export/login/${ADA.login}`);
    for (const trait of [ADA.email, ADA.password, ADA.jwt, ADA.userAgent])
      expect(JSON.stringify(exported.body), "the export").to.include(
        JSON.stringify(trait).slice(1, -1),
      );
    await erase(held);
    for (const path of pathsOf(held))
      expect(findPerson((await ask("GET", path)).text), path).to.deep.equal([]);
  });

  it("the receipt says what was destroyed, and nobody's name", async () => {
    const held = await live();
    const receipt = await erase(held);
    for (const kind of ["profile", "apps", "sessions"]) expect(receipt.text).to.include(kind);
    expect(findPerson(receipt.text)).to.deep.equal([]);
  });

  it("the trail still verifies, and the files hold nobody", async () => {
    const held = await live();
    await erase(held);
    await sidecar.close();
    const config = await writeConfiguration(folder.path, upstream.url);
    await using verification = runLogveil(["audit", "verify", "--config", config]);
    expect(await verification.ended(), verification.stderr()).to.equal(0);
    for (const file of filesOf(folder.path))
      expect(findPerson(readFileSync(file)), file).to.deep.equal([]);
  });

  it("a backup of the store from before opens nothing of them, and still opens the others", async () => {
    const held = await live();
    const other = await ask("POST", "/v1/user", { login: "kept", note: "still-here" });
    await sidecar.close();
    const data = join(folder.path, "data");
    await cp(join(data, "store"), folder.file("backup"), { recursive: true });
    sidecar = await start();
    await erase(held);
    await sidecar.close();
    await rm(join(data, "store"), { recursive: true });
    await cp(folder.file("backup"), join(data, "store"), { recursive: true });
    sidecar = await start();
    for (const path of pathsOf(held)) {
      const { text } = await ask("GET", path);
      expect(findPerson(text), path).to.deep.equal([]);
    }
    const kept = await ask("GET", `/v1/user/token/${String(other.body["token"])}`);
    expect(kept.text).to.include("still-here");
    expect(await readFile(join(folder.path, "events.log"), "utf8")).to.satisfy(
      (events: string) => findPerson(events).length === 0,
    );
  });
});

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
