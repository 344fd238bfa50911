import { expect } from "chai";
import { CONTROL_SOCKET, openControlSocket } from "../../src/api/control-socket.ts";
import { audit } from "../../src/commands/audit.ts";
import type { OpenControlPlane } from "../../src/commands/command.ts";
import { ROOT } from "../../src/callers/caller.ts";
import { LogveilError } from "../../src/errors.ts";
import { runCommand } from "../kit/command-run.ts";
import { openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

describe("logveil audit verify", () => {
  let opened: OpenedVault;
  beforeEach(async () => {
    opened = await openVaultForTest();
    for (const title of ["one", "two", "three"]) {
      await opened.trail.append({ title, status: "ok", caller: ROOT });
      opened.clock.advance(1000);
    }
  });
  afterEach(() => opened.close());

  const openSocket = () =>
    openControlSocket({
      path: opened.folder.file(CONTROL_SOCKET),
      vault: opened.vault,
      audit: opened.audit,
      health: () => [],
      metrics: opened.metrics,
      eventLog: opened.events.eventLog,
      keys: {
        status: () => Promise.reject(new Error("not called")),
        rotate: () => Promise.reject(new Error("not called")),
      },
    });
  const run = (args: readonly string[], openControlPlane: OpenControlPlane = openSocket) =>
    runCommand(audit, [...args, "--data-dir", opened.folder.path], { openControlPlane });
  const keyOf = (sequence: number) => String(sequence).padStart(15, "0");
  const alter = async (sequence: number) => {
    const stored = await opened.documents.find("audit", keyOf(sequence));
    const value = Buffer.from(stored ?? []);
    value[50] = (value[50] ?? 0) ^ 1;
    await opened.documents.commit([{ table: "audit", key: keyOf(sequence), value }]);
  };

  it("says that the trail is intact, how long it is and how it ends", async () => {
    const { code, stdout, stderr } = await run(["verify"]);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    expect(stdout).to.match(/^intact: 3 events, ending with [0-9a-f]{64}\n$/);
  });

  it("asks the logveil that runs, and is in the trail itself", async () => {
    const socket = await openSocket();
    const first = await run(["verify"]);
    const second = await run(["verify"]);
    await socket.close();
    expect(first.stdout).to.include("3 events");
    expect(second.stdout).to.include("4 events");
    const { rows } = await opened.trail.list({ offset: 0, limit: 1 });
    expect(rows[0]).to.deep.include({
      title: "verify audit trail",
      caller: { name: "control-socket", role: "root" },
    });
  });

  it("names the first event that was altered, and when the one before it was", async () => {
    await alter(2);
    await alter(3);
    const { code, stdout } = await run(["verify"]);
    const after = new Date(opened.clock.now() - 3000).toISOString();
    expect({ code, stdout }).to.deep.equal({
      code: 1,
      stdout: `broken: event 2 was altered, the one after ${after}\n`,
    });
  });

  it("names the first event that was dropped", async () => {
    await opened.documents.commit([{ table: "audit", key: keyOf(1), value: undefined }]);
    const { code, stdout } = await run(["verify"]);
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: "broken: event 1 was dropped\n" });
  });

  it("says that the end of the chain was replaced", async () => {
    const head = { table: "meta", key: "audit.head", value: Buffer.alloc(64) } as const;
    await opened.documents.commit([head]);
    const { code, stdout } = await run(["verify"]);
    expect(code).to.equal(1);
    expect(stdout).to.match(/^broken: the end of the chain was replaced behind event 3, /);
  });

  it("says so too when no logveil would begin on such a trail", async () => {
    const refuse = () => Promise.reject(new LogveilError("audit-corrupt"));
    const { code, stdout, stderr } = await run(["verify"], refuse);
    expect({ code, stderr }).to.deep.equal({ code: 1, stderr: "" });
    expect(stdout).to.match(/^broken: /);
  });

  it("prints JSON", async () => {
    const intact = await run(["verify", "--json"]);
    expect(JSON.parse(intact.stdout)).to.include({ isIntact: true, events: 3 });
    await alter(1);
    const broken = await run(["verify", "--json"]);
    expect(JSON.parse(broken.stdout)).to.include({ isIntact: false, problem: "altered" });
    expect(broken.code).to.equal(1);
  });

  it("says what else is wrong by name", async () => {
    const socket = await openSocket();
    await opened.store.close();
    const { code, stdout, stderr } = await run(["verify"]);
    await socket.close();
    expect({ code, stdout }).to.deep.equal({ code: 69, stdout: "" });
    expect(stderr).to.include("(audit-unavailable)");
  });

  for (const args of [[], ["list"], ["verify", "verify"], ["verify", "--all"]])
    it(`takes nothing but verify: ${JSON.stringify(args)}`, async () => {
      const { code, stdout, stderr } = await run(args);
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
      expect(stderr).to.include("logveil audit verify");
    });
});
