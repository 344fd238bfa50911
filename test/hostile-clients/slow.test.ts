// Clients that take their time (PROXY.md L2): each is let go within the configured time, and others are served meanwhile.

import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { expect } from "chai";
import { respond } from "../kit/answers.ts";
import { eventually } from "../kit/eventually.ts";
import { startProxiedUpstream } from "../kit/proxied-upstream.ts";
import type { ProxiedUpstream } from "../kit/proxied-upstream.ts";
import { head } from "../kit/raw-client.ts";

const MIB = 2 ** 20;
const GET = head("GET /a HTTP/1.1", "Host: h");

describe("hostile clients: slow ones", () => {
  let proxied: ProxiedUpstream;

  before(async () => {
    proxied = await startProxiedUpstream({
      timeouts: { headers: "200ms", request: "800ms", idle: "200ms" },
    });
  });

  beforeEach(() => {
    proxied.upstream.forget();
    proxied.upstream.answerWith(respond());
    proxied.upstream.answerHeadWith(undefined);
  });

  after(() => proxied[Symbol.asyncDispose]());

  const expectService = async () => {
    const response = await fetch(proxied.sidecar.proxyUrl);
    expect(await response.text()).to.equal("ok\n");
  };

  it("L2 a head that comes byte by byte is answered 408 and closed; others are served meanwhile", async () => {
    const drips = await Promise.all(Array.from({ length: 50 }, () => proxied.connect()));
    for (const client of drips) client.send("GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ");
    const dripping = setInterval(() => {
      for (const client of drips) if (client.socket.writable) client.send("x");
    }, 20);
    await expectService();
    const answers = await Promise.all(drips.map((client) => client.closed()));
    clearInterval(dripping);
    for (const answer of answers) expect(answer).to.match(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(proxied.upstream.requests.length).to.equal(1);
  });

  it("L2 connections that never say anything are closed; others are served meanwhile", async () => {
    const idle = await Promise.all(Array.from({ length: 200 }, () => proxied.connect()));
    await expectService();
    await Promise.all(idle.map((client) => client.closed()));
  });

  it("L2 a kept connection is closed when nothing more is asked on it", async () => {
    await using client = await proxied.connect();
    client.send(GET);
    await client.receive("ok\n");
    expect(await client.closed()).to.match(/ok\n$/);
  });

  it("L2 a body that comes byte by byte ends its request on both sides", async () => {
    await using client = await proxied.connect();
    client.send(head("POST / HTTP/1.1", "Host: h", "Content-Length: 100000"));
    const dripping = setInterval(() => {
      if (client.socket.writable) client.send("x");
    }, 20);
    await eventually(
      "the upload begins",
      () => proxied.upstream.bytes().includes("POST") || undefined,
    );
    await expectService();
    const answer = await client.closed();
    clearInterval(dripping);
    expect(answer).to.match(/^(?:HTTP\/1\.1 408 |$)/);
    expect(proxied.upstream.requests.length).to.equal(1);
    await eventually(
      "the upload's connection is closed",
      () => proxied.upstream.openConnections() <= 1 || undefined,
    );
  });

  it("L2 a client that never closes its half of a timed-out connection loses it all the same", async () => {
    const socket = connect({ port: proxied.sidecar.proxyPort, allowHalfOpen: true });
    socket.on("error", () => socket.destroy());
    socket.resume();
    await once(socket, "end");
    await eventually("the connection is closed", () => {
      if (!socket.destroyed) socket.write("x");
      return socket.destroyed || undefined;
    });
  });

  it("a client that does not read holds back the upstream, and is let go when it reads nothing for timeouts.request", async () => {
    let written = 0;
    const accepted = Promise.withResolvers<Socket>();
    proxied.upstream.answerWith((socket, request) => {
      if (request.requestTarget !== "/flood") return respond()(socket, request);
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      accepted.resolve(socket);
    });
    await using client = await proxied.connect();
    client.socket.pause();
    client.send(head("GET /flood HTTP/1.1", "Host: h"));
    const upstream = await accepted.promise;
    const before = process.memoryUsage().rss;
    const piece = Buffer.concat([
      Buffer.from("40000\r\n"),
      Buffer.alloc(0x40000),
      Buffer.from("\r\n"),
    ]);
    // As much as the upstream gets rid of, until it can get rid of no more.
    const flooding = flood(upstream, piece, (bytes) => (written += bytes));
    await expectService();
    await flooding;
    expect(written, "bytes taken from the upstream").to.be.lessThan(64 * MIB);
    expect(process.memoryUsage().rss - before, "growth of memory").to.be.lessThan(96 * MIB);
    await once(upstream, "close");
    await eventually("its line is written", async () => {
      const lines = await proxied.sidecar.logLines(1);
      return lines.find((line) => line["url.path"] === "/flood");
    });
  });

  it("a client that reads slowly gets everything", async () => {
    const body = Buffer.alloc(2 * MIB, "slow ");
    proxied.upstream.answerWith(respond({ body }));
    await using client = await proxied.connect();
    client.socket.pause();
    client.send(head("GET / HTTP/1.1", "Host: h", "Connection: close"));
    const reading = setInterval(() => client.socket.isPaused() && client.socket.resume(), 10);
    client.socket.on("data", () => client.socket.pause());
    const answer = await client.closed();
    clearInterval(reading);
    expect(answer.length).to.be.greaterThan(body.length);
  });
});

/** Writes until what is written has not moved on for many turns, or the connection ends. */
async function flood(
  socket: Socket,
  piece: Buffer,
  onSent: (bytes: number) => void,
): Promise<void> {
  while (!socket.destroyed) {
    if (!socket.write(piece)) {
      const drained = once(socket, "drain").catch(() => undefined);
      const closed = new Promise((resolve) => socket.once("close", resolve));
      await Promise.race([drained, closed]);
    }
    if (!socket.destroyed) onSent(piece.length);
  }
}
