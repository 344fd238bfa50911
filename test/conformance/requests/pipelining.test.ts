import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { respond, respondWhen } from "../../kit/answers.ts";
import { eventually } from "../../kit/eventually.ts";
import { head, openRawClient } from "../../kit/raw-client.ts";
import { startProxiedPair, statusesIn } from "./proxied-pair.ts";
import type { ProxiedPair } from "./proxied-pair.ts";

// RFC 9112 section 9: several requests on one connection, and how a connection ends.

const get = (path: string, ...lines: readonly string[]) =>
  head(`GET ${path} HTTP/1.1`, "Host: h", ...lines);
const LAST = "Connection: close";

describe("conformance: requests on one connection", () => {
  let pair: ProxiedPair;

  beforeEach(async () => {
    pair = await startProxiedPair();
    pair.upstream.answerWith((socket, request) =>
      respond({ body: `[${request.requestTarget}]` })(socket, request),
    );
  });

  afterEach(() => pair[Symbol.asyncDispose]());

  const bodiesIn = (received: string) => received.match(/\[[^\]]*\]/g) ?? [];
  const targets = () => pair.upstream.requests.map(({ requestTarget }) => requestTarget);

  it("F9 a GET with a body: it goes on, and the next request is read where it begins", async () => {
    const received = await pair.send(`${get("/1", "Content-Length: 3")}abc${get("/2", LAST)}`);
    expect(bodiesIn(received)).to.deep.equal(["[/1]", "[/2]"]);
    const first = pair.upstream.requests.find(({ requestTarget }) => requestTarget === "/1");
    expect(String(first?.body)).to.equal("abc");
  });

  it("F9 a HEAD with a body: the next request is read where it begins", async () => {
    pair.upstream.answerWith((socket, request) => {
      if (request.method === "HEAD") socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
      else void respond({ body: "[/2]" })(socket, request);
    });
    const first = get("/1", "Content-Length: 3").replace("GET", "HEAD");
    const received = await pair.send(`${first}abc${get("/2", LAST)}`);
    expect(received).to.match(/^HTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)+\r\nHTTP\/1\.1 200/);
    expect(bodiesIn(received)).to.deep.equal(["[/2]"]);
  });

  it("F10 pipelined requests are answered in order, however long the first one takes", async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    pair.upstream.answerWith((socket, request) => {
      const answer = respond({ body: `[${request.requestTarget}]` });
      return (request.requestTarget === "/1" ? respondWhen(released, answer) : answer)(
        socket,
        request,
      );
    });
    await using client = await openRawClient(pair.port);
    client.send(get("/1") + get("/2") + get("/3", LAST));
    await pair.upstream.request(2);
    expect(client.received()).to.equal("");
    release();
    expect(bodiesIn(await client.closed())).to.deep.equal(["[/1]", "[/2]", "[/3]"]);
  });

  it("F10 what follows a good request and cannot be read is refused after its answer", async () => {
    const received = await pair.send(`${get("/1")}\0garbage\r\n\r\n${get("/3")}`);
    expect(statusesIn(received)).to.deep.equal([200, 400]);
    expect(targets()).to.deep.equal(["/1"]);
    const lines = await pair.sidecar.logLines(2);
    const statuses = lines.map((line) => line["http.response.status_code"]);
    expect(statuses).to.have.members([200, 400]);
  });

  it("F10 what follows a refused request is not served", async () => {
    for (const refused of [head("GET /1 HTTP/1.1", "Host: a", "Host: b"), get("x")]) {
      expect(statusesIn(await pair.send(refused + get("/2")))).to.deep.equal([400]);
      expect(targets()).to.deep.equal([]);
    }
  });

  it("F10 nor when its client is known and that of the refused one is new", async () => {
    const known = get("/known", "User-Agent: known", LAST);
    expect(statusesIn(await pair.send(known))).to.deep.equal([200]);
    const refused = head("GET /1 HTTP/1.1", "Host: a", "Host: b", "User-Agent: new");
    expect(statusesIn(await pair.send(refused + known))).to.deep.equal([400]);
    expect(targets()).to.deep.equal(["/known"]);
  });

  it("F10 what follows Connection: close is not served (RFC 9112 section 9.6)", async () => {
    expect(bodiesIn(await pair.send(get("/1", LAST) + get("/2")))).to.deep.equal(["[/1]"]);
    expect(targets()).to.deep.equal(["/1"]);
  });

  it("F10 a refusal has one line in the log, whatever keeps coming behind it", async () => {
    await using client = await openRawClient(pair.port);
    client.send("\0garbage\r\n\r\n");
    await client.receive("HTTP/1.1 400");
    client.send("more\r\n");
    client.send("and more\r\n");
    await client.closed();
    await pair.send(get("/after", LAST));
    await pair.sidecar.logLines(2);
    const text = await readFile(pair.sidecar.files.accessLog, "utf8");
    expect(text.trimEnd().split("\n")).to.have.length(2);
  });

  it("F12 an upgrade behind a request that is not answered yet → 400, after that answer", async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    pair.upstream.answerWith(respondWhen(released, respond({ body: "[/1]" })));
    await using client = await openRawClient(pair.port);
    client.send(get("/1") + get("/2", "Connection: Upgrade", "Upgrade: websocket"));
    await pair.upstream.request(0);
    await pair.sidecar.logLines(1);
    release();
    const received = await client.closed();
    expect(statusesIn(received)).to.deep.equal([200, 400]);
    expect(received.indexOf("[/1]")).to.be.lessThan(received.indexOf("HTTP/1.1 400"));
    expect(targets()).to.deep.equal(["/1"]);
  });

  it("a client that closes its half has gone away: the upstream's request is ended", async () => {
    pair.upstream.answerWith(() => undefined);
    await using client = await openRawClient(pair.port);
    client.send(get("/1"));
    await pair.upstream.request(0);
    client.socket.end();
    await pair.upstream.idle();
    expect(await client.closed()).to.equal("");
    const [line] = await pair.sidecar.logLines(1);
    expect(line).to.include({ "error.type": "client_aborted", "http.response.status_code": 499 });
  });

  it("a client that closes its half within a body: the upstream gets no whole request", async () => {
    await using client = await openRawClient(pair.port);
    client.send(`${head("POST /1 HTTP/1.1", "Host: h", "Content-Length: 10")}abc`);
    await eventually("the upstream has the beginning", () =>
      pair.upstream.bytes().includes("abc") ? true : undefined,
    );
    client.socket.end();
    await pair.upstream.idle();
    expect(targets()).to.deep.equal([]);
  });
});
