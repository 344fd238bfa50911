import { expect } from "chai";
import { respond } from "../../kit/answers.ts";
import { valuesOf } from "../../kit/request-framing.ts";
import { head } from "../../kit/raw-client.ts";
import { startProxiedPair } from "./proxied-pair.ts";
import type { ProxiedPair } from "./proxied-pair.ts";

// RFC 9110 sections 5.3, 7.6 and 11.7: which fields of a request go on.

describe("conformance: request fields", () => {
  let pair: ProxiedPair;

  before(async () => {
    pair = await startProxiedPair();
  });

  after(() => pair[Symbol.asyncDispose]());

  it("H1 what Connection names ends here, and so does Connection", async () => {
    const sent = head(
      "GET / HTTP/1.1",
      "Host: h",
      "Connection: close, X-Hop",
      "x-hop: s",
      "X-Keep: k",
    );
    const request = await pair.forwardedBytes(sent);
    expect(valuesOf(request, "x-hop")).to.deep.equal([]);
    expect(valuesOf(request, "connection"), "our own").to.deep.equal(["keep-alive"]);
    expect(valuesOf(request, "x-keep")).to.deep.equal(["k"]);
  });

  it("H1 also when Connection comes in several lines, in any casing", async () => {
    const lines = [
      "CONNECTION: X-One ,, x-TWO",
      "X-One: 1",
      "X-Two: 2",
      "connection: x-three",
      "X-Three: 3",
    ];
    const request = await pair.forwarded("GET / HTTP/1.1", ...lines);
    expect(String(request.head)).to.not.match(/x-(?:one|two|three)/i);
  });

  const hopByHop = [
    "Keep-Alive: timeout=5",
    "TE: trailers, deflate",
    "Proxy-Connection: keep-alive",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABk",
    "Proxy-Authenticate: Basic",
    "Trailer: X-Sum",
  ];
  for (const line of hopByHop) {
    it(`H2 ${line} is removed, though Connection does not name it`, async () => {
      const request = await pair.forwarded("GET / HTTP/1.1", line);
      expect(valuesOf(request, line.split(":")[0] ?? "")).to.deep.equal([]);
    });
  }

  it("H3 H8 of an answer, what belongs to the hop is removed, and Set-Cookie lines stay apart", async () => {
    const headers = [
      ["Set-Cookie", "a=1"],
      ["Connection", "keep-alive, X-Hop"],
      ["X-Hop", "s"],
      ["Keep-Alive", "timeout=5"],
      ["Proxy-Connection", "keep-alive"],
      ["Upgrade", "h2c"],
      ["set-cookie", "b=2"],
    ] as const;
    pair.upstream.answerWith(respond({ headers }));
    const answer = await pair.send(head("GET / HTTP/1.1", "Host: h", "Connection: close"));
    pair.upstream.answerWith(respond());
    expect(answer).to.not.match(/^(?:x-hop|keep-alive|proxy-connection|upgrade):/im);
    expect(answer.match(/^connection: .*$/gim)).to.deep.equal(["Connection: close"]);
    expect(answer).to.include("Set-Cookie: a=1\r\nset-cookie: b=2\r\n");
  });

  it("H4 Proxy-Authorization is not forwarded; Authorization is", async () => {
    const lines = ["Proxy-Authorization: Basic cHJveHk6eA==", "Authorization: Basic YTpi"];
    const request = await pair.forwarded("GET / HTTP/1.1", ...lines);
    expect(valuesOf(request, "proxy-authorization")).to.deep.equal([]);
    expect(valuesOf(request, "authorization")).to.deep.equal(["Basic YTpi"]);
  });

  it("H5 Connection cannot name away what the message means or what logveil says", async () => {
    const names = [
      "host, content-length, cookie, authorization, content-type, range, cache-control, origin",
      "x-session-token, x-forwarded-for, x-real-ip, forwarded, via, x-request-id, user-agent",
      "x-forwarded-host, x-forwarded-proto, transfer-encoding",
    ];
    const request = await pair.forwardedBytes(
      head(
        "POST / HTTP/1.1",
        "Host: h",
        "Connection: close",
        ...names.map((list) => `Connection: ${list}`),
        "Cookie: a=1",
        "Authorization: Bearer x",
        "Content-Type: text/plain",
        "Content-Length: 3",
        "Range: bytes=0-1",
        "Cache-Control: no-cache",
        "Origin: null",
      ) + "abc",
    );
    for (const name of names.join(", ").split(", "))
      expect(valuesOf(request, name), name).to.have.length(name === "transfer-encoding" ? 0 : 1);
    expect(String(request.body)).to.equal("abc");
    expect(valuesOf(request, "host")).to.deep.equal(["h"]);
  });

  it("H6 Via is set, and what came in it is not passed on", async () => {
    const request = await pair.forwarded("GET / HTTP/1.1", "Via: 1.1 my-laptop.example");
    expect(valuesOf(request, "via")).to.deep.equal(["1.1 logveil"]);
  });

  it("H6 Via is appended to that of another logveil", async () => {
    const request = await pair.forwarded("GET / HTTP/1.1", "Via: 1.1 edge, 1.1 logveil");
    expect(valuesOf(request, "via")).to.deep.equal(["1.1 logveil, 1.1 logveil"]);
  });

  it("H7 unknown and repeated fields go on in their order and casing", async () => {
    const lines = [
      "X-B: 1",
      "accept: */*",
      "x-b: 2",
      "X-A: ",
      "X-B:3",
      "X-Latin: \u00e9\u00ff",
      "!#$%&'*+.^`|~: t",
    ];
    const request = await pair.forwarded("GET / HTTP/1.1", ...lines);
    const sent = lines.map((line) => line.split(":")[0]);
    const names = request.headers.map(([name]) => name).filter((name) => sent.includes(name));
    expect(names).to.deep.equal(["X-B", "accept", "x-b", "X-A", "X-B", "X-Latin", "!#$%&'*+.^`|~"]);
    expect(valuesOf(request, "x-b")).to.deep.equal(["1", "2", "3"]);
    expect(valuesOf(request, "x-latin")).to.deep.equal(["\u00e9\u00ff"]);
  });

  it("H7 two Cookie lines are one list, as RFC 6265 section 5.4 has it", async () => {
    await using other = await startProxiedPair({ proxy: { forward: { cookies: "pass" } } });
    const request = await other.forwarded("GET / HTTP/1.1", "Cookie: a=1", "Cookie: b=2");
    expect(valuesOf(request, "cookie")).to.deep.equal(["a=1; b=2"]);
  });
});
