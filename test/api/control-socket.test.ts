import { existsSync } from "node:fs";
import { readdir, stat, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import { fork } from "node:child_process";
import { expect } from "chai";
import { createControlClient } from "../../src/api/control-client.ts";
import { CONTROL_SOCKET, openControlSocket } from "../../src/api/control-socket.ts";
import type { KeyAdministration } from "../../src/api/key-administration.ts";
import { LogveilError } from "../../src/errors.ts";
import { isAnswering } from "../../src/http/unix-socket.ts";
import { openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const STATUS = {
  masterKeyId: "0a1b2c3d",
  epochs: [
    { epoch: 1, startsAtMs: 1000, endsAtMs: 2000, expiresAtMs: 3000, masterKeyId: "0a1b2c3d" },
  ],
  subjectKeys: 2,
};
const KEYS: KeyAdministration = { status: async () => STATUS, rotate: async () => 7 };

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error instanceof LogveilError ? error.code : String(error)),
  );
}

describe("control socket", () => {
  let opened: OpenedVault;
  let path: string;
  beforeEach(async () => {
    opened = await openVaultForTest();
    path = opened.folder.file(CONTROL_SOCKET);
  });
  afterEach(() => opened.close());

  const open = () =>
    openControlSocket({
      path,
      vault: opened.vault,
      health: () => [],
      metrics: opened.metrics,
      eventLog: opened.events.eventLog,
      keys: KEYS,
    });

  it("serves the API with root's rights and without a token", async () => {
    const { uuid } = await opened.visit({
      address: "192.0.2.5",
      userAgent: "x",
      cookieHeader: "",
      host: "h",
    });
    const socket = await open();
    const call = createControlClient(path);
    const answer = await call({ method: "GET", path: `/v1/session/${uuid}` });
    expect(answer.status).to.equal(200);
    expect(JSON.parse(answer.body)).to.have.nested.property("data.clientip", "192.0.2.5");
    await socket.close();
  });

  it("administers the keys, and shows nothing of them but what is documented", async () => {
    const keys = {
      ...KEYS,
      status: async () => ({
        ...STATUS,
        secret: "x",
        epochs: STATUS.epochs.map((epoch) => ({ ...epoch, secret: "x" })),
      }),
    };
    const socket = await openControlSocket({
      path,
      vault: opened.vault,
      health: () => [],
      metrics: opened.metrics,
      eventLog: opened.events.eventLog,
      keys,
    });
    const call = createControlClient(path);
    const status = await call({ method: "GET", path: "/control/keys" });
    expect(JSON.parse(status.body)).to.deep.equal({ status: "ok", keys: STATUS });
    const rotated = await call({ method: "POST", path: "/control/keys/rotate" });
    expect(JSON.parse(rotated.body)).to.deep.equal({ status: "ok", wrapped: 7 });
    await socket.close();
  });

  it("can be opened by its owner alone, and leaves no folder behind", async () => {
    const before = await readdir(opened.folder.path);
    const socket = await open();
    const found = await stat(path);
    expect(found.isSocket()).to.equal(true);
    expect(found.mode & 0o777).to.equal(0o600);
    expect(await readdir(opened.folder.path)).to.have.members([...before, CONTROL_SOCKET]);
    await socket.close();
    expect(await readdir(opened.folder.path)).to.have.members(before);
  });

  it("refuses to take the place of one that answers", async () => {
    const socket = await open();
    expect(await codeOf(open())).to.equal("store-locked");
    expect((await createControlClient(path)({ method: "GET", path: "/healthz" })).body).to.equal(
      "OK",
    );
    await socket.close();
  });

  it("takes the place of one whose process was killed", async () => {
    const code = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.send("listening"))`;
    const file = opened.folder.file("listener.cjs");
    await writeFile(file, code);
    const child = fork(file);
    await once(child, "message");
    expect(await isAnswering(path)).to.equal(true);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(existsSync(path)).to.equal(true);
    expect(await isAnswering(path)).to.equal(false);
    const socket = await open();
    expect(await isAnswering(path)).to.equal(true);
    await socket.close();
  });

  it("does not remove what is not a socket", async () => {
    await writeFile(path, "precious");
    expect(await codeOf(open())).to.equal("control-socket-unusable");
    expect((await stat(path)).isFile()).to.equal(true);
  });

  it("says so when its path is too long or its folder is missing", async () => {
    path = opened.folder.file("x".repeat(120));
    expect(await codeOf(open())).to.equal("control-socket-unusable");
    path = opened.folder.file("nowhere", CONTROL_SOCKET);
    expect(await codeOf(open())).to.equal("control-socket-unusable");
  });

  it("finishes what runs before it closes", async () => {
    let release: (wrapped: number) => void = () => undefined;
    let begun: () => void = () => undefined;
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const rotate = () =>
      new Promise<number>((resolve) => {
        release = resolve;
        begun();
      });
    const socket = await openControlSocket({
      path,
      vault: opened.vault,
      health: () => [],
      metrics: opened.metrics,
      eventLog: opened.events.eventLog,
      keys: { ...KEYS, rotate },
    });
    const answer = createControlClient(path)({ method: "POST", path: "/control/keys/rotate" });
    await hasBegun;
    const closed = socket.close();
    release(3);
    expect((await answer).body).to.include('"wrapped":3');
    await closed;
    await socket.close();
  });
});

describe("control client", () => {
  it("says that nobody answers when nobody does, or when what answers is not HTTP", async () => {
    const opened = await openVaultForTest();
    const path = opened.folder.file("s");
    const call = () => createControlClient(path)({ method: "GET", path: "/healthz" });
    expect(await codeOf(call())).to.equal("control-socket-silent");
    const server = createServer((socket) => socket.end("hello\n")).listen(path);
    await once(server, "listening");
    expect(await codeOf(call())).to.equal("control-socket-silent");
    server.close();
    await opened.close();
  });

  it("takes no answer beyond 1 MiB", async () => {
    const opened = await openVaultForTest();
    const path = opened.folder.file("s");
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n";
    const server = createServer((socket) => {
      socket.on("error", () => undefined); // the client hangs up, as it should
      socket.end(head + "x".repeat(2_000_000));
    }).listen(path);
    await once(server, "listening");
    const call = createControlClient(path)({ method: "GET", path: "/" });
    expect(await codeOf(call)).to.equal("control-socket-silent");
    server.close();
    await opened.close();
  });
});
