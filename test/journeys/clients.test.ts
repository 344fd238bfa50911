import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect } from "chai";
import express from "express";
import { WebSocket, WebSocketServer } from "ws";
import { switchProtocols } from "../kit/answers.ts";
import { eventually } from "../kit/eventually.ts";
import { head, openRawClient } from "../kit/raw-client.ts";
import { startRecordingUpstream } from "../kit/recording-upstream.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import { runLogveil, writeConfiguration } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import { startWebServer } from "../kit/web-server.ts";

const GIB = 2 ** 30;

describe("journey: real clients", () => {
  it("fetch gets a page, the log a token, and the token its identity", async () => {
    await using upstream = await startWebServer((_request, response) => response.end("a page"));
    await using sidecar = await startRunningSidecar({ upstream: upstream.url });
    const response = await fetch(`${sidecar.proxyUrl}/page?page=2`, {
      headers: { "User-Agent": "agent/1", Cookie: "sid=abc; other=1" },
    });
    expect(await response.text()).to.equal("a page");
    const [line] = await sidecar.logLines(1);
    expect(line).to.include({
      "http.request.method": "GET",
      "url.path": "/page",
      "url.query": "page=2",
      "http.response.status_code": 200,
      "http.response.body.size": 6,
      "network.protocol.version": "1.1",
    });
    for (const spelling of ["session.id", "client.address"]) {
      const { status, body } = await sidecar.lookUp(String(line?.[spelling]));
      expect(status).to.equal(200);
      expect(body.data).to.include({
        clientip: "127.0.0.1",
        "user-agent": "agent/1",
        cookie: "sid=abc; other=1",
      });
    }
  });

  it("a log-in by cookie works with the default configuration, and after a restart", async () => {
    await using upstream = await startWebServer(shop());
    const first = await startRunningSidecar({ upstream: upstream.url });
    try {
      const cookie = await logIn(first.proxyUrl);
      expect(await whoAmI(first.proxyUrl, `_ga=GA1.2; ${cookie}; ads=1`)).to.equal(
        "customer 7; _ga: no; ads: no",
      );
      await first.close();
      await using second = await startRunningSidecar({
        upstream: upstream.url,
        folder: first.folder,
      });
      expect(await whoAmI(second.proxyUrl, cookie)).to.equal("customer 7; _ga: no; ads: no");
    } finally {
      await first.close();
      await first.removeFolder();
    }
  });

  it("a WebSocket carries text and 1 MiB frames both ways, and closes from either side", async () => {
    const echo = new WebSocketServer({ noServer: true });
    await using upstream = await startWebServer((_request, response) => response.end());
    const seen: string[][] = [];
    upstream.server.on("upgrade", (request, socket, start) => {
      seen.push(request.rawHeaders);
      echo.handleUpgrade(request, socket, start, (peer) => {
        peer.on("message", (message, isBinary) => peer.send(message, { binary: isBinary }));
        peer.on(
          "message",
          (message) => (message as Buffer).toString() === "bye" && peer.close(4001),
        );
      });
    });
    await using sidecar = await startRunningSidecar({ upstream: upstream.url });
    const url = sidecar.proxyUrl.replace("http", "ws");
    const client = new WebSocket(`${url}/chat?page=1`, {
      headers: { Cookie: "sid=planted", "User-Agent": "planted/1" },
    });
    await once(client, "open");
    const big = Buffer.alloc(2 ** 20, "x");
    client.send(big);
    expect(Buffer.compare((await once(client, "message"))[0] as Buffer, big)).to.equal(0);
    client.send("bye");
    const [code] = (await once(client, "close")) as [number];
    expect(code).to.equal(4001);
    expect(seen.flat().join()).to.not.include("planted");
    expect(seen.flat()).to.include("x-session-token");
    const [line] = await sidecar.logLines(1);
    expect(line).to.include({ "http.response.status_code": 101, "url.path": "/chat" });
    expect(Number(line?.["http.request.body.size"])).to.be.greaterThan(2 ** 20);
    const closing = new WebSocket(url);
    await once(closing, "open");
    closing.close(4002);
    expect(((await once(closing, "close")) as [number])[0]).to.equal(4002);
  });

  it("an upgrade that the upstream refuses comes back as it is; one that finds no upstream is a 502", async () => {
    await using upstream = await startRecordingUpstream();
    await using sidecar = await startRunningSidecar({ upstream: upstream.url });
    upstream.answerWith(
      async (socket) =>
        void socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno!\n"),
    );
    await using refused = await openRawClient(sidecar.proxyPort);
    refused.send(upgradeRequest());
    expect(await refused.receive("no!")).to.include("403 Forbidden");
    await upstream.close();
    await using unreachable = await openRawClient(sidecar.proxyPort);
    unreachable.send(upgradeRequest());
    expect(await unreachable.closed())
      .to.include("502 Bad Gateway")
      .and.to.include("upstream_unreachable");
    const statuses = (await sidecar.logLines(2)).map((line) => line["http.response.status_code"]);
    expect(statuses).to.have.members([403, 502]);
  });

  it("bytes sent right behind the head of an upgrade are not lost", async () => {
    await using upstream = await startRecordingUpstream();
    upstream.answerWith(switchProtocols());
    await using sidecar = await startRunningSidecar({ upstream: upstream.url });
    await using client = await openRawClient(sidecar.proxyPort);
    client.send(`${upgradeRequest()}early bytes`);
    await eventually(
      "the early bytes arrive",
      () => upstream.bytes().includes("early bytes") || undefined,
    );
  });

  it("server-sent events arrive one by one, and the upstream hears that the client went away", async () => {
    const pushes: ((event: string) => void)[] = [];
    let isClosed = false;
    await using upstream = await startWebServer((_request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.flushHeaders();
      pushes.push((event) => response.write(`data: ${event}\n\n`));
      response.on("close", () => (isClosed = true));
    });
    await using sidecar = await startRunningSidecar({ upstream: upstream.url });
    const stop = new AbortController();
    const response = await fetch(`${sidecar.proxyUrl}/events`, { signal: stop.signal });
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    for (const event of ["one", "two", "three"]) {
      // The next event is pushed only when the last one has been read, so a proxy that gathers them never gets here.
      pushes[0]?.(event);
      const chunk = await reader?.read();
      expect(decoder.decode(chunk?.value)).to.equal(`data: ${event}\n\n`);
    }
    stop.abort();
    await eventually("the upstream sees the end", () => isClosed || undefined);
    const [line] = await sidecar.logLines(1);
    expect(line).to.include({ "error.type": "client_aborted", "http.response.status_code": 200 });
  });

  it("1 GiB streams through in either direction in constant memory", async function () {
    this.timeout(180_000);
    await using upstream = await startWebServer((request, response) => {
      if (request.method === "GET") {
        response.writeHead(200, { "Content-Length": GIB });
        void pipeline(zeros(GIB), response).catch(() => response.destroy());
        return;
      }
      let received = 0;
      request.on("data", (chunk: Buffer) => (received += chunk.length));
      request.on("end", () => response.end(String(received)));
    });
    await using folder = await createTemporaryFolder();
    const config = await writeConfiguration(folder.path, upstream.url);
    await using logveil = runLogveil(["serve", "--config", config]);
    const { proxyUrl } = await logveil.ready();
    await fetch(proxyUrl, { method: "POST", body: "warm up" }).then((response) => response.text());
    const before = await residentBytes(logveil.child.pid);

    expect(await download(proxyUrl)).to.equal(GIB);
    expect(await upload(proxyUrl)).to.equal(String(GIB));

    const grown = (await residentBytes(logveil.child.pid)) - before;
    expect(grown, "growth of the resident set after 2 GiB").to.be.lessThan(128 * 2 ** 20);
  });
});

/** An application that remembers who logged in by a cookie of its own name. */
function shop() {
  const application = express();
  application.post("/login", (_request, response) => {
    response.cookie("shop_login", "secret-of-7", { httpOnly: true }).send("welcome");
  });
  application.get("/me", (request, response) => {
    const cookies = String(request.headers.cookie);
    const has = (text: string) => cookies.includes(text);
    response.send(
      `${has("shop_login=secret-of-7") ? "customer 7" : "nobody"}; _ga: ${has("_ga") ? "yes" : "no"}; ads: ${has("ads") ? "yes" : "no"}`,
    );
  });
  return application;
}

async function logIn(url: string): Promise<string> {
  const response = await fetch(`${url}/login`, { method: "POST" });
  return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

async function whoAmI(url: string, cookie: string): Promise<string> {
  return (await fetch(`${url}/me`, { headers: { Cookie: cookie } })).text();
}

function upgradeRequest(): string {
  return head(
    "GET /socket HTTP/1.1",
    "Host: h",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  );
}

function zeros(bytes: number): Readable {
  const chunk = Buffer.alloc(2 ** 16);
  let left = bytes;
  return new Readable({
    read() {
      left -= chunk.length;
      this.push(chunk);
      if (left <= 0) this.push(null);
    },
  });
}

async function download(url: string): Promise<number> {
  const response = await fetch(url);
  let received = 0;
  for await (const chunk of response.body ?? []) received += chunk.length;
  return received;
}

async function upload(url: string): Promise<string> {
  const request = httpRequest(url, { method: "PUT" });
  const answered = once(request, "response");
  await pipeline(zeros(GIB), request);
  const [response] = (await answered) as [AsyncIterable<Buffer>];
  let body = "";
  for await (const chunk of response) body += chunk.toString();
  return body;
}

async function residentBytes(pid: number | undefined): Promise<number> {
  const { readFile } = await import("node:fs/promises");
  const status = await readFile(`/proc/${String(pid)}/status`, "utf8");
  return Number(/VmRSS:\s+(?<kib>\d+) kB/.exec(status)?.groups?.["kib"]) * 1024;
}
