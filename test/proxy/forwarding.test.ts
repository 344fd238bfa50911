import { expect } from "chai";
import {
  hang,
  hangUp,
  reset,
  respond,
  respondAfterInterim,
  respondBytes,
  respondInChunks,
  respondInTurn,
  respondWhen,
} from "../kit/answers.ts";
import { eventually } from "../kit/eventually.ts";
import { exchangeRaw, head, openRawClient } from "../kit/raw-client.ts";
import { startRecordingUpstream } from "../kit/recording-upstream.ts";
import type { RecordingUpstream } from "../kit/recording-upstream.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar, Settings } from "../kit/running-sidecar.ts";

const GET = head("GET /a HTTP/1.1", "Host: h", "Connection: close");

describe("proxy: forwarding", () => {
  let upstream: RecordingUpstream;
  let sidecar: RunningSidecar;

  const restart = async (settings: Settings) => {
    await sidecar[Symbol.asyncDispose]();
    sidecar = await startRunningSidecar({ upstream: upstream.url, settings });
  };

  beforeEach(async () => {
    upstream = await startRecordingUpstream();
    sidecar = await startRunningSidecar({ upstream: upstream.url });
  });

  afterEach(async () => {
    await sidecar[Symbol.asyncDispose]();
    await upstream.close();
  });

  it("keeps status, reason, fields and body, and drops what belongs to the hop", async () => {
    upstream.answerWith(
      respondInChunks(["one ", "two"], {
        status: 203,
        reason: "Mine",
        headers: [
          ["X-A", "1"],
          ["Set-Cookie", "a=1"],
          ["x-a", "2"],
          ["Set-Cookie", "b=2"],
          ["Connection", "X-Hop"],
          ["X-Hop", "h"],
          ["X-Databunker-User", "someone"],
        ],
      }),
    );
    const answer = await exchangeRaw(sidecar.proxyPort, GET);
    expect(answer).to.match(
      /^HTTP\/1\.1 203 Mine\r\nX-A: 1\r\nSet-Cookie: a=1\r\nx-a: 2\r\nSet-Cookie: b=2\r\n/,
    );
    expect(answer).to.not.include("X-Hop").and.to.not.include("someone");
    expect(answer).to.match(/one .*two.*0\r\n\r\n$/s);
  });

  it("answers HEAD with the length and without the body", async () => {
    upstream.answerWith(respondBytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
    const answer = await exchangeRaw(sidecar.proxyPort, GET.replace("GET", "HEAD"));
    expect(answer)
      .to.match(/Content-Length: 5\r\n/i)
      .and.to.match(/\r\n\r\n$/);
  });

  it("passes response trailers on", async () => {
    upstream.answerWith(respondInChunks(["x"], { trailers: [["X-Sum", "abc"]] }));
    expect(await exchangeRaw(sidecar.proxyPort, GET)).to.match(/0\r\nX-Sum: abc\r\n\r\n$/);
  });

  it("passes early hints on, and the final response after them", async () => {
    const hints = {
      status: 103,
      reason: "Early Hints",
      headers: [["Link", "</a>; rel=preload"]] as const,
    };
    upstream.answerWith(respondAfterInterim([hints], respond({ body: "final" })));
    const answer = await exchangeRaw(sidecar.proxyPort, GET);
    expect(answer).to.match(
      /^HTTP\/1\.1 103 [^\r]*\r\nLink: <\/a>; rel=preload\r\n\r\nHTTP\/1\.1 200/,
    );
  });

  it("answers Expect: 100-continue and rewrites the headers of such a request too", async () => {
    await using client = await openRawClient(sidecar.proxyPort);
    client.send(
      head(
        "POST / HTTP/1.1",
        "Host: h",
        "Expect: 100-continue",
        "Content-Length: 2",
        "X-Real-IP: 203.0.113.9",
      ),
    );
    await client.receive("HTTP/1.1 100 Continue");
    client.send("ok");
    await client.receive("HTTP/1.1 200");
    const request = await upstream.request(0);
    expect(request.body.toString()).to.equal("ok");
    expect(request.head.toString()).to.not.include("203.0.113.9");
  });

  it("retries once on a dead connection, when that is safe", async () => {
    upstream.answerWith(respondInTurn(hangUp, respond({ body: "second" })));
    expect(await exchangeRaw(sidecar.proxyPort, GET)).to.include("second");
    expect(upstream.requests.length).to.equal(2);
  });

  it("never retries what is not idempotent, nor twice", async () => {
    upstream.answerWith(reset);
    const post = head("POST /a HTTP/1.1", "Host: h", "Connection: close", "Content-Length: 0");
    expect(await exchangeRaw(sidecar.proxyPort, post)).to.include("502 Bad Gateway");
    expect(upstream.requests.length).to.equal(1);
    expect(await exchangeRaw(sidecar.proxyPort, GET)).to.include("502 Bad Gateway");
    expect(upstream.requests.length).to.equal(3);
  });

  it("a body that breaks off reaches the client as a broken one", async () => {
    upstream.answerWith(respondInChunks(["one", "two"], { cutAfter: 1 }));
    const answer = await exchangeRaw(sidecar.proxyPort, GET);
    expect(answer).to.include("one").and.to.not.include("0\r\n\r\n");
    const [line] = await sidecar.logLines(1);
    expect(line).to.include({ "error.type": "upstream_reset", "http.response.status_code": 200 });
  });

  it("answers 502 and 504 with a problem that repeats nothing", async () => {
    await restart({ proxy: { timeouts: { upstreamResponse: "300ms" } } });
    upstream.answerWith(hang);
    const secret = head("GET /canary?canary HTTP/1.1", "Host: canary", "Connection: close");
    const late = await exchangeRaw(sidecar.proxyPort, secret);
    expect(late).to.include("504 Gateway Timeout").and.to.include("application/problem+json");
    expect(late).to.include('"code":"upstream_timeout"').and.to.not.include("canary");
    await upstream.close();
    const unreachable = await exchangeRaw(sidecar.proxyPort, secret);
    expect(unreachable)
      .to.include("502 Bad Gateway")
      .and.to.include('"code":"upstream_unreachable"');
    expect(unreachable).to.not.include("canary").and.to.not.include(String(upstream.port));
  });

  it("relays an early answer to a large upload and closes the connection", async () => {
    upstream.answerHeadWith(respond({ status: 413, body: "too much" }));
    await using client = await openRawClient(sidecar.proxyPort);
    client.send(head("POST / HTTP/1.1", "Host: h", "Content-Length: 100000000"));
    client.send("x".repeat(100_000));
    const answer = await client.receive("too much");
    expect(answer)
      .to.include("413")
      .and.to.match(/Connection: close/i);
    await client.closed();
  });

  it("refuses a body over the limit before, or as soon as, it is known", async () => {
    await restart({ proxy: { limits: { body: "16B" } } });
    const declared = head("POST / HTTP/1.1", "Host: h", "Content-Length: 17");
    expect(await exchangeRaw(sidecar.proxyPort, declared)).to.include("413 ");
    expect(upstream.requests.length).to.equal(0);
    const chunked = head(
      "POST / HTTP/1.1",
      "Host: h",
      "Connection: close",
      "Transfer-Encoding: chunked",
    );
    expect(
      await exchangeRaw(sidecar.proxyPort, `${chunked}11\r\n${"x".repeat(17)}\r\n0\r\n\r\n`),
    ).to.include("413 ");
    expect(upstream.requests.length).to.equal(0);
  });

  it("a client that goes away ends the upstream's request", async () => {
    upstream.answerWith(hang);
    const client = await openRawClient(sidecar.proxyPort);
    client.send(GET);
    await upstream.request(0);
    await client[Symbol.asyncDispose]();
    await upstream.idle();
    const [line] = await sidecar.logLines(1);
    expect(line).to.include({ "error.type": "client_aborted", "http.response.status_code": 499 });
  });

  it("drains: accepts nothing new, finishes what runs, closes idle connections", async () => {
    let release: () => void = () => undefined;
    upstream.answerWith(
      respondWhen(
        new Promise<void>((resolve) => (release = resolve)),
        respond({ body: "finished" }),
      ),
    );
    await restart({ proxy: { timeouts: { drain: "30s" } } });
    await using idle = await openRawClient(sidecar.proxyPort);
    await using running = await openRawClient(sidecar.proxyPort);
    running.send(head("GET / HTTP/1.1", "Host: h"));
    await upstream.request(0);
    const closing = sidecar.sidecar.close();
    await idle.closed();
    await eventually("new connections are refused", () =>
      openRawClient(sidecar.proxyPort)
        .then(
          (client) => client[Symbol.asyncDispose](),
          () => true,
        )
        .then((refusal) => refusal || undefined),
    );
    release();
    const answer = await running.closed();
    expect(answer)
      .to.include("finished")
      .and.to.match(/Connection: close/i);
    await closing;
  });
});
