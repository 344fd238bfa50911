import { constants } from "node:http2";
import type { TLSSocket } from "node:tls";
import { expect } from "chai";
import { hang } from "../../kit/answers.ts";
import { eventually } from "../../kit/eventually.ts";
import { openHttp2Client } from "../../kit/http2-client.ts";
import { connectTls } from "../../kit/https-client.ts";
import { startRecordingUpstream } from "../../kit/recording-upstream.ts";
import type { RecordingUpstream } from "../../kit/recording-upstream.ts";
import type { RunningSidecar } from "../../kit/running-sidecar.ts";
import { startTlsSidecar } from "../../kit/tls-sidecar.ts";

// What HTTP/2 makes cheap for a client and dear for a server. Each attack ends its connection; other clients are served.

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION] = [0, 1, 3, 4, 6, 9];
const [END_STREAM, END_HEADERS] = [1, 4];
/** HPACK (RFC 7541): GET, https, /, and :authority a. */
const GET = Buffer.from([0x82, 0x87, 0x84, 0x01, 0x01, 0x61]);

function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literal field without indexing, neither name nor value compressed; at most 126 bytes each. */
function field(name: string, value: string): Buffer {
  const text = (bytes: string) => Buffer.concat([Buffer.from([bytes.length]), Buffer.from(bytes)]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

/** Error codes of the GOAWAY frames (RFC 9113 section 6.8). */
function goawayCodesIn(bytes: Buffer): readonly number[] {
  const codes: number[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3))
    if (bytes.readUInt8(at + 3) === 7) codes.push(bytes.readUInt32BE(at + 13));
  return codes;
}

describe("transport: floods of HTTP/2", () => {
  let upstream: RecordingUpstream;
  let sidecar: RunningSidecar;

  before(async () => {
    upstream = await startRecordingUpstream();
    sidecar = await startTlsSidecar(upstream.url, {
      timeouts: { headers: "200ms", idle: "200ms", request: "300ms" },
    });
  });
  beforeEach(() => {
    upstream.answerHeadWith(undefined);
    upstream.forget();
  });
  after(async () => {
    await sidecar[Symbol.asyncDispose]();
    await upstream.close();
  });

  async function open(): Promise<TLSSocket> {
    const socket = await connectTls(sidecar.proxyPort, { ALPNProtocols: ["h2"] });
    socket.resume();
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]));
    return socket;
  }

  async function closed(socket: TLSSocket): Promise<void> {
    if (!socket.closed) await new Promise<void>((resolve) => socket.on("close", resolve));
  }

  async function expectServed(): Promise<void> {
    await using client = await openHttp2Client(sidecar.proxyPort);
    expect((await client.ask({ ":path": "/other" })).status).to.equal(200);
  }

  it("ends a connection that resets its requests as fast as it makes them (CVE-2023-44487)", async () => {
    upstream.answerHeadWith(hang);
    const socket = await open();
    const received: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    for (let stream = 1; stream < 2000 && socket.writable; stream += 2)
      socket.write(
        Buffer.concat([
          frame(HEADERS, END_STREAM | END_HEADERS, stream, GET),
          frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8])),
        ]),
      );
    await closed(socket);
    expect(goawayCodesIn(Buffer.concat(received)).some((code) => code !== 0)).to.equal(true);
    await upstream.idle();
    upstream.answerHeadWith(undefined);
    await expectServed();
  });

  it("ends a connection whose header never ends (CONTINUATION flood)", async () => {
    const socket = await open();
    socket.write(frame(HEADERS, END_STREAM, 1, GET));
    const more = frame(CONTINUATION, 0, 1, field("x-more", "y".repeat(100)));
    for (let count = 0; count < 200 && socket.writable; count += 1) socket.write(more);
    await closed(socket);
    expect(upstream.requests.length).to.equal(0);
    await expectServed();
  });

  it("takes no more header than limits.headers, nor more fields than it counts", async () => {
    await using client = await openHttp2Client(sidecar.proxyPort);
    const bulky = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`x-${index}`, "y".repeat(1000)]),
    );
    const first = await client.ask({ ":path": "/bulky", ...bulky });
    expect(first.status).to.be.oneOf([0, 431]);
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`x-${index}`, "y"]));
    expect((await client.ask({ ":path": "/many", ...many })).status).to.be.oneOf([0, 431]);
    expect(upstream.requests.length).to.equal(0);
    await expectServed();
  });

  it("serves no more than 128 requests of a connection at once", async () => {
    upstream.answerHeadWith(hang);
    const socket = await open();
    for (let stream = 1; stream < 400; stream += 2)
      socket.write(frame(HEADERS, END_STREAM | END_HEADERS, stream, GET));
    await eventually(
      "the first have arrived",
      () => upstream.openConnections() >= 100 || undefined,
    );
    expect(upstream.openConnections()).to.be.at.most(128);
    socket.destroy();
    await upstream.idle();
  });

  for (const [name, bytes] of [
    ["says nothing", Buffer.alloc(0)],
    ["has begun a header and does not end it", frame(HEADERS, END_STREAM, 1, GET)],
  ] as const) {
    it(`ends a connection that ${name}`, async () => {
      const socket = await open();
      socket.write(bytes);
      await closed(socket);
    });
  }

  it("ends a connection that lives on pings", async () => {
    const socket = await open();
    const pinging = setInterval(() => socket.write(frame(PING, 0, 0, Buffer.alloc(8))), 20);
    socket.on("close", () => clearInterval(pinging));
    await closed(socket);
  });

  it("breaks off an upload that does not come in time", async () => {
    await using client = await openHttp2Client(sidecar.proxyPort);
    const stream = client.session.request({ ":method": "POST", ":path": "/slow" });
    stream.on("error", () => undefined);
    stream.write("a");
    await new Promise<void>((resolve) => stream.on("close", resolve));
    expect(stream.rstCode).not.to.equal(constants.NGHTTP2_NO_ERROR);
    await upstream.idle();
  });

  for (const [name, fields] of [
    ["Connection", field("connection", "close")],
    ["Transfer-Encoding", field("transfer-encoding", "chunked")],
    ["Upgrade", field("upgrade", "websocket")],
    ["Keep-Alive", field("keep-alive", "1")],
    ["Proxy-Connection", field("proxy-connection", "close")],
    ["TE other than trailers", field("te", "gzip")],
    ["an upper-case name", field("X-Upper", "1")],
    ["a line break in a value", field("x-a", "1\r\nx-b: 2")],
    ["a NUL in a value", field("x-a", "1\0")],
    ["a space in a name", field("x a", "1")],
    ["a second :path", field(":path", "/evil")],
    ["an unknown pseudo-field", field(":evil", "1")],
    [
      "lengths that differ",
      Buffer.concat([field("content-length", "1"), field("content-length", "2")]),
    ],
    ["a length without a body", field("content-length", "5")],
  ] as const) {
    it(`never forwards a request with ${name} (RFC 9113 section 8.2)`, async () => {
      const socket = await open();
      socket.write(frame(HEADERS, END_STREAM | END_HEADERS, 1, Buffer.concat([GET, fields])));
      socket.write(frame(PING, 0, 0, Buffer.alloc(8)));
      socket.write(frame(DATA, 0, 1, Buffer.from("late")));
      await expectServed();
      await closed(socket);
      expect(upstream.requests.map(({ head }) => head.toString().split(" ")[1])).to.deep.equal([
        "/other",
      ]);
    });
  }

  it("has left no request behind", async () => {
    await eventually("none is in flight", async () => {
      const text = await (await fetch(`${sidecar.vaultUrl}/metrics`)).text();
      return /^logveil_http_requests_in_flight 0$/m.test(text) || undefined;
    });
  });
});
