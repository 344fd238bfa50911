// What becomes of an exchange when either side breaks it off, and of its connection to the upstream (PROXY.md R13, R14, R17 to R19).

import { expect } from "chai";
import {
  hang,
  hangUp,
  reset,
  respond,
  respondBytes,
  respondInChunks,
  respondInTurn,
} from "../../kit/answers.ts";
import { eventually } from "../../kit/eventually.ts";
import { createHandClock } from "../../kit/hand-clock.ts";
import { startProxiedUpstream } from "../../kit/proxied-upstream.ts";
import type { ProxiedUpstream } from "../../kit/proxied-upstream.ts";
import { exchangeRaw, head, openRawClient } from "../../kit/raw-client.ts";
import { startRecordingUpstream } from "../../kit/recording-upstream.ts";
import { startRunningSidecar } from "../../kit/running-sidecar.ts";

const GET = head("GET /a HTTP/1.1", "Host: h");
const CLOSING = head("GET /a HTTP/1.1", "Host: h", "Connection: close");
const UPLOAD = head("POST /a HTTP/1.1", "Host: h", "Content-Length: 1000000");

describe("conformance: exchanges that are broken off", () => {
  let proxied: ProxiedUpstream;

  beforeEach(async () => {
    proxied = await startProxiedUpstream({
      timeouts: { upstreamResponse: "300ms", upstreamConnect: "2s" },
    });
  });

  afterEach(() => proxied[Symbol.asyncDispose]());

  const ask = (request: string) => exchangeRaw(proxied.sidecar.proxyPort, request);

  /** The client's request reached the upstream, the client goes away, and so must the connection to the upstream. */
  const abandon = async (request: string, until: () => Promise<unknown>) => {
    const client = await proxied.connect();
    client.send(request);
    await until();
    client.socket.resetAndDestroy();
    await proxied.upstream.idle();
    const [line] = await proxied.sidecar.logLines(1);
    expect(line?.["error.type"]).to.equal("client_aborted");
    return line;
  };

  it("R13 the client goes away before the answer: the upstream hears of it", async () => {
    await using other = await startProxiedUpstream();
    other.upstream.answerWith(hang);
    const client = await other.connect();
    client.send(GET);
    await other.upstream.request(0);
    client.socket.resetAndDestroy();
    await other.upstream.idle();
    const [line] = await other.sidecar.logLines(1);
    expect(line).to.include({ "error.type": "client_aborted", "http.response.status_code": 499 });
  });

  it("R13 the client goes away within the answer", async () => {
    const never = Promise.withResolvers<string>();
    proxied.upstream.answerWith(respondInChunks(["one", never.promise]));
    const client = await proxied.connect();
    client.send(GET);
    await client.receive("one");
    client.socket.resetAndDestroy();
    await proxied.upstream.idle();
    never.resolve("");
    const [line] = await proxied.sidecar.logLines(1);
    expect(line).to.include({ "error.type": "client_aborted", "http.response.status_code": 200 });
  });

  it("R13 the client goes away within its own body", async () => {
    await abandon(`${UPLOAD}some of it`, () =>
      eventually("the upload begins", () => proxied.upstream.bytes().includes("some") || undefined),
    );
    expect(proxied.upstream.requests.length).to.equal(0);
  });

  it("R13 a client that ends its half of the connection has gone away", async () => {
    proxied.upstream.answerWith(hang);
    const client = await proxied.connect();
    client.send(GET);
    await proxied.upstream.request(0);
    client.socket.end();
    expect(await client.closed()).to.equal("");
    await proxied.upstream.idle();
  });

  it("R14 the client goes away while its session is made: no connection to the upstream is left", async () => {
    // The first request of an epoch waits for the epoch's keys.
    const clock = createHandClock();
    await using upstream = await startRecordingUpstream();
    upstream.answerWith(hang);
    await using sidecar = await startRunningSidecar({
      upstream: upstream.url,
      clock,
      settings: { session: { rotate: "1h" } },
    });
    for (let epoch = 1; epoch <= 5; epoch += 1) {
      clock.advance(3600 * 1000);
      const client = await openRawClient(sidecar.proxyPort);
      // Both in one packet: the end is there before the keys are.
      client.socket.end(GET);
      const lines = await sidecar.logLines(epoch);
      expect(lines.at(-1)?.["http.response.status_code"]).to.equal(499);
      await upstream.idle();
    }
  });

  it("R17 refused: 502", async () => {
    await proxied.upstream.close();
    expect(await ask(CLOSING))
      .to.match(/^HTTP\/1\.1 502 /)
      .and.to.include("upstream_unreachable");
  });

  it("R17 a name that does not exist: 502", async () => {
    await using sidecar = await startRunningSidecar({ upstream: "http://nowhere.invalid:80" });
    const answer = await exchangeRaw(sidecar.proxyPort, CLOSING);
    expect(answer)
      .to.match(/^HTTP\/1\.1 502 /)
      .and.to.include("upstream_unreachable");
    expect(answer).to.not.include("nowhere");
  });

  for (const [name, way] of [
    ["reset", reset],
    ["closed", hangUp],
    ["closed within the head", respondBytes("HTTP/1.1 200 OK\r\nContent-Le", { end: true })],
  ] as const) {
    it(`R17 ${name} before a whole head: 502`, async () => {
      proxied.upstream.answerWith(way);
      expect(await ask(CLOSING))
        .to.match(/^HTTP\/1\.1 502 /)
        .and.to.include("upstream_reset");
      await proxied.upstream.idle();
    });
  }

  it("R17 no answer in time: 504, and the connection to the upstream is closed", async () => {
    proxied.upstream.answerWith(hang);
    expect(await ask(CLOSING))
      .to.match(/^HTTP\/1\.1 504 /)
      .and.to.include("upstream_timeout");
    await proxied.upstream.idle();
  });

  for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]) {
    it(`R18 ${method} on a reused connection that died is sent once more`, async () => {
      expect(await secondOf(method, "Content-Length: 0")).to.match(/ 200 (?!.* 200 )/s);
      expect(proxied.upstream.requests.length).to.equal(3);
    });
  }

  for (const [method, framing] of [
    ["POST", "Content-Length: 0"],
    ["PATCH", "Content-Length: 0"],
    ["PUT", "Content-Length: 4"],
  ] as const) {
    it(`R18 ${method} with ${framing} is never sent twice`, async () => {
      expect(await secondOf(method, framing)).to.match(/ 502 /);
      expect(proxied.upstream.requests.length).to.equal(2);
    });
  }

  it("R18 nothing is sent a third time", async () => {
    proxied.upstream.answerWith(respondInTurn(respond(), hangUp, hangUp, respond()));
    await using client = await proxied.connect();
    client.send(GET);
    await client.receive("ok\n");
    client.send(GET);
    await client.receive(" 502 ");
    expect(proxied.upstream.requests.length).to.equal(3);
  });

  it("R18 nothing is sent again once its answer has begun", async () => {
    proxied.upstream.answerWith(respondInChunks(["one", "two"], { cutAfter: 1 }));
    expect(await ask(CLOSING)).to.not.include("0\r\n\r\n");
    expect(proxied.upstream.requests.length).to.equal(1);
  });

  it("R19 an early answer reaches a client that reads only when it has sent everything", async () => {
    proxied.upstream.answerHeadWith(respond({ status: 413, body: "too much" }));
    await using client = await proxied.connect();
    client.socket.pause();
    const bytes = 32 * 2 ** 20;
    client.send(head("POST /a HTTP/1.1", "Host: h", `Content-Length: ${String(bytes)}`));
    // More than all the buffers on the way hold: it goes through only if somebody goes on reading.
    client.send(Buffer.alloc(bytes));
    await eventually("everything is sent", () => client.socket.writableLength === 0 || undefined);
    client.socket.resume();
    const answer = await client.closed();
    expect(answer)
      .to.match(/^HTTP\/1\.1 413 /)
      .and.to.match(/connection: close/i);
    expect(answer).to.include("too much");
    await proxied.upstream.idle();
  });

  it("R19 what a client sends behind an upload that was cut short is no request", async () => {
    proxied.upstream.answerHeadWith(respond({ status: 413, body: "too much" }));
    await using client = await proxied.connect();
    client.send(`${head("POST /a HTTP/1.1", "Host: h", "Content-Length: 100")}x`);
    await client.receive("too much");
    client.send("x".repeat(99) + head("GET /behind HTTP/1.1", "Host: h"));
    client.socket.end();
    expect(await client.closed()).to.not.match(/ 200 /);
    expect(proxied.upstream.bytes().includes("behind")).to.equal(false);
  });

  /** A first request opens the connection that dies under the second. */
  async function secondOf(method: string, framing: string): Promise<string> {
    proxied.upstream.answerWith(
      respondInTurn(respond({ body: "first" }), hangUp, respond({ body: "again" })),
    );
    await using client = await proxied.connect();
    client.send(GET);
    const before = (await client.receive("first")).length;
    const lines = [`${method} /b HTTP/1.1`, "Host: h", "Connection: close", framing];
    client.send(head(...lines) + (framing.endsWith("4") ? "body" : ""));
    return (await client.closed()).slice(before);
  }
});
