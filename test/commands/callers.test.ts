import { once } from "node:events";
import { createServer } from "node:http";
import { expect } from "chai";
import request from "supertest";
import { CONTROL_SOCKET, openControlSocket } from "../../src/api/control-socket.ts";
import { callers as command } from "../../src/commands/callers.ts";
import { LogveilError } from "../../src/errors.ts";
import { runCommand } from "../kit/command-run.ts";
import { openCallers } from "../kit/opened-callers.ts";
import type { OpenedCallers } from "../kit/opened-callers.ts";
import { openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const SESSION = "/v1/session/a136d258-d605-e69e-0e4d-fe20460fbcf9";
const TOKEN_LINE = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/;

describe("logveil callers", () => {
  let opened: OpenedVault;
  let callers: OpenedCallers;
  beforeEach(async () => {
    opened = await openVaultForTest();
    callers = openCallers(opened);
  });
  afterEach(() => opened.close());

  const unused = () => Promise.reject(new TypeError("not in this test"));
  const openControlPlane = () =>
    openControlSocket({
      path: opened.folder.file(CONTROL_SOCKET),
      vault: opened.vault,
      callers: callers.callers,
      health: () => [],
      metrics: opened.metrics,
      eventLog: opened.events.eventLog,
      keys: { status: unused, rotate: unused },
    });
  const run = (...args: readonly string[]) =>
    runCommand(command, [...args, "--data-dir", opened.folder.path], { openControlPlane });
  const storeSession = (token: string) =>
    request(callers.app).post(SESSION).set("x-bunker-token", token).send({ a: 1 });

  it("add prints the token, this once and nothing else", async () => {
    const { code, stdout, stderr } = await run("add", "shop", "--role", "app", "--expires", "1h");
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    expect(stdout).to.match(TOKEN_LINE);
    await storeSession(stdout.trim()).expect(200);
    opened.clock.advance(3_600_000);
    await storeSession(stdout.trim()).expect(403);
  });

  it("list says who, which role and until when, and no token", async () => {
    expect(await run("list")).to.deep.equal({ code: 0, stdout: "", stderr: "" });
    const anna = await run("add", "anna", "--role", "support");
    const shop = await run("add", "the-shop", "--role", "app", "--expires", "2h");
    const { code, stdout } = await run("list");
    expect(code).to.equal(0);
    const iso = (ms: number) => new Date(ms).toISOString();
    const now = opened.clock.now();
    expect(stdout.split("\n")).to.deep.equal([
      `anna      support  since ${iso(now)}  does not expire`,
      `the-shop  app      since ${iso(now)}  until ${iso(now + 7_200_000)}`,
      "",
    ]);
    for (const token of [anna, shop]) expect(stdout).not.to.include(token.stdout.trim());
  });

  it("list --json is JSON", async () => {
    await run("add", "anna", "--role", "dpo");
    const { stdout } = await run("list", "--json");
    expect(JSON.parse(stdout)).to.have.nested.property("rows[0].name", "anna");
  });

  it("remove ends a token at once, and exits 1 when there is nobody of that name", async () => {
    const { stdout } = await run("add", "shop", "--role", "app");
    await storeSession(stdout.trim()).expect(200);
    expect(await run("remove", "shop")).to.deep.equal({ code: 0, stdout: "", stderr: "" });
    await storeSession(stdout.trim()).expect(403);
    expect(await run("remove", "shop")).to.deep.equal({
      code: 1,
      stdout: "",
      stderr: "logveil: there is no caller of that name\n",
    });
  });

  it("is on record under the control socket's name", async () => {
    await run("add", "anna", "--role", "dpo");
    const { rows } = await opened.trail.list({ offset: 0, limit: 10 });
    expect(rows.map(({ title, caller }) => [title, caller?.name])).to.deep.equal([
      ["create caller", "control-socket"],
    ]);
  });

  it("add does not take a name twice, and prints no token then", async () => {
    await run("add", "anna", "--role", "dpo");
    expect(await run("add", "anna", "--role", "app")).to.deep.equal({
      code: 1,
      stdout: "",
      stderr: "logveil: there is a caller of that name\n",
    });
  });

  it("exits 2 for what makes no sense, before anything is opened", async () => {
    for (const args of [
      [],
      ["planted-canary"],
      ["list", "anna"],
      ["list", "--role", "app"],
      ["add"],
      ["add", "anna"],
      ["add", "anna", "zoe", "--role", "app"],
      ["add", "Planted-Canary", "--role", "app"],
      ["add", "upstream", "--role", "app"],
      ["add", "anna", "--role", "root"],
      ["add", "anna", "--role", "login"],
      ["add", "anna", "--role", "planted-canary"],
      ["remove"],
      ["remove", "planted/canary"],
      ["remove", "anna", "--expires", "1h"],
      ["add", "anna", "--role", "app", "--canary"],
    ]) {
      const { code, stdout, stderr } = await runCommand(command, [
        ...args,
        "--data-dir",
        opened.folder.path,
      ]);
      expect([code, stdout], args.join(" ")).to.deep.equal([2, ""]);
      expect(stderr)
        .to.include("logveil callers add")
        .and.not.to.match(/canary/i);
    }
  });

  it("exits 2 for an expiration that is none", async () => {
    for (const expires of ["0", "1w", "never", "99999d"]) {
      const { code, stderr } = await run("add", "anna", "--role", "app", "--expires", expires);
      expect(code, expires).to.equal(2);
      expect(stderr).to.equal("logveil: --expires is not a time from now, such as 30d\n");
    }
    expect((await run("list")).stdout).to.equal("");
  });

  it("exits 77 when it is denied, 69 when the store is out of order, 70 for what it does not understand", async () => {
    const answers = [
      [403, "Access denied", 77],
      [503, '{"code":"audit-unavailable"}', 69],
      [405, '{"status":"error","message":"too many callers"}', 69],
      [500, '{"code":"open-failed"}', 70],
      [405, '{"status":"error","message":"planted"}', 70],
    ] as const;
    for (const [status, body, expected] of answers) {
      const server = createServer((_request, response) => {
        response.writeHead(status).end(body);
      }).listen(opened.folder.file(CONTROL_SOCKET));
      await once(server, "listening");
      const { code, stdout, stderr } = await run("list");
      expect([code, stdout], String(status)).to.deep.equal([expected, ""]);
      expect(stderr).not.to.include("planted");
      server.close();
      await once(server, "close");
    }
  });

  it("exits 69 when the store is another's and nobody answers", async () => {
    const { code, stderr } = await runCommand(command, ["list", "--data-dir", opened.folder.path], {
      openControlPlane: () => Promise.reject(new LogveilError("store-closed")),
    });
    expect(code).to.equal(69);
    expect(stderr).to.equal("logveil: the store is closed (store-closed)\n");
  });
});
