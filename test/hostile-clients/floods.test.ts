// Clients that send too much of anything (PROXY.md L1): all of it is bounded, counted, and no reason not to serve others.

import { connect } from "node:net";
import { expect } from "chai";
import { hang, respond, respondWhen } from "../kit/answers.ts";
import { eventually } from "../kit/eventually.ts";
import { startProxiedUpstream } from "../kit/proxied-upstream.ts";
import type { ProxiedUpstream } from "../kit/proxied-upstream.ts";
import { exchangeRaw, head, openRawClient } from "../kit/raw-client.ts";
import type { RawClient } from "../kit/raw-client.ts";

const KIB = 1024;

describe("hostile clients: floods", () => {
  let proxied: ProxiedUpstream;

  before(async () => {
    proxied = await startProxiedUpstream({ limits: { connections: 20, body: "64KiB" } });
  });

  beforeEach(() => {
    proxied.upstream.forget();
    proxied.upstream.answerWith(respond());
  });

  after(() => proxied[Symbol.asyncDispose]());

  const ask = (request: string) => exchangeRaw(proxied.sidecar.proxyPort, request);
  const fields = (count: number, of: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => of(n));
  const closing = ["Host: h", "Connection: close"];

  it("past limits.connections a connection is closed at once and counted; those before it are served", async () => {
    const open: RawClient[] = [];
    await using cleanUp = new AsyncDisposableStack();
    const hello = async () => {
      const client = cleanUp.use(await openRawClient(proxied.sidecar.proxyPort));
      client.send(head("GET / HTTP/1.1", "Host: h"));
      return client;
    };
    const before = await proxied.metric("logveil_connections_refused_total");
    while (open.length < 20) {
      const client = await hello();
      await client.receive("ok\n");
      open.push(client);
    }
    const refused = await Promise.all(
      Array.from({ length: 200 }, () => knock(proxied.sidecar.proxyPort)),
    );
    expect(refused.join("")).to.equal("");
    expect(await proxied.metric("logveil_connections_refused_total")).to.equal(before + 200);
    const [first] = open;
    const received = first?.received().length ?? 0;
    first?.send(head("GET /again HTTP/1.1", "Host: h", "Connection: close"));
    expect((await first?.closed())?.slice(received)).to.match(/^HTTP\/1\.1 200 /);
    const next = await eventually(
      "there is room for one more",
      async () => (await knock(proxied.sidecar.proxyPort)) || undefined,
    );
    expect(next).to.match(/^HTTP\/1\.1 200 /);
  });

  it("requests that nobody answers are all counted, and all gone when their clients are", async () => {
    proxied.upstream.answerWith(hang);
    const clients = await Promise.all(fields(15, () => "").map(() => proxied.connect()));
    for (const client of clients) client.send(head("GET /hang HTTP/1.1", "Host: h"));
    await proxied.upstream.request(14);
    expect(await proxied.metric("logveil_http_requests_in_flight")).to.equal(15);
    expect(proxied.upstream.openConnections()).to.equal(15);
    for (const client of clients) client.socket.resetAndDestroy();
    await proxied.upstream.idle();
    await eventually(
      "none is in flight",
      async () => (await proxied.metric("logveil_http_requests_in_flight")) === 0 || undefined,
    );
  });

  for (const [name, request, status] of [
    [
      "one field over limits.headers",
      head("GET / HTTP/1.1", ...closing, `X: ${"x".repeat(17 * KIB)}`),
      "431",
    ],
    [
      "fields together over limits.headers",
      head(
        "GET / HTTP/1.1",
        ...closing,
        ...fields(600, (n) => `X-${String(n)}: ${"x".repeat(30)}`),
      ),
      "431",
    ],
    [
      "many cookies over limits.headers",
      head(
        "GET / HTTP/1.1",
        ...closing,
        ...fields(900, (n) => `Cookie: c${String(n)}=${"x".repeat(20)}`),
      ),
      "431",
    ],
    [
      "1,001 fields within limits.headers",
      head("GET / HTTP/1.1", ...closing, ...fields(999, () => "a:")),
      "431",
    ],
    [
      "a target over limits.headers",
      head(`GET /${"x".repeat(17 * KIB)} HTTP/1.1`, ...closing),
      "414",
    ],
    [
      "a declared body over limits.body",
      head("POST / HTTP/1.1", ...closing, "Content-Length: 70000"),
      "413",
    ],
    [
      "a declared body of many digits",
      head("POST / HTTP/1.1", ...closing, "Content-Length: 999999999999999"),
      "413",
    ],
  ] as const) {
    it(`L1 ${name}: ${status}, nothing of it at the upstream, nothing of it in the answer`, async () => {
      const answer = await ask(request);
      expect(answer)
        .to.match(new RegExp(`^HTTP/1\\.1 ${status} `))
        .and.to.not.include("xxxx");
      expect(answer)
        .to.match(/^date: /im)
        .and.to.match(/^connection: close/im);
      expect(proxied.upstream.bytes().length).to.equal(0);
    });
  }

  it("L1 1,000 fields reach the upstream, and those of identity among them do not", async () => {
    const request = head(
      "GET / HTTP/1.1",
      ...closing,
      ...fields(997, () => "a:"),
      "X-Real-IP: 203.0.113.9",
    );
    expect(await ask(request)).to.match(/^HTTP\/1\.1 200 /);
    const sent = await proxied.upstream.request(0);
    expect(sent.headers.filter(([name]) => name === "a").length).to.equal(997);
    expect(sent.head.toString()).to.not.include("203.0.113.9");
  });

  it("L1 hundreds of cookies within limits.headers cost one session and reach the upstream as one", async () => {
    const cookies = fields(400, (n) => `c${String(n)}=${String(n)}`).join("; ");
    expect(await ask(head("GET / HTTP/1.1", ...closing, `Cookie: ${cookies}`))).to.include("ok\n");
    const sent = (await proxied.upstream.request(0)).head.toString();
    expect(sent.match(/^cookie: .*$/gim)).to.have.length(1);
    expect(sent).to.match(/^cookie: logveil_session=[\w-]+\r$/im);
  });

  it("L1 a chunked body over limits.body: 413 as soon as it is known, and the upstream's request is broken off", async () => {
    await using client = await proxied.connect();
    client.send(head("POST / HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"));
    for (let n = 0; n < 10; n += 1) client.send(`4000\r\n${"x".repeat(0x40_00)}\r\n`);
    expect(await client.closed()).to.match(/^HTTP\/1\.1 413 /);
    expect(proxied.upstream.requests.length).to.equal(0);
    expect(proxied.upstream.bytes().length).to.be.at.most(66 * KIB);
  });

  it("L1 chunk extensions without end are cut off", async () => {
    await using client = await proxied.connect();
    client.send(head("POST / HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"));
    client.send(`1;${"e".repeat(40 * KIB)}\r\nx\r\n0\r\n\r\n`);
    expect(await client.closed()).to.match(/^(?:HTTP\/1\.1 413 |$)/);
    expect(proxied.upstream.requests.length).to.equal(0);
    expect(proxied.upstream.bytes().includes("eeee")).to.equal(false);
  });

  it("L1 chunk extensions spread over many chunks are thrown away, chunk by chunk", async () => {
    const chunk = `1;${"e".repeat(KIB)}\r\nx\r\n`;
    const request = head("POST / HTTP/1.1", ...closing, "Transfer-Encoding: chunked");
    expect(await ask(`${request}${chunk.repeat(200)}0\r\n\r\n`)).to.include("ok\n");
    expect((await proxied.upstream.request(0)).body.toString()).to.equal("x".repeat(200));
    expect(proxied.upstream.bytes().includes("eeee")).to.equal(false);
  });

  it("L1 request trailers without end are cut off", async () => {
    await using client = await proxied.connect();
    client.send(head("POST / HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"));
    client.send(`1\r\nx\r\n0\r\nX-T: ${"t".repeat(40 * KIB)}\r\n\r\n`);
    expect(await client.closed()).to.match(/^(?:HTTP\/1\.1 4(?:13|31) |$)/);
    expect(proxied.upstream.requests.length).to.equal(0);
    expect(proxied.upstream.bytes().includes("tttt")).to.equal(false);
  });

  it("a hundred pipelined requests are answered in order", async () => {
    proxied.upstream.answerWith(async (socket, request) =>
      respond({ body: `<${request.requestTarget}>` })(socket, request),
    );
    const paths = fields(100, (n) => `/${String(n)}`);
    await using client = await proxied.connect();
    client.send(paths.map((path) => head(`GET ${path} HTTP/1.1`, "Host: h")).join(""));
    const answer = await client.receive("</99>");
    expect(answer.match(/(?<=<)[^>]+/g)).to.deep.equal(paths);
  });

  it("of a flood of pipelined requests that nobody answers a hundred reach the upstream", async () => {
    const released = Promise.withResolvers<void>();
    proxied.upstream.answerWith(respondWhen(released.promise));
    await using client = await proxied.connect();
    client.send(head("GET /flood HTTP/1.1", "Host: h").repeat(5000));
    await proxied.upstream.request(99);
    expect(await knock(proxied.sidecar.proxyPort, "HEAD /refused HTTP/9.9")).to.match(/ 505 /);
    expect(proxied.upstream.openConnections()).to.equal(100);
    released.resolve();
    const answers = (await client.closed()).match(/HTTP\/1\.1 \d+/g) ?? [];
    expect(answers).to.deep.equal([...fields(100, () => "HTTP/1.1 200"), "HTTP/1.1 429"]);
    expect(proxied.upstream.requests.length).to.equal(100);
  });
});

/** Asks on a connection of its own, which may be closed before it is open; gives what came back. */
function knock(port: number, line = "GET / HTTP/1.1"): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve(received));
    socket.write(head(line, "Host: h", "Connection: close"));
  });
}
