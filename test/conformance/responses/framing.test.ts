// Where an upstream's answer ends, and what is no answer at all (PROXY.md R1 to R4, R8, R11, R12).

import { expect } from "chai";
import { respond, respondBytes, respondInChunks, respondInTurn } from "../../kit/answers.ts";
import { startProxiedUpstream } from "../../kit/proxied-upstream.ts";
import type { ProxiedUpstream } from "../../kit/proxied-upstream.ts";
import { exchangeRaw, head } from "../../kit/raw-client.ts";

const OK = "HTTP/1.1 200 OK\r\n";
const ABC = "Content-Length: 3\r\n\r\nabc";
const GET = head("GET /a HTTP/1.1", "Host: h", "Connection: close");
const CHUNKS = "3\r\nabc\r\n0\r\n\r\n";

const NOT_HTTP: readonly (readonly [string, string])[] = [
  ["R1 Content-Length twice, the same", `${OK}Content-Length: 3\r\n${ABC}`],
  ["R1 Content-Length twice, not the same", `${OK}Content-Length: 4\r\n${ABC}`],
  ["R1 a list of lengths", `${OK}Content-Length: 3, 3\r\n\r\nabc`],
  ["R1 a negative length", `${OK}Content-Length: -1\r\n\r\nabc`],
  ["R1 a length with a sign", `${OK}Content-Length: +3\r\n\r\nabc`],
  ["R1 a hexadecimal length", `${OK}Content-Length: 0x3\r\n\r\nabc`],
  ["R1 an empty length", `${OK}Content-Length: \r\n\r\nabc`],
  [
    "R1 a length and chunks",
    `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
  ],
  ["R1 a space in a field name", `${OK}Bad Field: x\r\n${ABC}`],
  ["R1 a line without a colon", `${OK}XA\r\n${ABC}`],
  ["R1 a field without a name", `${OK}: x\r\n${ABC}`],
  ["R1 NUL in a value", `${OK}X-A: b\0c\r\n${ABC}`],
  ["R1 a control character in a value", `${OK}X-A: b\u0001c\r\n${ABC}`],
  ["R1 a bare CR in a value", `${OK}X-A: b\rc\r\n${ABC}`],
  ["R1 garbage", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["R1 a status of two digits", "HTTP/1.1 20 X\r\n\r\n"],
  ["R1 a status of four digits", `HTTP/1.1 2000 X\r\n${ABC}`],
  ["R1 a status below 100", `HTTP/1.1 042 X\r\n${ABC}`],
  ["R1 a version that does not exist", `HTTP/1.2 200 X\r\n${ABC}`],
  ["R1 a field longer than limits.headers", `${OK}X-A: ${"x".repeat(20_000)}\r\n${ABC}`],
  ["R1 more fields than fit into limits.headers", `${OK}${"X-A: x\r\n".repeat(5000)}${ABC}`],
  ["R2 a folded line", `${OK}X-A: x\r\n y\r\n${ABC}`],
  ["R2 a space before the colon", `${OK}X-A : x\r\n${ABC}`],
  ["R2b another transfer coding", `${OK}Transfer-Encoding: gzip\r\n\r\nabc`],
  [
    "R2b another transfer coding in chunks",
    `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n${CHUNKS}`,
  ],
  ["R2b chunked not last", `${OK}Transfer-Encoding: chunked, gzip\r\n\r\n${CHUNKS}`],
  [
    "R2b two codings in two lines",
    `${OK}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
  ],
  ["R2b chunked twice", `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n${CHUNKS}`],
  ["R2b an unknown coding", `${OK}Transfer-Encoding: xchunked\r\n\r\nabc`],
  ["R2b lines that end in a bare LF", "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc"],
  ["R2b one line that ends in a bare LF", `${OK}X-A: b\n${ABC}`],
  [
    "R8 101 that nobody asked for",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes",
  ],
  ["R8 101 without Upgrade", `HTTP/1.1 101 Switching Protocols\r\n\r\n${OK}${ABC}`],
];

const BROKEN_BODIES: readonly (readonly [string, string])[] = [
  ["R3 the connection ends within a body of known length", `${OK}Content-Length: 9\r\n\r\nabc`],
  ["R4 the connection ends within a chunk", `${OK}Transfer-Encoding: chunked\r\n\r\n9\r\nabc`],
  ["R4 the connection ends between chunks", `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`],
  ["R4 the last chunk lacks its end", `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n`],
  ["R4 a chunk size that is none", `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n`],
  [
    "R4 a trailer that is no field",
    `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX T: 1\r\n\r\n`,
  ],
];

describe("conformance: where an answer ends", () => {
  let proxied: ProxiedUpstream;

  before(async () => {
    proxied = await startProxiedUpstream();
  });

  beforeEach(() => {
    proxied.upstream.forget();
    proxied.upstream.answerWith(respond());
  });

  after(() => proxied[Symbol.asyncDispose]());

  const ask = (request = GET) => exchangeRaw(proxied.sidecar.proxyPort, request);

  for (const [name, bytes] of NOT_HTTP) {
    it(`${name}: 502, asked once, and the connection to the upstream is closed`, async () => {
      proxied.upstream.answerWith(respondBytes(Buffer.from(bytes, "latin1")));
      const answer = await ask();
      expect(answer).to.match(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
      expect(answer).to.include('"code":"upstream_invalid"').and.to.not.include("abc");
      expect(proxied.upstream.requests.length).to.equal(1);
      await proxied.upstream.idle();
    });
  }

  for (const [name, bytes] of BROKEN_BODIES) {
    it(`${name}: the client sees a broken answer and no byte of ours`, async () => {
      proxied.upstream.answerWith(respondBytes(bytes, { end: true }));
      const answer = await ask(head("GET / HTTP/1.1", "Host: h"));
      expect(answer).to.match(/^HTTP\/1\.1 200 OK\r\n/);
      const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
      expect(body).to.match(/^(?:abc|3\r\nabc\r\n)?$/);
    });
  }

  it("R3 a reset within a body of known length: the client's connection is closed", async () => {
    const gone = Promise.withResolvers<void>();
    proxied.upstream.answerWith(async (socket) => {
      socket.write(`${OK}Content-Length: 9\r\n\r\nabc`);
      await gone.promise;
      socket.resetAndDestroy();
    });
    await using client = await proxied.connect();
    client.send(head("GET / HTTP/1.1", "Host: h"));
    await client.receive("abc");
    gone.resolve();
    expect(await client.closed()).to.match(/\r\n\r\nabc$/);
  });

  it("R11 an answer that ends with its connection is chunked for the client, whose connection stays", async () => {
    proxied.upstream.answerWith(
      respondInTurn(
        respondBytes("HTTP/1.0 200 OK\r\n\r\nuntil the end", { end: true }),
        respond({ body: "second" }),
      ),
    );
    await using client = await proxied.connect();
    client.send(head("GET /1 HTTP/1.1", "Host: h"));
    const first = await client.receive("0\r\n\r\n");
    expect(first)
      .to.match(/transfer-encoding: chunked\r\n/i)
      .and.to.include("until the end\r\n");
    expect(first).to.match(/connection: keep-alive/i);
    client.send(head("GET /2 HTTP/1.1", "Host: h"));
    await client.receive("second");
  });

  it("R11 Connection: close of the upstream closes nothing but its own connection", async () => {
    proxied.upstream.answerWith(respondBytes(`${OK}Connection: close\r\n${ABC}`, { end: true }));
    await using client = await proxied.connect();
    for (const path of ["/1", "/2"]) {
      client.send(head(`GET ${path} HTTP/1.1`, "Host: h"));
      await client.receive("abc");
    }
    expect(client.received()).to.not.match(/connection: close/i);
    const [first, second] = proxied.upstream.requests;
    expect(first?.connection).to.not.equal(second?.connection);
  });

  it("R12 a client of HTTP/1.0 gets no chunks, and the end of the connection as the end", async () => {
    proxied.upstream.answerWith(respondInChunks(["one ", "two"], { trailers: [["X-Sum", "1"]] }));
    const answer = await ask(head("GET / HTTP/1.0", "Host: h"));
    expect(answer).to.not.match(/transfer-encoding/i);
    expect(answer)
      .to.match(/connection: close\r\n/i)
      .and.to.match(/\r\n\r\none two$/);
  });

  it("R12 a client of HTTP/1.0 that asks for keep-alive has it where the length is known", async () => {
    await using client = await proxied.connect();
    for (const path of ["/1", "/2"]) {
      client.send(head(`GET ${path} HTTP/1.0`, "Host: h", "Connection: keep-alive"));
      await client.receive("ok\n");
      await proxied.upstream.request(path === "/1" ? 0 : 1);
    }
    expect(client.received()).to.match(/connection: keep-alive/i);
  });

  it("a second answer behind the first one is nobody's", async () => {
    proxied.upstream.answerWith(
      respondInTurn(
        respondBytes(`${OK}${ABC}${OK}Content-Length: 7\r\n\r\nplanted`),
        respond({ body: "honest" }),
      ),
    );
    await using client = await proxied.connect();
    client.send(head("GET /1 HTTP/1.1", "Host: h"));
    await client.receive("abc");
    client.send(head("GET /2 HTTP/1.1", "Host: h"));
    expect(await client.receive("honest")).to.not.include("planted");
  });

  it("bytes behind a declared length are nobody's", async () => {
    proxied.upstream.answerWith(
      respondInTurn(respondBytes(`${OK}${ABC}defgh`), respond({ body: "honest" })),
    );
    await using client = await proxied.connect();
    client.send(head("GET /1 HTTP/1.1", "Host: h"));
    await client.receive("abc");
    client.send(head("GET /2 HTTP/1.1", "Host: h"));
    expect(await client.receive("honest")).to.not.include("def");
  });
});
