// Interim answers and what a client may expect (PROXY.md R7, R9, R10).

import { expect } from "chai";
import { respond, respondAfterInterim, respondBytes, respondInTurn } from "../../kit/answers.ts";
import { startProxiedUpstream } from "../../kit/proxied-upstream.ts";
import type { ProxiedUpstream } from "../../kit/proxied-upstream.ts";
import { exchangeRaw, head } from "../../kit/raw-client.ts";

const GET = head("GET /a HTTP/1.1", "Host: h", "Connection: close");
const FINAL = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

/** The lines of a request that waits for 100 (Continue), with what identifies its client. */
const expecting = (...more: readonly string[]) =>
  head(
    "POST /upload HTTP/1.1",
    "Host: h",
    "Expect: 100-continue",
    "X-Forwarded-For: 203.0.113.77",
    "User-Agent: planted-agent/1",
    "Cookie: sid=planted-cookie",
    ...more,
  );

describe("conformance: interim answers", () => {
  let proxied: ProxiedUpstream;

  before(async () => {
    proxied = await startProxiedUpstream({ limits: { body: "1MiB" } });
  });

  beforeEach(() => {
    proxied.upstream.forget();
    proxied.upstream.answerWith(respond());
    proxied.upstream.answerHeadWith(undefined);
  });

  after(() => proxied[Symbol.asyncDispose]());

  it("R7 102 and 103 reach the client before the final answer, each with its fields, in order", async () => {
    const interim = [
      { status: 102, headers: [] },
      { status: 103, headers: [["Link", "</a>; rel=preload"]] as const },
      { status: 103, headers: [["Link", "</b>; rel=preload"]] as const },
    ];
    proxied.upstream.answerWith(respondAfterInterim(interim, respond({ body: "final" })));
    const answer = await exchangeRaw(proxied.sidecar.proxyPort, GET);
    const heads = answer.match(/HTTP\/1\.1 \d+|<\/\w>/g);
    expect(heads).to.deep.equal([
      "HTTP/1.1 102",
      "HTTP/1.1 103",
      "</a>",
      "HTTP/1.1 103",
      "</b>",
      "HTTP/1.1 200",
    ]);
  });

  it("R7 an early hint is not held back until the final answer", async () => {
    const released = Promise.withResolvers<void>();
    proxied.upstream.answerWith(async (socket) => {
      socket.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
      await released.promise;
      socket.write(FINAL);
    });
    await using client = await proxied.connect();
    client.send(head("GET / HTTP/1.1", "Host: h"));
    expect(await client.receive("</a>")).to.not.include("200");
    released.resolve();
    await client.receive("abc");
  });

  it("R7 an interim answer has no length and nothing of the hop", async () => {
    const answer = await exchangeAfter(
      "HTTP/1.1 103 X\r\nLink: </a>\r\nContent-Length: 5\r\nConnection: X-Hop\r\nX-Hop: hop\r\n\r\n",
    );
    const interim = answer.slice(0, answer.indexOf("HTTP/1.1 200"));
    expect(interim).to.equal("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  });

  it("R7 a client of HTTP/1.0 gets the final answer only", async () => {
    const answer = await exchangeAfter(
      "HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n",
      head("GET / HTTP/1.0", "Host: h"),
    );
    expect(answer).to.match(/^HTTP\/1\.1 200 OK/);
  });

  it("R7 100 of the upstream, to which no expectation was passed on, is refused with 502 and not asked for twice", async () => {
    const answer = await exchangeAfter("HTTP/1.1 100 Continue\r\n\r\n");
    expect(answer)
      .to.match(/^HTTP\/1\.1 502 /)
      .and.to.include("upstream_invalid");
    expect(proxied.upstream.requests.length).to.equal(1);
  });

  it("R9 Expect: 100-continue is answered here, with the client's identity gone from what goes on", async () => {
    await using client = await proxied.connect();
    client.send(expecting("Content-Length: 4"));
    await client.receive("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");
    await client.receive("HTTP/1.1 200");
    const sent = await proxied.upstream.request(0);
    expect(sent.body.toString()).to.equal("body");
    expect(sent.head.toString()).to.match(/\r\nX-Session-Token: /i);
    expect(sent.head.toString()).to.not.match(/planted|203\.0\.113\.77|expect/i);
    expect(client.received().match(/100 Continue/g)).to.have.length(1);
  });

  it("R9 a chunked body behind 100 goes on in chunks", async () => {
    await using client = await proxied.connect();
    client.send(expecting("Transfer-Encoding: chunked"));
    await client.receive("100 Continue");
    client.send("2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n");
    await client.receive("HTTP/1.1 200");
    expect((await proxied.upstream.request(0)).body.toString()).to.equal("body");
  });

  it("R9 a client that does not wait for 100 is served too", async () => {
    await using client = await proxied.connect();
    client.send(`${expecting("Content-Length: 4")}body`);
    await client.receive("ok\n");
    expect((await proxied.upstream.request(0)).body.toString()).to.equal("body");
  });

  it("R9 an answer of the upstream to the head ends the upload long before its end", async () => {
    proxied.upstream.answerHeadWith(respond({ status: 401, body: "who are you" }));
    await using client = await proxied.connect();
    client.send(expecting("Content-Length: 1000000"));
    await client.receive("100 Continue");
    client.send("the first bytes");
    const answer = await client.receive("who are you");
    expect(answer)
      .to.match(/HTTP\/1\.1 401 /)
      .and.to.match(/connection: close/i);
    await client.closed();
    expect(proxied.upstream.requests.length).to.equal(0);
    await proxied.upstream.idle();
  });

  for (const [name, request, status] of [
    ["a body over limits.body", expecting("Content-Length: 2000000"), "413"],
    ["no way to frame it", expecting("Content-Length: 2", "Content-Length: 2"), "400"],
  ] as const) {
    it(`R9 what is refused for ${name} is refused without a 100 before it`, async () => {
      const answer = await exchangeRaw(proxied.sidecar.proxyPort, request);
      expect(answer).to.match(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(proxied.upstream.requests.length).to.equal(0);
    });
  }

  it("R9 Expect in a request without a body is answered with the final status alone", async () => {
    const request = head("GET / HTTP/1.1", "Host: h", "Connection: close", "Expect: 100-continue");
    const answer = await exchangeRaw(proxied.sidecar.proxyPort, request);
    expect(answer).to.match(/^HTTP\/1\.1 200 /);
    expect((await proxied.upstream.request(0)).head.toString()).to.not.match(/expect/i);
  });

  it("R9 a client of HTTP/1.0 gets no 100", async () => {
    const request = `${head("POST / HTTP/1.0", "Host: h", "Expect: 100-continue", "Content-Length: 4")}body`;
    expect(await exchangeRaw(proxied.sidecar.proxyPort, request)).to.match(/^HTTP\/1\.1 200 /);
    expect((await proxied.upstream.request(0)).body.toString()).to.equal("body");
  });

  for (const value of ["miracles", "100-continue, miracles"]) {
    it(`R10 Expect: ${value} is refused with 417`, async () => {
      const request = head("POST / HTTP/1.1", "Host: h", `Expect: ${value}`, "Content-Length: 4");
      const answer = await exchangeRaw(proxied.sidecar.proxyPort, request);
      expect(answer)
        .to.match(/^HTTP\/1\.1 417 /)
        .and.to.not.include("miracles");
      expect(proxied.upstream.requests.length).to.equal(0);
    });
  }

  /** The upstream sends `interim` and then a final answer. */
  async function exchangeAfter(interim: string, request = GET): Promise<string> {
    proxied.upstream.answerWith(respondInTurn(respondBytes(interim + FINAL)));
    return exchangeRaw(proxied.sidecar.proxyPort, request);
  }
});
