import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect } from "chai";
import { respond } from "../../kit/answers.ts";
import { eventually } from "../../kit/eventually.ts";
import { head, openRawClient } from "../../kit/raw-client.ts";
import { startRecordingUpstream } from "../../kit/recording-upstream.ts";
import type { RecordingUpstream } from "../../kit/recording-upstream.ts";
import { startRunningSidecar } from "../../kit/running-sidecar.ts";
import type { RunningSidecar, Settings } from "../../kit/running-sidecar.ts";
import { SELF_SIGNED } from "../../kit/self-signed.ts";
import { startTlsSidecar } from "../../kit/tls-sidecar.ts";

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const ON = { proxyProtocol: "on", trustedProxies: ["127.0.0.0/8"] };
const REQUEST = head("GET /page HTTP/1.1", "Host: a", "Connection: close");

/** A version 2 header. */
function binary(
  command: number,
  family: number,
  payload: readonly number[],
  length?: number,
): Buffer {
  const bytes = Buffer.alloc(16 + payload.length);
  bytes.write(SIGNATURE, "latin1");
  bytes.writeUInt8(command, 12);
  bytes.writeUInt8(family, 13);
  bytes.writeUInt16BE(length ?? payload.length, 14);
  bytes.set(payload, 16);
  return bytes;
}

const V4 = [198, 51, 100, 237, 127, 0, 0, 1, 0x12, 0x34, 0x01, 0xbb];
const V6 = [...Buffer.from(`20010db8${"00".repeat(11)}07${"01".repeat(16)}123401bb`, "hex")];
/** A TLV of a name that says to be an address, which nobody believes. */
const TLV = [0x02, 0, 11, ...Buffer.from("203.0.113.9")];

async function addressOf(sidecar: RunningSidecar, line: number): Promise<string | undefined> {
  const lines = await sidecar.logLines(line + 1);
  const { body } = await sidecar.lookUp(String(lines[line]?.["session.id"]));
  return body.data?.["clientip"];
}

/** Sends each piece when the one before has gone out, and gives what came back until the connection ended. */
async function send(port: number, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  await using client = await openRawClient(port);
  client.socket.setNoDelay();
  for (const piece of pieces) {
    await new Promise<void>((resolve) =>
      client.socket.write(Buffer.from(piece as string, "latin1"), () => resolve()),
    );
    await new Promise((resolve) => setImmediate(resolve));
  }
  return await client.closed();
}

describe("transport: PROXY protocol", () => {
  let upstream: RecordingUpstream;
  /** For what needs no settings of its own. */
  let shared: RunningSidecar;
  let lines = 0;
  const start = (proxy: Settings = ON) =>
    startRunningSidecar({ upstream: upstream.url, settings: { proxy } });

  before(async () => {
    upstream = await startRecordingUpstream();
    shared = await start();
  });
  beforeEach(() => upstream.forget());
  after(async () => {
    await shared[Symbol.asyncDispose]();
    await upstream.close();
  });

  for (const [name, header, address] of [
    ["version 1, IPv4", "PROXY TCP4 198.51.100.237 127.0.0.1 4660 443\r\n", "198.51.100.237"],
    ["version 1, IPv6", "PROXY TCP6 2001:DB8:0::7 ::1 4660 443\r\n", "2001:db8::7"],
    ["version 1, UNKNOWN", "PROXY UNKNOWN\r\n", "127.0.0.1"],
    ["version 1, UNKNOWN with addresses", "PROXY UNKNOWN 203.0.113.9 ::1 1 2\r\n", "127.0.0.1"],
    ["version 2, IPv4", binary(0x21, 0x11, V4), "198.51.100.237"],
    ["version 2, IPv6", binary(0x21, 0x21, V6), "2001:db8::7"],
    ["version 2 with TLVs", binary(0x21, 0x11, [...V4, ...TLV]), "198.51.100.237"],
    ["version 2, LOCAL", binary(0x20, 0x00, []), "127.0.0.1"],
    ["version 2, LOCAL with an address", binary(0x20, 0x11, V4), "127.0.0.1"],
    ["version 2, UNSPEC", binary(0x21, 0x00, TLV), "127.0.0.1"],
    ["version 2, datagrams", binary(0x21, 0x12, V4), "127.0.0.1"],
    [
      "version 2, Unix",
      binary(
        0x21,
        0x31,
        Array.from({ length: 216 }, () => 65),
      ),
      "127.0.0.1",
    ],
  ] as const) {
    it(`takes the client's address from ${name}`, async () => {
      const bytes = Buffer.concat([Buffer.from(header as string, "latin1"), Buffer.from(REQUEST)]);
      expect(await send(shared.proxyPort, bytes)).to.match(/^HTTP\/1\.1 200 /);
      expect(await addressOf(shared, lines)).to.equal(address);
      lines += 1;
      expect(upstream.bytes().toString("latin1")).not.to.include("PROXY");
    });
  }

  it("reads a header that comes byte by byte, and one that ends wherever a packet does", async () => {
    await using sidecar = await start();
    for (const header of [
      Buffer.from("PROXY TCP4 198.51.100.237 127.0.0.1 1 2\r\n"),
      binary(0x21, 0x11, V4),
    ]) {
      const bytes = Buffer.concat([header, Buffer.from(REQUEST)]);
      const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
      expect(await send(sidecar.proxyPort, ...single)).to.match(/^HTTP\/1\.1 200 /);
      for (const cut of [header.length - 1, header.length, header.length + 1, header.length + 20]) {
        const answer = await send(sidecar.proxyPort, bytes.subarray(0, cut), bytes.subarray(cut));
        expect(answer, String(cut)).to.match(/^HTTP\/1\.1 200 /);
      }
    }
    const lines = await sidecar.logLines(10);
    expect(new Set(lines.map((line) => line["session.id"])).size).to.equal(1);
    expect(await addressOf(sidecar, 9)).to.equal("198.51.100.237");
  });

  it("serves further requests and a body behind the same header", async () => {
    await using sidecar = await start();
    const requests =
      "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" +
      head("GET /two HTTP/1.1", "Host: a", "Connection: close");
    const answer = await send(
      sidecar.proxyPort,
      "PROXY TCP4 198.51.100.237 127.0.0.1 1 2\r\n",
      requests,
    );
    expect(answer.match(/HTTP\/1\.1 200 /g)?.length).to.equal(2);
    const bodies = upstream.requests.map(({ body }) => body.toString());
    expect(bodies.toSorted()).to.deep.equal(["", "body"]);
  });

  for (const [name, header] of [
    ["no header", ""],
    ["a lower-case one", "proxy TCP4 198.51.100.237 127.0.0.1 1 2\r\n"],
    ["another family", "PROXY TCP5 198.51.100.237 127.0.0.1 1 2\r\n"],
    ["an address of the other family", "PROXY TCP4 ::1 127.0.0.1 1 2\r\n"],
    ["a name for an address", "PROXY TCP4 localhost 127.0.0.1 1 2\r\n"],
    ["an octal address", "PROXY TCP4 0198.51.100.7 127.0.0.1 1 2\r\n"],
    ["a port too high", "PROXY TCP4 198.51.100.237 127.0.0.1 1 65536\r\n"],
    ["a port less", "PROXY TCP4 198.51.100.237 127.0.0.1 1\r\n"],
    ["a bare line feed", "PROXY TCP4 198.51.100.237 127.0.0.1 1 2\n"],
    ["a line without an end", `PROXY UNKNOWN ${"x".repeat(120)}`],
    ["version 3", binary(0x31, 0x11, V4)],
    ["an unknown command", binary(0x22, 0x11, V4)],
    ["an unknown family", binary(0x21, 0x41, V4)],
    ["an unknown transport", binary(0x21, 0x13, V4)],
    ["addresses cut short", binary(0x21, 0x11, V4.slice(0, 8))],
    ["IPv6 cut short", binary(0x21, 0x21, V4)],
    ["a length past the bound", binary(0x21, 0x11, V4, 5000)],
    ["a broken signature", Buffer.from("\r\n\r\n\0\r\nQUIX\n!\x11\0\x0c............", "latin1")],
  ] as const) {
    it(`closes a connection with ${name}`, async () => {
      const bytes = Buffer.concat([Buffer.from(header as string, "latin1"), Buffer.from(REQUEST)]);
      expect(await send(shared.proxyPort, bytes)).to.equal("");
      expect(upstream.requests.length).to.equal(0);
    });
  }

  it("closes the connection of a peer that is not trusted, whatever it says", async () => {
    await using sidecar = await start({ ...ON, trustedProxies: ["192.0.2.0/24"] });
    const header = "PROXY TCP4 198.51.100.237 127.0.0.1 1 2\r\n";
    expect(await send(sidecar.proxyPort, header + REQUEST)).to.equal("");
    expect(upstream.requests.length).to.equal(0);
  });

  it("waits for a header as long as for a request's, and not for one that is cut off", async () => {
    await using sidecar = await start({ ...ON, timeouts: { headers: "50ms" } });
    await using silent = await openRawClient(sidecar.proxyPort);
    await using slow = await openRawClient(sidecar.proxyPort);
    slow.send("PROXY TCP4 198.");
    expect(await silent.closed()).to.equal("");
    expect(await slow.closed()).to.equal("");
    await using ended = await openRawClient(sidecar.proxyPort);
    ended.socket.end("PROXY TCP4 198.");
    expect(await ended.closed()).to.equal("");
  });

  it("believes forwarding headers behind an address only when that address is trusted too", async () => {
    await using sidecar = await start({ ...ON, trustedProxies: ["127.0.0.0/8", "10.0.0.0/8"] });
    const request = head(
      "GET / HTTP/1.1",
      "Host: a",
      "X-Forwarded-For: 203.0.113.9",
      "Connection: close",
    );
    await send(sidecar.proxyPort, `PROXY TCP4 198.51.100.237 127.0.0.1 1 2\r\n${request}`);
    await send(sidecar.proxyPort, `PROXY TCP4 10.1.2.3 127.0.0.1 1 2\r\n${request}`);
    await send(sidecar.proxyPort, `PROXY UNKNOWN\r\n${request}`);
    expect(await addressOf(sidecar, 0)).to.equal("198.51.100.237");
    expect(await addressOf(sidecar, 1)).to.equal("203.0.113.9");
    expect(await addressOf(sidecar, 2)).to.equal("203.0.113.9");
  });

  it("reads the header before the handshake, for HTTP/1.1 and HTTP/2, many at once", async () => {
    await using sidecar = await startTlsSidecar(upstream.url, ON);
    upstream.answerWith(respond());
    const secure = async (last: number, protocol: string) => {
      const tcp = connectTcp(sidecar.proxyPort, "127.0.0.1");
      tcp.on("error", () => undefined);
      tcp.write(`PROXY TCP4 198.51.100.${last} 127.0.0.1 1 2\r\n`);
      const socket = connectTls({
        socket: tcp,
        ca: SELF_SIGNED.cert,
        ALPNProtocols: [protocol],
        servername: "",
        host: "127.0.0.1",
      });
      await once(socket, "secureConnect");
      return socket;
    };
    const sockets = await Promise.all(
      [1, 2, 3, 4].map((last) => secure(last, last > 2 ? "h2" : "http/1.1")),
    );
    await Promise.all(
      sockets.map(async (socket, index) => {
        const path = `/${index + 1}`;
        if (index < 2) {
          socket.write(head(`GET ${path} HTTP/1.1`, "Host: a"));
          await once(socket, "data");
        } else {
          const session = connectHttp2("https://127.0.0.1", { createConnection: () => socket });
          const stream = session.request({ ":path": path });
          stream.resume();
          await once(stream, "close");
          session.destroy();
        }
        socket.destroy();
      }),
    );
    const lines = await sidecar.logLines(4);
    for (const line of lines) {
      const { body } = await sidecar.lookUp(String(line["session.id"]));
      expect(body.data?.["clientip"]).to.equal(`198.51.100.${String(line["url.path"]).slice(1)}`);
    }
    await eventually("all four", () => upstream.requests.length === 4 || undefined);
  });
});
