import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { expect } from "chai";
import * as answers from "./answers.ts";
import { startRecordingUpstream } from "./recording-upstream.ts";
import type { RecordingUpstream } from "./recording-upstream.ts";

describe("recording upstream", () => {
  let upstream: RecordingUpstream;
  let client: Socket;

  beforeEach(async () => {
    upstream = await startRecordingUpstream();
    client = connect(upstream.port, "127.0.0.1");
    client.on("error", () => undefined);
  });
  afterEach(async () => {
    client.destroy();
    await upstream.close();
  });

  async function answered(pattern: RegExp): Promise<string> {
    let text = "";
    for await (const chunk of client.iterator({ destroyOnReturn: false })) {
      text += String(chunk);
      if (pattern.test(text)) return text;
    }
    throw new Error("the connection ended before the answer came");
  }

  it("keeps every byte and cuts it into requests", async () => {
    const first = "POST /a HTTP/1.1\r\nhOst: x\r\nContent-Length: 3\r\n\r\nabc";
    const second =
      "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: 1\r\n\r\n";
    client.write(first + second.slice(0, -1));
    const { head, body } = await upstream.request(0);
    expect(String(head)).to.equal(first.slice(0, -3));
    expect(String(body)).to.equal("abc");
    expect(upstream.requests).to.have.length(1);
    client.write(second.slice(-1));
    const request = await upstream.request(1);
    expect(request).to.include({ method: "POST", requestTarget: "/b", connection: 0 });
    expect(String(request.body)).to.equal("abcd");
    expect(String(request.bytes)).to.equal(second);
    expect(String(upstream.connections[0])).to.equal(first + second);
    expect(String(upstream.bytes())).to.equal(first + second);
  });

  it("answers what it was told to, in turn", async () => {
    upstream.answerWith(
      answers.respondInTurn(
        answers.respond({ status: 404, reason: "Gone", headers: [["X-A", "1"]], body: "no" }),
        answers.respondAfterInterim([{ status: 103 }], answers.respond()),
      ),
    );
    client.write("GET / HTTP/1.1\r\n\r\n");
    expect(await answered(/no$/)).to.equal(
      "HTTP/1.1 404 Gone\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nno",
    );
    client.write("GET / HTTP/1.1\r\n\r\n");
    expect(await answered(/ok\n$/)).to.match(/^HTTP\/1.1 103 .*\r\n\r\nHTTP\/1.1 200 /);
  });

  it("sends chunks when they are ready, and trailers", async () => {
    const late = Promise.withResolvers<string>();
    upstream.answerWith(
      answers.respondInChunks(["early", late.promise], { trailers: [["X-Sum", "2"]] }),
    );
    client.write("GET / HTTP/1.1\r\n\r\n");
    expect(await answered(/early/)).to.match(/\r\n\r\n5\r\nearly\r\n$/);
    late.resolve("late");
    expect(await answered(/\r\n\r\n$/)).to.equal("4\r\nlate\r\n0\r\nX-Sum: 2\r\n\r\n");
  });

  it("breaks off in the middle of a body", async () => {
    upstream.answerWith(answers.respondInChunks(["one", "two"], { cutAfter: 1 }));
    client.write("GET / HTTP/1.1\r\n\r\n");
    expect(await once(client, "error")).to.have.nested.property("[0].code", "ECONNRESET");
  });

  it("answers before the body when told to", async () => {
    upstream.answerHeadWith(answers.respond({ status: 413, body: "" }));
    client.write("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc");
    expect(await answered(/\r\n\r\n$/)).to.match(/^HTTP\/1.1 413 /);
    expect(upstream.requests).to.deep.equal([]);
    client.write("defghi");
    expect(String((await upstream.request(0)).body)).to.equal("abcdefghi");
  });

  it("switches protocols and echoes what comes behind", async () => {
    upstream.answerWith(answers.switchProtocols());
    client.write("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    expect(await answered(/\r\n\r\n$/)).to.match(/^HTTP\/1.1 101 /);
    client.write("GET /not-a-request HTTP/1.1\r\n\r\n");
    expect(await answered(/\r\n\r\n$/)).to.equal("GET /not-a-request HTTP/1.1\r\n\r\n");
    expect(upstream.requests).to.have.length(1);
  });

  it("knows when its last connection is gone, and forgets", async () => {
    upstream.answerWith(answers.hang);
    client.write("GET / HTTP/1.1\r\n\r\n");
    await upstream.request(0);
    expect(upstream.openConnections()).to.equal(1);
    client.destroy();
    await upstream.idle();
    upstream.forget();
    expect(upstream.bytes()).to.have.length(0);
  });

  it("resets, hangs up and sends garbage", async () => {
    upstream.answerWith(answers.respondBytes("\0garbage\n", { end: true }));
    client.write("GET / HTTP/1.1\r\n\r\n");
    expect(await answered(/\n/)).to.equal("\0garbage\n");
    upstream.answerWith(answers.hangUp);
    const second = connect(upstream.port, "127.0.0.1").end("GET / HTTP/1.1\r\n\r\n").resume();
    await once(second, "end");
    upstream.answerWith(answers.reset);
    const third = connect(upstream.port, "127.0.0.1");
    third.write("GET / HTTP/1.1\r\n\r\n");
    expect(await once(third, "error")).to.have.nested.property("[0].code", "ECONNRESET");
  });
});
