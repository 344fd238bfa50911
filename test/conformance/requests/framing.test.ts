import { expect } from "chai";
import { eventually } from "../../kit/eventually.ts";
import { valuesOf } from "../../kit/request-framing.ts";
import { head, openRawClient } from "../../kit/raw-client.ts";
import { startProxiedPair, statusesIn } from "./proxied-pair.ts";
import type { ProxiedPair } from "./proxied-pair.ts";

// RFC 9112 sections 2.2, 5, 6 and 7: where a request ends. What a lenient server makes of the same is test/guarantees/request-smuggling.test.ts.

const post = (...lines: readonly string[]) =>
  head("POST / HTTP/1.1", "Host: h", ...lines, "Connection: close");
const CHUNKED = "Transfer-Encoding: chunked";
const WEBSOCKET = ["Connection: Upgrade", "Upgrade: websocket"];

describe("conformance: request framing", () => {
  let pair: ProxiedPair;

  before(async () => {
    pair = await startProxiedPair();
  });

  after(() => pair[Symbol.asyncDispose]());

  beforeEach(() => pair.upstream.forget());

  const refuses = async (bytes: string, status = 400) => {
    const answer = await pair.send(bytes);
    expect(statusesIn(answer)).to.deep.equal([status]);
    expect(answer).to.match(/connection: close/i);
    expect(pair.upstream.requests.length).to.equal(0);
  };

  it("F1 length and coding together → 400, in either order", async () => {
    await refuses(`${post("Content-Length: 5", CHUNKED)}0\r\n\r\n`);
    await refuses(`${post(CHUNKED, "Content-Length: 5")}0\r\n\r\n`);
  });

  for (const lines of [
    ["Content-Length: 3", "Content-Length: 3"],
    ["Content-Length: 3", "content-length: 4"],
    ["Content-Length: 3, 3"],
    ["Content-Length: +3"],
    ["Content-Length: 0x3"],
    ["Content-Length: -1"],
    ["Content-Length: 1_0"],
    ["Content-Length: 3.0"],
    ["Content-Length: 3 3"],
    ["Content-Length: 00000000000000000003"],
    ["Content-Length: 99999999999999999999"],
    ["Content-Length:"],
  ]) {
    it(`F2 ${lines.join(" and ")} → 400`, () => refuses(`${post(...lines)}abc`));
  }

  for (const line of ["Content-Length: 03", "Content-Length: 3 \t", "Content-Length:\t3"]) {
    it(`F2 ${JSON.stringify(line)} is legal, and goes on as 3`, async () => {
      const request = await pair.forwardedBytes(`${post(line)}abc`);
      expect(String(request.body)).to.equal("abc");
      expect(valuesOf(request, "content-length").map(Number)).to.deep.equal([3]);
    });
  }

  for (const [coding, status] of [
    ["chunked, gzip", 400],
    ["xchunked", 400],
    ["identity", 400],
    ["identity, chunked", 400],
    ["chunked, chunked", 400],
    ["chunked;a=b", 400],
    ["\u000bchunked", 400],
    ["", 400],
    [", chunked", 400],
    ["gzip, chunked", 501],
    ["gzip, deflate, Chunked", 501],
  ] as const) {
    it(`F3 the coding ${JSON.stringify(coding)} → ${String(status)}`, () =>
      refuses(`${post(`Transfer-Encoding: ${coding}`)}0\r\n\r\n`, status));
  }

  it("F3 only exactly chunked is forwarded, as our own", async () => {
    const bytes = `${post("transfer-encoding:  Chunked ")}3\r\nabc\r\n0\r\n\r\n`;
    const request = await pair.forwardedBytes(bytes);
    expect(valuesOf(request, "transfer-encoding")).to.deep.equal(["chunked"]);
    expect(valuesOf(request, "content-length")).to.deep.equal([]);
    expect(String(request.body)).to.equal("abc");
  });

  it("F4 a coding in HTTP/1.0 → 400", () =>
    refuses(`${head("POST / HTTP/1.0", "Host: h", CHUNKED)}0\r\n\r\n`));

  for (const [name, bytes] of [
    ["a space before the colon", post("X-A : b")],
    ["a folded line", post("X-A: b\r\n c")],
    ["a NUL in a value", post("X-A: b\0c")],
    ["a NUL in a name", post("X\0A: b")],
    ["a bare CR in a value", post("X-A: b\rX-B: c")],
    ["a bare LF behind a field", post("X-A: b\nX-B: c")],
    ["a bare LF behind the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n"],
    ["bare LFs throughout", "GET / HTTP/1.1\nHost: h\n\n"],
    ["a space before the first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n"],
    ["a line without a colon", post("X-A")],
    ["no name", post(": b")],
  ] as const) {
    it(`F5 ${name} → 400`, () => refuses(bytes));
  }

  it("F6 a chunk extension is ignored and does not go on", async () => {
    const bytes = `${post(CHUNKED)}3;a=b;c="d"\r\nabc\r\n0;e\r\n\r\n`;
    const request = await pair.forwardedBytes(bytes);
    expect(String(request.body)).to.equal("abc");
    expect(String(request.bytes)).to.not.include(";a=b").and.to.not.include(";e");
  });

  for (const [name, body] of [
    ["0x", "0x3\r\nabc\r\n"],
    ["+", "+3\r\nabc\r\n"],
    ["_", "0_3\r\nabc\r\n"],
    ["-", "-3\r\nabc\r\n"],
    ["a space behind", "3 \r\nabc\r\n"],
    ["a space before", " 3\r\nabc\r\n"],
    ["nothing", "\r\nabc\r\n"],
    ["17 digits", "10000000000000003\r\nabc\r\n"],
    ["a bare LF behind", "3\nabc\r\n"],
    ["a bare LF in an extension", "3;a\nabc\r\n"],
  ] as const) {
    it(`F6 chunk size with ${name} → 400`, () => refuses(`${post(CHUNKED)}${body}0\r\n\r\n`));
  }

  for (const [name, body] of [
    ["too long for its size", "3\r\nabcd\r\n"],
    ["without its line end", "3\r\nabc"],
    ["with a bare LF as its line end", "3\r\nabc\n"],
  ] as const) {
    it(`F6 a chunk ${name} → 400`, () => refuses(`${post(CHUNKED)}${body}0\r\n\r\n`));
  }

  it("F6 a chunk that goes wrong late → 400, and the upstream gets no end", async () => {
    await using client = await openRawClient(pair.port);
    client.send(`${post(CHUNKED)}3\r\nabc\r\n`);
    await eventually("the upstream has the first chunk", () =>
      pair.upstream.bytes().includes("abc") ? true : undefined,
    );
    client.send("zz\r\n");
    expect(statusesIn(await client.closed())).to.deep.equal([400]);
    await pair.upstream.idle();
    expect(pair.upstream.requests.length).to.equal(0);
    expect(String(pair.upstream.bytes())).to.include("abc").and.to.not.include("\r\n0\r\n");
  });

  it("F7 request trailers are dropped, and never merged", async () => {
    const trailers = "Host: evil\r\nAuthorization: evil\r\nX-Real-IP: evil\r\nX-Sum: evil\r\n";
    const bytes = `${post(CHUNKED, "Trailer: X-Sum")}3\r\nabc\r\n0\r\n${trailers}\r\n`;
    const request = await pair.forwardedBytes(bytes);
    expect(String(request.bytes)).to.not.include("evil").and.to.not.match(/x-sum/i);
    expect(String(request.bytes)).to.match(/\r\n0\r\n\r\n$/);
  });

  it("F7 a length or a coding among the trailers → 400", async () => {
    await refuses(`${post(CHUNKED)}0\r\nContent-Length: 3\r\n\r\n`);
    await refuses(`${post(CHUNKED)}0\r\nTransfer-Encoding: chunked\r\n\r\n`);
  });

  for (const method of ["DELETE", "OPTIONS", "GET", "HEAD"]) {
    it(`F8 a chunked ${method} that hides a GET is one request`, async () => {
      const hidden = head("GET /hidden HTTP/1.1", "Host: h");
      const lines = [`${method} / HTTP/1.1`, "Host: h", "Connection: close", CHUNKED];
      const bytes = `${head(...lines)}${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
      const request = await pair.forwardedBytes(bytes);
      expect(request).to.include({ method, requestTarget: "/" });
      expect(String(request.body)).to.equal(hidden);
      expect(pair.upstream.requests.length).to.equal(1);
    });
  }

  it("F11 Trailer without a coding crashes nothing and is dropped", async () => {
    const request = await pair.forwardedBytes(`${post("Trailer: X-A", "Content-Length: 3")}abc`);
    expect(valuesOf(request, "trailer")).to.deep.equal([]);
    expect(String(request.body)).to.equal("abc");
  });

  for (const [name, bytes] of [
    ["a length", `${head("GET / HTTP/1.1", "Host: h", ...WEBSOCKET, "Content-Length: 2")}ok`],
    ["a coding", `${head("GET / HTTP/1.1", "Host: h", ...WEBSOCKET, CHUNKED)}0\r\n\r\n`],
    ["POST", head("POST / HTTP/1.1", "Host: h", ...WEBSOCKET)],
    [
      "POST and a length",
      `${head("POST / HTTP/1.1", "Host: h", ...WEBSOCKET, "Content-Length: 2")}ok`,
    ],
    [
      "a list of protocols and a body",
      `${head("GET / HTTP/1.1", "Host: h", "Connection: Upgrade", "Upgrade: h2c, WebSocket", "Content-Length: 2")}ok`,
    ],
  ] as const) {
    it(`F12 an upgrade with ${name} → 400`, () => refuses(bytes));
  }

  it("F12 an upgrade that is not offered is ignored, with or without a body", async () => {
    const h2c = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"];
    const request = await pair.forwardedBytes(
      `${head("POST / HTTP/1.1", "Host: h", ...h2c, "Content-Length: 2")}ok`,
    );
    expect(String(request.body)).to.equal("ok");
    expect(String(request.head)).to.not.match(/h2c|settings|upgrade/i);
  });
});
