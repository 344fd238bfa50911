import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { expect } from "chai";
import { WebSocket, WebSocketServer } from "ws";
import { startEchoUpstream } from "../../kit/echo-upstream.ts";
import { askSocket } from "../../kit/https-client.ts";
import { startRecordingUpstream } from "../../kit/recording-upstream.ts";
import { startRunningSidecar } from "../../kit/running-sidecar.ts";
import type { RunningSidecar, Settings } from "../../kit/running-sidecar.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";

/** A web server on a Unix socket that tells what it was asked, and echoes what comes through a WebSocket. */
async function startSocketUpstream(
  path: string,
): Promise<AsyncDisposable & { readonly path: string }> {
  const server: Server = createServer((request: IncomingMessage, response) => {
    response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.on("message", (text) => socket.send(text)));
  server.listen(path);
  await once(server, "listening");
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const startOn = (path: string, upstream: string, proxy: Settings = {}): Promise<RunningSidecar> =>
  startRunningSidecar({ upstream, settings: { proxy: { listen: `unix:${path}`, ...proxy } } });

async function addressOf(sidecar: RunningSidecar, count: number): Promise<string | undefined> {
  const lines = await sidecar.logLines(count);
  const { body } = await sidecar.lookUp(String(lines[count - 1]?.["session.id"]));
  return body.data?.["clientip"];
}

describe("transport: Unix sockets", () => {
  it("listens on one: with the mode that was asked for, gone at the end", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    const path = folder.file("logveil.sock");
    for (const [socketAccess, mode] of [
      ["owner", 0o600],
      ["group", 0o660],
      ["all", 0o666],
    ] as const) {
      await using sidecar = await startOn(path, upstream.url, { socketAccess });
      expect(statSync(path).mode & 0o777, socketAccess).to.equal(mode);
      expect(await askSocket(path, "/page")).to.include({ status: 200 });
      await sidecar.close();
      expect(existsSync(path)).to.equal(false);
    }
  });

  it("replaces a socket that nobody listens on, and nothing else", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    const path = folder.file("logveil.sock");
    await leaveSocketBehind(path);
    expect(statSync(path).isSocket()).to.equal(true);
    await using sidecar = await startOn(path, upstream.url);
    expect(await askSocket(path, "/page")).to.include({ status: 200 });
    const second = await startOn(path, upstream.url).catch((error: unknown) => error);
    expect(second).to.include({ code: "listen-failed" });
    expect(await askSocket(path, "/still")).to.include({ status: 200 });
    await sidecar.close();
    await writeFile(path, "somebody's file");
    const third = await startOn(path, upstream.url).catch((error: unknown) => error);
    expect(third).to.include({ code: "listen-failed" });
    expect(existsSync(path)).to.equal(true);
  });

  it("leaves alone what has taken its place when it ends", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    const path = folder.file("logveil.sock");
    const sidecar = await startOn(path, upstream.url);
    await rm(path);
    const other = createTcpServer().listen(path);
    await once(other, "listening");
    await sidecar[Symbol.asyncDispose]();
    expect(existsSync(path)).to.equal(true);
    other.close();
  });

  it("knows a client by what a trusted peer says, and by no address otherwise", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    const path = folder.file("logveil.sock");
    const headers = { "X-Forwarded-For": "198.51.100.237", "X-Forwarded-Proto": "https" };
    {
      await using sidecar = await startOn(path, upstream.url);
      await askSocket(path, "/", { headers });
      expect(await addressOf(sidecar, 1)).to.equal("::");
    }
    await using sidecar = await startOn(path, upstream.url, { trustedProxies: ["unix"] });
    const { body } = await askSocket(path, "/", { headers });
    expect(await addressOf(sidecar, 1)).to.equal("198.51.100.237");
    expect(body).to.include('"x-forwarded-proto":"https"').and.not.to.include("198.51.100.237");
    await askSocket(path, "/bare");
    expect(await addressOf(sidecar, 2)).to.equal("::");
  });

  it("trusts no TCP connection because of the word unix", async () => {
    await using upstream = await startEchoUpstream();
    await using sidecar = await startRunningSidecar({
      upstream: upstream.url,
      settings: { proxy: { trustedProxies: ["unix"] } },
    });
    await fetch(sidecar.proxyUrl, { headers: { "X-Forwarded-For": "198.51.100.237" } });
    expect(await addressOf(sidecar, 1)).to.equal("127.0.0.1");
  });

  it("takes a PROXY protocol header through one", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    const path = folder.file("logveil.sock");
    await using sidecar = await startOn(path, upstream.url, {
      trustedProxies: ["unix"],
      proxyProtocol: "on",
    });
    const socket = connect(path);
    socket.write("PROXY TCP4 198.51.100.237 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(String((await once(socket, "data"))[0])).to.match(/^HTTP\/1\.1 200 /);
    socket.destroy();
    expect(await addressOf(sidecar, 1)).to.equal("198.51.100.237");
  });

  it("forwards to one, requests and WebSockets, with the client's Host", async () => {
    await using folder = await createTemporaryFolder();
    const [front, back] = [folder.file("front.sock"), folder.file("back.sock")];
    await using upstream = await startSocketUpstream(back);
    expect(upstream.path).to.equal(back);
    await using sidecar = await startOn(front, `unix:${back}`);
    const { status, body } = await askSocket(front, "/a?page=1", {
      headers: { Host: "shop.example", "User-Agent": "agent/1" },
    });
    expect(status).to.equal(200);
    const seen = JSON.parse(body) as { url: string; headers: Record<string, string> };
    expect(seen.url).to.equal("/a?page=1");
    expect(seen.headers["host"]).to.equal("shop.example");
    expect(seen.headers["user-agent"]).to.match(/^logveil-session\//);
    const socket = new WebSocket(`ws+unix:${front}:/socket`);
    await once(socket, "open");
    socket.send("through two sockets");
    expect(String((await once(socket, "message"))[0])).to.equal("through two sockets");
    socket.terminate();
    const lines = await sidecar.logLines(2);
    expect(lines[1]).to.include({ "http.response.status_code": 101 });
  });

  it("answers 502 when nobody listens on the upstream's", async () => {
    await using folder = await createTemporaryFolder();
    await using sidecar = await startRunningSidecar({
      upstream: `unix:${folder.file("none.sock")}`,
    });
    const response = await fetch(sidecar.proxyUrl);
    expect(response.status).to.equal(502);
    expect(await response.text()).not.to.include("none.sock");
  });

  it("gives a vault on one to its owner alone", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startRecordingUpstream();
    const path = folder.file("vault.sock");
    await using sidecar = await startRunningSidecar({
      upstream: upstream.url,
      settings: { vault: { listen: `unix:${path}` } },
    });
    expect(sidecar.sidecar.vaultAddress).to.deep.equal({ path });
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(await askSocket(path, "/healthz")).to.include({ status: 200 });
  });
});

/** As a process does that is killed. */
async function leaveSocketBehind(path: string): Promise<void> {
  const child = fork(new URL("../../kit/listening-child.ts", import.meta.url), [path], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  await once(child, "message");
  child.kill("SIGKILL");
  await once(child, "close");
}
