import { expect } from "chai";
import { valuesOf } from "../../kit/request-framing.ts";
import { head } from "../../kit/raw-client.ts";
import { startProxiedPair, statusesIn } from "./proxied-pair.ts";
import type { ProxiedPair } from "./proxied-pair.ts";

// RFC 9112 section 3 and RFC 9110 sections 7.2, 7.6.2, 7.7 and 9.3: request lines, and whom a request is for.

describe("conformance: request targets", () => {
  let pair: ProxiedPair;

  before(async () => {
    pair = await startProxiedPair();
  });

  after(() => pair[Symbol.asyncDispose]());

  beforeEach(() => pair.upstream.forget());

  const refuses = async (bytes: string, status: number) => {
    const answer = await pair.send(bytes);
    expect(statusesIn(answer)).to.deep.equal([status]);
    expect(answer)
      .to.include("application/problem+json")
      .and.to.match(/connection: close/i);
    expect(String(pair.upstream.bytes())).to.equal("");
    return answer;
  };

  const badHosts: Readonly<Record<string, readonly string[]>> = {
    "two lines": ["Host: h", "Host: i"],
    "two lines that agree": ["Host: h", "Host: h"],
    "a space": ["Host: a b"],
    "a comma": ["Host: a,b"],
    "a path": ["Host: h/x"],
    credentials: ["Host: u@h"],
    "a port that is no number": ["Host: h:http"],
    "half a bracket": ["Host: [::1"],
    none: [],
  };
  for (const [name, lines] of Object.entries(badHosts)) {
    it(`H9 Host: ${name} → 400`, () => refuses(head("GET / HTTP/1.1", ...lines), 400));
  }

  it("H9 HTTP/1.0 may do without Host, and an empty one is one", async () => {
    const old = await pair.forwardedBytes(head("GET /old HTTP/1.0"));
    expect(valuesOf(old, "host")).to.deep.equal([""]);
    const empty = await pair.forwardedBytes(head("GET / HTTP/1.1", "Host:", "Connection: close"));
    expect(valuesOf(empty, "host")).to.deep.equal([""]);
  });

  it("H10 the host of an absolute target replaces Host", async () => {
    const request = await pair.forwarded("GET http://h2:81/x?y HTTP/1.1");
    expect(request.requestTarget).to.equal("/x?y");
    expect(valuesOf(request, "host")).to.deep.equal(["h2:81"]);
    expect(valuesOf(request, "x-forwarded-host")).to.deep.equal(["h2:81"]);
  });

  for (const [target, path] of [
    ["http://h2", "/"],
    ["HTTP://h2?q", "/?q"],
    ["https://h2/%7e//", "/%7e//"],
  ] as const) {
    it(`H10 ${target} is ${path} of h2`, async () => {
      const request = await pair.forwarded(`GET ${target} HTTP/1.1`);
      expect(request.requestTarget).to.equal(path);
      expect(valuesOf(request, "host")).to.deep.equal(["h2"]);
    });
  }

  it("H10 an absolute target heals neither a missing nor a broken Host", async () => {
    await refuses(head("GET http://h2/ HTTP/1.1"), 400);
    await refuses(head("GET http://h2/ HTTP/1.1", "Host: a b"), 400);
    await refuses(head("GET http://h2/ HTTP/1.1", "Host: h", "Host: h2"), 400);
  });

  for (const target of ["http://u@h2/", "http:///x", "ftp://h2/", "h:443", "x", "?q"]) {
    it(`H10 ${target} is no target → 400`, () =>
      refuses(head(`GET ${target} HTTP/1.1`, "Host: h"), 400));
  }

  it("H11 OPTIONS * is answered here", async () => {
    const answer = await pair.send(head("OPTIONS * HTTP/1.1", "Host: h", "Connection: close"));
    expect(answer)
      .to.match(/^HTTP\/1\.1 204 /)
      .and.to.match(/\r\nallow: GET, HEAD, .*OPTIONS\r\n/i);
    expect(pair.upstream.requests).to.deep.equal([]);
  });

  it("H11 the asterisk is for OPTIONS only, and OPTIONS of a path is forwarded", async () => {
    await refuses(head("GET * HTTP/1.1", "Host: h"), 400);
    expect((await pair.forwarded("OPTIONS /* HTTP/1.1")).requestTarget).to.equal("/*");
  });

  it("H12 OPTIONS with no hop left is answered here", async () => {
    const answer = await pair.send(
      head("OPTIONS /x HTTP/1.1", "Host: h", "Connection: close", "Max-Forwards: 0"),
    );
    expect(answer).to.match(/^HTTP\/1\.1 204 /);
    expect(pair.upstream.requests).to.deep.equal([]);
  });

  it("H12 OPTIONS counts its hops down, other methods do not", async () => {
    const options = await pair.forwarded("OPTIONS /x HTTP/1.1", "max-forwards: 10");
    expect(valuesOf(options, "max-forwards")).to.deep.equal(["9"]);
    const get = await pair.forwarded("GET /x HTTP/1.1", "Max-Forwards: 0");
    expect(valuesOf(get, "max-forwards")).to.deep.equal(["0"]);
  });

  it("H12 hops that are no number → 400", () =>
    refuses(head("OPTIONS /x HTTP/1.1", "Host: h", "Max-Forwards: 1, 0"), 400));

  it("H12 TRACE → 405, with the methods that are allowed", async () => {
    const trace = head("TRACE / HTTP/1.1", "Host: h", "Max-Forwards: 0", "Cookie: canary");
    const answer = await refuses(trace, 405);
    expect(answer)
      .to.match(/\r\nallow: GET, /i)
      .and.to.not.include("canary");
  });

  it("H13 CONNECT → 405, closed, with the methods that are allowed", async () => {
    const answer = await refuses(head("CONNECT h:443 HTTP/1.1", "Host: h:443"), 405);
    expect(answer).to.match(/\r\nAllow: GET, /);
  });

  for (const [line, status] of [
    ["GET / HTTP/2.0", 505],
    ["GET / HTTP/1.2", 505],
    ["GET / HTTP/3.7", 505],
    ["GET /", 400],
    ["GET / HTTP/0.9", 400],
    ["GET / http/1.1", 400],
    ["GET / HTTP/1.10", 400],
    ["get / HTTP/1.1", 400],
    ["GET /\u00e9 HTTP/1.1", 400],
    ["GET /a\tb HTTP/1.1", 400],
  ] as const) {
    it(`H14 ${JSON.stringify(line)} → ${String(status)}`, async () => {
      await refuses(head(line, "Host: h"), status);
    });
  }

  it("H14 the preface of HTTP/2 → 400", () => refuses("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400));

  it("H14 an empty line before the request is skipped (RFC 9112 section 2.2)", async () => {
    const bytes = `\r\n${head("GET /x HTTP/1.1", "Host: h", "Connection: close")}`;
    expect((await pair.forwardedBytes(bytes)).requestTarget).to.equal("/x");
  });

  for (const target of [
    "//x//y",
    "/%2e%2e/%00/..;/.",
    "/../../etc/passwd",
    "/a%2Fb%2fb",
    "/;a=b?c=%zz&&d=?e",
    "/?",
    "/a?b#c",
    "/\"<>\\^`{|}'",
    `/${"x".repeat(8000)}`,
  ]) {
    it(`H15 ${target.slice(0, 30)} goes on byte for byte`, async () => {
      const request = await pair.forwarded(`GET ${target} HTTP/1.1`);
      expect(String(request.head).split("\r\n")[0]).to.equal(`GET ${target} HTTP/1.1`);
    });
  }

  it("methods that logveil gives no meaning go on as they come", async () => {
    for (const method of ["PROPFIND", "QUERY", "PATCH", "PURGE"])
      expect((await pair.forwarded(`${method} /x HTTP/1.1`)).method).to.equal(method);
  });
});
