import { once } from "node:events";
import { constants } from "node:http2";
import { expect } from "chai";
import { hang, respond, respondAfterInterim, respondInChunks } from "../../kit/answers.ts";
import { eventually } from "../../kit/eventually.ts";
import { openHttp2Client } from "../../kit/http2-client.ts";
import type { Http2Client } from "../../kit/http2-client.ts";
import { findPerson, cookieHeaderOf, PEOPLE } from "../../kit/people.ts";
import { startRecordingUpstream } from "../../kit/recording-upstream.ts";
import type { ReceivedRequest, RecordingUpstream } from "../../kit/recording-upstream.ts";
import type { RunningSidecar } from "../../kit/running-sidecar.ts";
import { startTlsSidecar } from "../../kit/tls-sidecar.ts";

// RFC 9113 towards clients, HTTP/1.1 towards the upstream.

function fieldOf({ headers }: ReceivedRequest, name: string): string | undefined {
  return headers.find(([field]) => field.toLowerCase() === name)?.[1];
}

describe("transport: HTTP/2", () => {
  let upstream: RecordingUpstream;
  let sidecar: RunningSidecar;
  let client: Http2Client;

  beforeEach(async () => {
    upstream = await startRecordingUpstream();
    sidecar = await startTlsSidecar(upstream.url);
    client = await openHttp2Client(sidecar.proxyPort);
  });

  afterEach(async () => {
    await client[Symbol.asyncDispose]();
    await sidecar[Symbol.asyncDispose]();
    await upstream.close();
  });

  it("goes the way of every request: authority as Host, https, one token, version 2 in the line", async () => {
    const [ada] = PEOPLE;
    const answer = await client.ask({
      ":path": "/page?page=2",
      ":authority": "shop.example",
      "user-agent": ada.userAgent,
      cookie: cookieHeaderOf(ada),
      "x-forwarded-for": ada.ipv4,
      "x-real-ip": ada.ipv4,
      "x-own": "kept",
    });
    expect(answer).to.include({ status: 200, body: "ok\n", rstCode: 0 });
    const request = await upstream.request(0);
    expect(request.head.toString()).to.match(/^GET \/page\?page=2 HTTP\/1\.1\r\n/);
    expect(fieldOf(request, "host")).to.equal("shop.example");
    expect(fieldOf(request, "x-forwarded-proto")).to.equal("https");
    expect(fieldOf(request, "x-own")).to.equal("kept");
    expect(fieldOf(request, "transfer-encoding")).to.equal(undefined);
    expect(request.head.toString()).not.to.match(/^:/m);
    expect(findPerson(upstream.bytes())).to.deep.equal([]);
    const [line] = await sidecar.logLines(1);
    expect(line).to.include({ "network.protocol.version": "2", "http.response.status_code": 200 });
    expect(fieldOf(request, "x-session-token")).to.equal(line?.["session.id"]);
    const { body } = await sidecar.lookUp(String(line?.["session.id"]));
    expect(body.data).to.include({ clientip: "127.0.0.1", "user-agent": ada.userAgent });
  });

  it("joins cookies that come as fields of their own (RFC 9113 section 8.2.3)", async () => {
    upstream.answerWith(respond({ headers: [["Set-Cookie", "shop=1"]] }));
    await client.ask({ ":path": "/" });
    await client.ask({ ":path": "/", cookie: ["shop=1", "_ga=2"] });
    expect(fieldOf(await upstream.request(1), "cookie")).to.match(
      /^shop=1; logveil_session=[\da-f-]{36}$/,
    );
  });

  it("streams a body with a length and one without", async () => {
    const long = Buffer.alloc(300_000, "x");
    await client.ask({ ":method": "POST", ":path": "/", "content-length": 5 }, "hello");
    await client.ask({ ":method": "POST", ":path": "/" }, long);
    const [short, chunked] = [await upstream.request(0), await upstream.request(1)];
    expect(fieldOf(short, "content-length")).to.equal("5");
    expect(short.body.toString()).to.equal("hello");
    expect(fieldOf(chunked, "transfer-encoding")).to.equal("chunked");
    expect(chunked.body.length).to.equal(long.length);
    const lines = await sidecar.logLines(2);
    expect(lines.map((line) => line["http.request.body.size"])).to.deep.equal([5, long.length]);
  });

  it("passes on repeated fields, early hints and trailers, and nothing of the upstream's connection", async () => {
    const hint = { status: 103, headers: [["Link", "</a.css>; rel=preload"]] } as const;
    upstream.answerWith(
      respondAfterInterim(
        [hint],
        respondInChunks(["one", "two"], {
          headers: [
            ["Set-Cookie", "a=1"],
            ["Set-Cookie", "b=2"],
            ["ETag", '"1"'],
            ["ETag", '"2"'],
            ["Connection", "keep-alive, X-Hop"],
            ["X-Hop", "gone"],
            ["Keep-Alive", "timeout=5"],
          ],
          trailers: [["X-Checksum", "abc"]],
        }),
      ),
    );
    const answer = await client.ask({ ":path": "/" });
    expect(answer).to.include({ status: 200, body: "onetwo", rstCode: 0 });
    expect(answer.headers["set-cookie"]).to.deep.equal(["a=1", "b=2"]);
    expect(answer.headers).not.to.have.any.keys("connection", "keep-alive", "x-hop");
    expect(answer.informational.map((given) => given.link)).to.deep.equal([
      "</a.css>; rel=preload",
    ]);
    expect(answer.trailers["x-checksum"]).to.equal("abc");
  });

  for (const [name, headers, status] of [
    ["HEAD", { ":method": "HEAD" }, 200],
    ["204", {}, 204],
    ["304", {}, 304],
  ] as const) {
    it(`answers ${name} without a body`, async () => {
      const bytes = `HTTP/1.1 ${status} x\r\n${status === 204 ? "" : "Content-Length: 7\r\n"}\r\n`;
      upstream.answerWith((socket) => void socket.write(bytes));
      const answer = await client.ask({ ":path": "/", ...headers });
      expect(answer).to.include({ status, body: "", rstCode: 0 });
      const [line] = await sidecar.logLines(1);
      expect(line).to.include({ "http.response.status_code": status });
      expect(line).not.to.have.property("error.type");
    });
  }

  it("says 100 when it is expected, and refuses another expectation", async () => {
    const patient = await client.ask(
      { ":method": "POST", ":path": "/", expect: "100-continue" },
      "body",
    );
    expect(patient.informational.map((given) => given[":status"])).to.deep.equal([100]);
    expect(patient.status).to.equal(200);
    const demanding = await client.ask({ ":path": "/", expect: "tea" });
    expect(demanding.status).to.equal(417);
  });

  it("refuses CONNECT, TRACE, no authority and two of them, and serves the connection's other requests", async () => {
    const ask = (headers: Record<string, string>) => client.ask(headers);
    const connect = await ask({ ":method": "CONNECT", ":authority": "a.example:443" });
    expect(connect.status).to.equal(405);
    expect((await ask({ ":method": "TRACE", ":path": "/" })).status).to.equal(405);
    const twofold = await ask({ ":path": "/", ":authority": "a.example", host: "b.example" });
    expect(twofold).to.include({ status: 400 });
    expect(JSON.parse(twofold.body)).to.include({ code: "request_refused" });
    expect((await ask({ ":path": "/", ":authority": "a b" })).status).to.be.oneOf([0, 400]);
    expect(upstream.requests.length).to.equal(0);
    expect((await ask({ ":path": "/good", ":authority": "a.example" })).status).to.equal(200);
  });

  it("refuses 413 while the body comes, and tells the client to stop", async () => {
    await client[Symbol.asyncDispose]();
    await sidecar[Symbol.asyncDispose]();
    sidecar = await startTlsSidecar(upstream.url, { limits: { body: "1KiB" } });
    client = await openHttp2Client(sidecar.proxyPort);
    const stated = await client.ask(
      { ":method": "POST", ":path": "/", "content-length": 5000 },
      Buffer.alloc(5000),
    );
    expect(stated.status).to.equal(413);
    const stream = client.session.request({ ":method": "POST", ":path": "/" });
    stream.on("error", () => undefined);
    stream.write(Buffer.alloc(5000));
    const [headers] = (await once(stream, "response")) as [{ ":status"?: number }];
    expect(headers[":status"]).to.equal(413);
    stream.resume();
    await once(stream, "close");
    expect(stream.rstCode).to.equal(constants.NGHTTP2_NO_ERROR);
    expect((await client.ask({ ":path": "/" })).status).to.equal(200);
  });

  it("breaks an answer off visibly when the upstream dies within it", async () => {
    upstream.answerWith(respondInChunks(["one", "two"], { cutAfter: 1 }));
    const answer = await client.ask({ ":path": "/" });
    expect(answer.rstCode).to.equal(constants.NGHTTP2_INTERNAL_ERROR);
    const [line] = await sidecar.logLines(1);
    expect(line?.["error.type"]).to.equal("upstream_reset");
  });

  it("lets a client's reset reach the upstream, and goes on serving the connection", async () => {
    upstream.answerHeadWith(hang);
    const stream = client.session.request({ ":path": "/aborted" });
    stream.on("error", () => undefined);
    await eventually(
      "the request has arrived",
      () => upstream.openConnections() === 1 || undefined,
    );
    stream.close(constants.NGHTTP2_CANCEL);
    await upstream.idle();
    const [line] = await sidecar.logLines(1);
    expect(line).to.include({ "error.type": "client_aborted", "http.response.status_code": 499 });
    upstream.answerHeadWith(undefined);
    expect((await client.ask({ ":path": "/" })).status).to.equal(200);
  });

  it("serves many requests of one connection at once, each with its line", async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => client.ask({ ":path": `/${index}` })),
    );
    expect(answers.filter(({ status }) => status === 200).length).to.equal(100);
    expect((await sidecar.logLines(100)).length).to.equal(100);
  });

  it("reads no further than the upstream does, nor answers faster than the client reads", async () => {
    const MIB = 1024 * 1024;
    upstream.answerWith(respond({ body: Buffer.alloc(16 * MIB, "y") }));
    const stream = client.session.request({ ":path": "/large" });
    const [headers] = (await once(stream, "response")) as [{ ":status"?: number }];
    expect(headers[":status"]).to.equal(200);
    let received = 0;
    for await (const chunk of stream) received += (chunk as Buffer).length;
    expect(received).to.equal(16 * MIB);
  });

  it("says GOAWAY when it drains, finishes what runs, and takes no new request", async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    upstream.answerWith(async (socket, request) => {
      await released;
      await respond({ body: "finished" })(socket, request);
    });
    const running = client.ask({ ":path": "/" });
    await upstream.request(0);
    const goaway = once(client.session, "goaway");
    const closed = sidecar.close();
    expect((await goaway)[0]).to.equal(constants.NGHTTP2_NO_ERROR);
    release();
    expect(await running).to.include({ status: 200, body: "finished", rstCode: 0 });
    await closed;
  });
});
