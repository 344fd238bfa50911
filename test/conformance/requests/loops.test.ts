import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { expect } from "chai";
import { closeServer, listen } from "../../kit/loopback.ts";
import { exchangeRaw, head } from "../../kit/raw-client.ts";
import { startRunningSidecar } from "../../kit/running-sidecar.ts";

// RFC 9110 section 7.6: a proxy must not forward a request to itself, and Via is there to notice it.

const GET = head("GET / HTTP/1.1", "Host: h", "Connection: close");

/** Passes bytes on to a port that becomes known later, and counts the connections that take this way. */
async function openWay() {
  const sockets = new Set<Socket>();
  const way = { port: 0, taken: 0 };
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    return socket;
  };
  const server = createServer((socket) => {
    way.taken += 1;
    const onward = keep(connect(way.port, "127.0.0.1"));
    keep(socket).pipe(onward).pipe(socket);
  });
  const { url } = await listen(server);
  return {
    url,
    way,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await closeServer(server);
    },
  };
}

describe("conformance: loops", () => {
  it("P3 a sidecar that is its own upstream answers 508, and asks itself once", async () => {
    await using loop = await openWay();
    await using sidecar = await startRunningSidecar({ upstream: loop.url });
    loop.way.port = sidecar.proxyPort;
    expect(await exchangeRaw(sidecar.proxyPort, GET)).to.match(/^HTTP\/1\.1 508 /);
    expect(loop.way.taken).to.equal(1);
    const lines = await sidecar.logLines(2);
    expect(lines.map((line) => line["http.response.status_code"])).to.deep.equal([508, 508]);
  });

  it("P3 two sidecars that are each other's upstream answer 508 after a few rounds", async () => {
    await using loop = await openWay();
    await using first = await startRunningSidecar({ upstream: loop.url });
    await using second = await startRunningSidecar({ upstream: first.proxyUrl });
    loop.way.port = second.proxyPort;
    expect(await exchangeRaw(first.proxyPort, GET)).to.match(/^HTTP\/1\.1 508 /);
    expect(loop.way.taken).to.be.within(1, 8);
  });

  it("P3 an upgrade that comes back is refused too", async () => {
    await using loop = await openWay();
    await using sidecar = await startRunningSidecar({ upstream: loop.url });
    loop.way.port = sidecar.proxyPort;
    const upgrade = head("GET / HTTP/1.1", "Host: h", "Connection: Upgrade", "Upgrade: websocket");
    expect(await exchangeRaw(sidecar.proxyPort, upgrade)).to.match(/^HTTP\/1\.1 508 /);
    expect(loop.way.taken).to.equal(1);
  });
});
