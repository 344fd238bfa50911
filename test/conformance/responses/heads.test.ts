// What of an upstream's head and trailers reaches the client (PROXY.md H3, H8, R5, R6; Date and Via).

import { expect } from "chai";
import { respond, respondBytes, respondInChunks } from "../../kit/answers.ts";
import type { Response } from "../../kit/answers.ts";
import { startProxiedUpstream } from "../../kit/proxied-upstream.ts";
import type { ProxiedUpstream } from "../../kit/proxied-upstream.ts";
import { exchangeRaw, head } from "../../kit/raw-client.ts";

const GET = head("GET /a HTTP/1.1", "Host: h", "Connection: close");
const HEAD = GET.replace("GET", "HEAD");
const ABC = "Content-Length: 3\r\n\r\nabc";
const PERSON = "0a0a0a0a-0000-0000-0000-00000000000a";

describe("conformance: heads of answers", () => {
  let proxied: ProxiedUpstream;

  before(async () => {
    proxied = await startProxiedUpstream();
  });

  after(() => proxied[Symbol.asyncDispose]());

  const askFor = async (bytes: string, request = GET) => {
    proxied.upstream.answerWith(respondBytes(Buffer.from(bytes, "latin1")));
    return exchangeRaw(proxied.sidecar.proxyPort, request);
  };

  const trailersOf = async (trailers: Response["headers"] = []) => {
    proxied.upstream.answerWith(respondInChunks(["x"], { trailers }));
    const answer = await exchangeRaw(proxied.sidecar.proxyPort, GET);
    return answer.slice(answer.indexOf("\r\n0\r\n") + 5);
  };

  it("H3 fields of the hop end here, named or not, in one Connection line or two", async () => {
    const hop = [
      "Connection: X-One, keep-alive",
      "Connection: x-two",
      "X-One: hop",
      "X-TWO: hop",
      "Keep-Alive: timeout=5, hop",
      "Proxy-Connection: hop",
      "Proxy-Authenticate: Basic realm=hop",
      "TE: hop",
      "Trailer: hop",
      "Upgrade: hop",
    ];
    const answer = await askFor(`HTTP/1.1 200 OK\r\n${hop.join("\r\n")}\r\n${ABC}`);
    expect(answer)
      .to.match(/^HTTP\/1\.1 200 OK/)
      .and.to.not.include("hop");
    expect(answer.match(/^connection:.*$/gim)).to.deep.equal(["Connection: close"]);
  });

  it("H3 naming what frames an answer, or whose cookie it is, in Connection does nothing", async () => {
    const answer = await askFor(
      `HTTP/1.1 200 OK\r\nConnection: content-length, set-cookie, content-type\r\nSet-Cookie: a=1\r\nContent-Type: text/x\r\n${ABC}`,
    );
    expect(answer).to.include("Set-Cookie: a=1\r\nContent-Type: text/x\r\nContent-Length: 3\r\n");
  });

  it("H8 repeated fields stay separate, in order and casing", async () => {
    const fields = "X-A: 1\r\nSet-Cookie: a=1\r\nx-a: 2\r\nset-cookie: b=2\r\nX-B: 3\r\n";
    expect(await askFor(`HTTP/1.1 200 OK\r\n${fields}${ABC}`)).to.include(`OK\r\n${fields}`);
  });

  it("field values keep their bytes above 127", async () => {
    const answer = await askFor(`HTTP/1.1 200 OK\r\nX-A: b\u00E9\u00FFc\r\n${ABC}`);
    expect(answer).to.include("X-A: b\u00E9\u00FFc\r\n");
  });

  it("Date of the upstream passes, and one is made where it has none", async () => {
    const old = "Date: Thu, 01 Jan 1970 00:00:00 GMT";
    const kept = await askFor(`HTTP/1.1 200 OK\r\n${old}\r\n${ABC}`);
    expect(kept.match(/^date:.*$/gim)).to.deep.equal([old]);
    const made = await askFor(`HTTP/1.1 200 OK\r\n${ABC}`);
    const dates = made.match(/^date: .*$/gim) ?? [];
    expect(dates.length).to.equal(1);
    expect(Date.parse(String(dates[0]).slice(6))).to.be.greaterThan(Date.UTC(2026, 0));
  });

  it("Via of the upstream passes, and none is added to answers", async () => {
    const with1 = await askFor(`HTTP/1.1 200 OK\r\nVia: 1.1 cache\r\n${ABC}`);
    expect(with1.match(/^via:.*$/gim)).to.deep.equal(["Via: 1.1 cache"]);
    expect(await askFor(`HTTP/1.1 200 OK\r\n${ABC}`)).to.not.match(/^via:/im);
  });

  for (const [name, line, expected] of [
    ["is kept", "HTTP/1.1 203 Mine Alone", "HTTP/1.1 203 Mine Alone"],
    ["may be empty", "HTTP/1.1 200 ", "HTTP/1.1 200 "],
    ["may be missing", "HTTP/1.1 200", "HTTP/1.1 200 "],
    ["of bytes above 127 is left out", "HTTP/1.1 200 \u00E9t\u00E9", "HTTP/1.1 200 "],
    ["with control characters is left out", "HTTP/1.1 200 a\u0001b", "HTTP/1.1 200 "],
  ] as const) {
    it(`the reason phrase ${name}`, async () => {
      expect(await askFor(`${line}\r\n${ABC}`)).to.match(new RegExp(`^${expected}\r\n`));
    });
  }

  it("a status that nobody has defined passes", async () => {
    for (const status of ["299", "499", "599", "999"])
      expect(await askFor(`HTTP/1.1 ${status} X\r\n${ABC}`)).to.include(`HTTP/1.1 ${status} X\r\n`);
  });

  for (const framing of ["Content-Length: 3", "Content-Length: 0", "Transfer-Encoding: chunked"]) {
    it(`R5 204 loses ${framing}`, async () => {
      const answer = await askFor(`HTTP/1.1 204 X\r\n${framing}\r\nX-A: 1\r\n\r\n`);
      expect(answer)
        .to.match(/^HTTP\/1\.1 204 X\r\nX-A: 1\r\n/)
        .and.to.match(/\r\n\r\n$/);
      expect(answer).to.not.match(/content-length|transfer-encoding/i);
    });
  }

  it("R5 304 keeps its Content-Length and has no body, and the connection goes on", async () => {
    await using client = await proxied.connect();
    proxied.upstream.answerWith(
      respondBytes("HTTP/1.1 304 X\r\nContent-Length: 3\r\nETag: e\r\n\r\n"),
    );
    client.send(head("GET / HTTP/1.1", "Host: h", "If-None-Match: e"));
    expect(await client.receive("\r\n\r\n")).to.include("Content-Length: 3\r\nETag: e\r\n");
    proxied.upstream.answerWith(respond({ body: "next" }));
    client.send(head("GET / HTTP/1.1", "Host: h"));
    expect(await client.receive("next")).to.match(/\r\n\r\nHTTP\/1\.1 200/);
  });

  for (const [name, framing, expected] of [
    ["its Content-Length", "Content-Length: 3\r\n", "Content-Length: 3\r\n"],
    ["no length for chunks", "Transfer-Encoding: chunked\r\n", ""],
    ["no length where there was none", "", ""],
  ] as const) {
    it(`R6 HEAD has ${name} and no body`, async () => {
      const answer = await askFor(`HTTP/1.1 200 OK\r\n${framing}X-A: 1\r\n\r\n`, HEAD);
      expect(answer)
        .to.include(`OK\r\n${expected}X-A: 1\r\n`)
        .and.to.match(/\r\n\r\n$/);
      expect(/content-length/i.test(answer)).to.equal(expected !== "");
    });
  }

  it("R6 a body behind the head of HEAD goes to nobody", async () => {
    await using client = await proxied.connect();
    proxied.upstream.answerWith(respondBytes(`HTTP/1.1 200 OK\r\n${ABC}`));
    client.send(head("HEAD / HTTP/1.1", "Host: h"));
    await client.receive("\r\n\r\n");
    proxied.upstream.answerWith(respond({ body: "next" }));
    client.send(head("GET / HTTP/1.1", "Host: h"));
    expect(await client.receive("next")).to.not.include("abc");
  });

  it("trailers pass in order and casing", async () => {
    expect(
      await trailersOf([
        ["X-Sum", "abc"],
        ["x-sum", "def"],
        ["Server-Timing", "a;dur=1"],
      ]),
    ).to.equal("X-Sum: abc\r\nx-sum: def\r\nServer-Timing: a;dur=1\r\n\r\n");
  });

  it("trailers about framing, routing, the hop, cookies or people do not pass", async () => {
    expect(
      await trailersOf([
        ["Transfer-Encoding", "chunked"],
        ["Connection", "X-Sum"],
        ["Set-Cookie", "a=1"],
        ["Host", "elsewhere"],
        ["Location", "/elsewhere"],
        ["Content-Type", "text/html"],
        ["X-Databunker-User", PERSON],
        ["X-Sum", "abc"],
      ]),
    ).to.equal("X-Sum: abc\r\n\r\n");
  });

  it("X-Databunker-User reaches no client: not in a head, not in early hints", async () => {
    const user = `X-Databunker-User: ${PERSON}\r\n`;
    const answer = await askFor(
      `HTTP/1.1 103 Early\r\nLink: </a>\r\n${user}\r\nHTTP/1.1 200 OK\r\n${user}${ABC}`,
    );
    expect(answer).to.include("</a>").and.to.include("abc").and.to.not.include(PERSON);
  });
});
