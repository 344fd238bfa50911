// WebSocket connections, byte for byte (PROXY.md R16; RFC 6455, RFC 9110 section 7.8), and server-sent events (R15).

import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { expect } from "chai";
import { WebSocket, WebSocketServer } from "ws";
import {
  hang,
  hangUp,
  reset,
  respond,
  respondBytes,
  respondInChunks,
  switchProtocols,
} from "../../kit/answers.ts";
import { eventually } from "../../kit/eventually.ts";
import { startProxiedUpstream } from "../../kit/proxied-upstream.ts";
import type { ProxiedUpstream } from "../../kit/proxied-upstream.ts";
import { head } from "../../kit/raw-client.ts";
import type { RawClient } from "../../kit/raw-client.ts";
import { startRunningSidecar } from "../../kit/running-sidecar.ts";
import { startWebServer } from "../../kit/web-server.ts";

const MIB = 2 ** 20;
const UPGRADE = head(
  "GET /socket HTTP/1.1",
  "Host: h",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "X-Forwarded-For: 203.0.113.77",
);
const SWITCHED =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";

describe("conformance: tunnels and streams of events", () => {
  let proxied: ProxiedUpstream;

  beforeEach(async () => {
    proxied = await startProxiedUpstream({
      timeouts: { upstreamResponse: "500ms", drain: "200ms" },
    });
  });

  afterEach(() => proxied[Symbol.asyncDispose]());

  /** An upgraded connection; `upstream` is the other end of it. */
  const openTunnel = async () => {
    const accepted = Promise.withResolvers<Socket>();
    proxied.upstream.answerWith((socket) => {
      socket.write(`${SWITCHED}\r\n`);
      accepted.resolve(socket);
    });
    const client = await proxied.connect();
    client.send(UPGRADE);
    await client.receive("\r\n\r\n");
    return { client, upstream: await accepted.promise };
  };

  const upgrade = async (answer: Parameters<typeof proxied.upstream.answerWith>[0]) => {
    proxied.upstream.answerWith(answer);
    const client = await proxied.connect();
    client.send(UPGRADE);
    return client;
  };

  it("R16 binary frames of 1 MiB come back as they were sent, many under way at once", async () => {
    const echo = new WebSocketServer({ noServer: true, maxPayload: 2 * MIB });
    await using web = await startWebServer((_request, response) => response.end());
    web.server.on("upgrade", (request, socket, start) =>
      echo.handleUpgrade(request, socket, start, (peer) =>
        peer.on("message", (message, isBinary) => peer.send(message, { binary: isBinary })),
      ),
    );
    await using sidecar = await startRunningSidecar({ upstream: web.url });
    const client = new WebSocket(sidecar.proxyUrl.replace("http", "ws"), { maxPayload: 2 * MIB });
    await once(client, "open");
    const frames = Array.from({ length: 8 }, (_, n) =>
      Buffer.alloc(MIB, `frame ${String(n)} \u00FF`),
    );
    const echoed: Buffer[] = [];
    client.on("message", (message) => echoed.push(message as Buffer));
    for (const frame of frames) client.send(frame, { binary: true });
    await eventually("all frames are back", () => echoed.length === frames.length || undefined);
    for (const [n, frame] of frames.entries())
      expect(echoed[n] !== undefined && frame.equals(echoed[n])).to.equal(true);
    client.terminate();
  });

  it("R16 the client's identity is gone from the head of an upgrade", async () => {
    await using client = await upgrade(switchProtocols());
    await client.receive(" 101 ");
    const sent = (await proxied.upstream.request(0)).head.toString();
    expect(sent)
      .to.match(/x-session-token: /i)
      .and.to.not.include("203.0.113.77");
    expect(sent).to.match(/sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==/i);
  });

  it("R16 bytes right behind either head are not lost", async () => {
    proxied.upstream.answerWith(async (socket) => {
      socket.write(`${SWITCHED}\r\nearly answer`);
    });
    await using client = await proxied.connect();
    client.send(`${UPGRADE}early question`);
    await client.receive("early answer");
    await eventually(
      "the early bytes arrive",
      () => proxied.upstream.bytes().includes("early question") || undefined,
    );
  });

  it("R16 fields of the 101 reach the client, whose session belongs to nobody it is told of", async () => {
    const user = "0a0a0a0a-0000-0000-0000-00000000000a";
    await using client = await upgrade(
      respondBytes(`${SWITCHED}Sec-WebSocket-Accept: x\r\nX-Databunker-User: ${user}\r\n\r\n`),
    );
    const answer = await client.receive("\r\n\r\n");
    expect(answer)
      .to.match(/^HTTP\/1\.1 101 /)
      .and.to.match(/sec-websocket-accept: x\r\n/i);
    expect(answer).to.not.include(user);
  });

  for (const [name, answer] of [
    ["of known length", respond({ status: 403, body: "no entry" })],
    ["in chunks", respondInChunks(["no ", "entry"], { status: 403 })],
    [
      "that ends with its connection",
      respondBytes("HTTP/1.1 403 X\r\n\r\nno entry", { end: true }),
    ],
  ] as const) {
    it(`R16 403 of the upstream ${name} comes back whole, and the connection ends`, async () => {
      await using client = await upgrade(answer);
      const received = await client.closed();
      expect(received).to.match(/^HTTP\/1\.[01] 403 /);
      expect(received.replaceAll(/\r\n\w+\r\n/g, "")).to.match(/no entry/);
      const [line] = await proxied.sidecar.logLines(1);
      expect(line?.["http.response.status_code"]).to.equal(403);
    });
  }

  for (const [name, answer, status, errorType] of [
    ["reset", reset, 502, "upstream_reset"],
    ["closed", hangUp, 502, "upstream_reset"],
    ["no HTTP", respondBytes("SSH-2.0-x\r\n\r\n"), 502, "upstream_invalid"],
    ["silence", hang, 504, "upstream_timeout"],
  ] as const) {
    it(`R16 ${name} instead of 101: ${String(status)}, and no connection is left`, async () => {
      await using client = await upgrade(answer);
      const received = await client.closed();
      expect(received).to.match(new RegExp(`^HTTP/1\\.1 ${String(status)} `));
      expect(received).to.include(errorType);
      await proxied.upstream.idle();
    });
  }

  it("R16 a client that goes away before the 101 leaves no connection to the upstream", async () => {
    const client = await upgrade(hang);
    await proxied.upstream.request(0);
    client.socket.resetAndDestroy();
    await proxied.upstream.idle();
    const [line] = await proxied.sidecar.logLines(1);
    expect(line?.["http.response.status_code"]).to.equal(499);
  });

  it("R16 the client closes: the upstream's side ends", async () => {
    const { client, upstream } = await openTunnel();
    client.socket.end("last words");
    await once(upstream, "close");
    expect(proxied.upstream.bytes().includes("last words")).to.equal(true);
    await client.closed();
  });

  it("R16 the upstream closes: the client's side ends", async () => {
    const { client, upstream } = await openTunnel();
    upstream.end("last words");
    expect(await client.closed()).to.match(/last words$/);
    await proxied.upstream.idle();
  });

  it("R16 the client resets: the upstream's side ends, even when the upstream does not close its own", async () => {
    const { client, upstream } = await openTunnel();
    upstream.allowHalfOpen = true;
    client.socket.resetAndDestroy();
    await once(upstream, "end");
    // Whoever writes into a connection that is gone hears it.
    await writeUntilClosed(upstream);
  });

  it("R16 the upstream resets: the client sees the connection broken off", async () => {
    const { client, upstream } = await openTunnel();
    upstream.resetAndDestroy();
    await client.closed();
    await proxied.upstream.idle();
  });

  it("R16 a client that never closes its half does not keep an ended tunnel", async () => {
    const accepted = Promise.withResolvers<Socket>();
    proxied.upstream.answerWith((socket) => {
      socket.write(`${SWITCHED}\r\n`);
      accepted.resolve(socket);
    });
    const socket = connect({ port: proxied.sidecar.proxyPort, allowHalfOpen: true });
    socket.on("error", () => socket.destroy());
    socket.resume();
    socket.write(UPGRADE);
    (await accepted.promise).end();
    await once(socket, "end");
    await writeUntilClosed(socket);
  });

  it("R16 back-pressure holds in a tunnel: what nobody reads is not taken in", async () => {
    const { client, upstream } = await openTunnel();
    client.socket.pause();
    const flood = Buffer.alloc(256 * 1024);
    let written = 0;
    while (upstream.writableLength < 8 * MIB && written < 64 * MIB) {
      upstream.write(flood);
      written += flood.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(written, "bytes the upstream could send to a client that reads none").to.be.lessThan(
      64 * MIB,
    );
    client.socket.resume();
    await drained(client, written);
  });

  it("G1 a tunnel is broken off when the time to drain is over", async () => {
    const { client } = await openTunnel();
    const closing = proxied.sidecar.sidecar.close();
    await client.closed();
    await closing;
    await proxied.upstream.idle();
  });

  it("R15 each event is there before the next one is sent, and the end of the client is the upstream's", async () => {
    const accepted = Promise.withResolvers<Socket>();
    proxied.upstream.answerWith((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
      accepted.resolve(socket);
    });
    await using client = await proxied.connect();
    client.send(head("GET /events HTTP/1.1", "Host: h", "Accept: text/event-stream"));
    const upstream = await accepted.promise;
    // The head first, alone: a browser reports the connection as open by it.
    await client.receive("text/event-stream");
    for (const event of ["one", "two", "three"]) {
      upstream.write(`data: ${event}\n\n`);
      await client.receive(`data: ${event}\n\n`);
    }
    client.socket.end();
    await proxied.upstream.idle();
  });
});

/** A connection that is gone at its other end answers what is written into it with a reset. */
async function writeUntilClosed(socket: Socket): Promise<void> {
  await eventually("the connection is closed", () => {
    if (!socket.destroyed) socket.write("x");
    return socket.destroyed || undefined;
  });
}

/** Waits until the client has everything, which is only so if nothing was lost while it did not read. */
async function drained(client: RawClient, bytes: number): Promise<void> {
  await eventually(
    "everything has come through",
    () => client.socket.bytesRead >= bytes || undefined,
  );
}
