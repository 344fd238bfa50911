import { connect } from "node:net";
import type { Socket } from "node:net";
import { once } from "node:events";
import { expect } from "chai";
import { createServer as createWebServer } from "node:http";
import { openListener } from "../../src/http/listener.ts";
import { eventually } from "../kit/eventually.ts";
import { readLogLines } from "../kit/running-sidecar.ts";
import { runLogveil, writeConfiguration } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import { startWebServer } from "../kit/web-server.ts";
import { logLinesOf, readMetrics } from "./metrics-page.ts";
import { expectNobody, PLANTED_HEADERS, PLANTED_PATH } from "./planted.ts";

const DESCRIPTORS = 80;
const FEW_DESCRIPTORS = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', String(DESCRIPTORS)];

describe("fault: out of file descriptors", () => {
  it("connections too many are closed at once, requests get a 502 at worst, and all is well when they are gone", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startWebServer((_request, response) => void response.end("ok"));
    const config = await writeConfiguration(folder.path, upstream.url);
    await using logveil = runLogveil(["serve", "--config", config], {}, FEW_DESCRIPTORS);
    const { proxyUrl, vaultUrl } = await logveil.ready();
    const visit = async () => {
      const response = await fetch(proxyUrl + PLANTED_PATH, { headers: PLANTED_HEADERS });
      return { status: response.status, text: await response.text() };
    };
    expect((await visit()).status).to.equal(200);
    await using crowd = openCrowd(Number(new URL(proxyUrl).port), DESCRIPTORS * 2);
    await eventually("some are turned away", () => crowd.closed() > 0 || undefined);
    const [first] = crowd.open();
    const answer = await askOn(first);
    expect(answer).to.match(/^HTTP\/1.1 (200|502) /);
    await crowd.leave();
    const after = await eventually("it serves again", async () => {
      const { status } = await visit().catch(() => ({ status: 0 }));
      return status === 200 || undefined;
    });
    expect(after).to.equal(true);
    const metrics = await readMetrics(vaultUrl);
    const errors = metrics('logveil_upstream_errors_total{kind="upstream_unreachable"}');
    expect(errors).to.equal(answer.startsWith("HTTP/1.1 502") ? 1 : 0);
    await readLogLines(folder.file("access.log"), 3);
    const lines = logLinesOf(await readMetrics(vaultUrl));
    expect(lines.dropped).to.equal(0);
    logveil.signal("SIGTERM");
    expect(await logveil.ended()).to.equal(0);
    expectNobody(folder.path, logveil.stderr(), answer);
  });

  it("an accept that fails does not end the process", async () => {
    const server = createWebServer();
    const listener = await openListener(server, { host: "127.0.0.1", port: 0 });
    try {
      // What node does when the kernel has no descriptor for a connection and libuv's spare one is taken, too.
      const failure = Object.assign(new Error("accept EMFILE"), { code: "EMFILE" });
      expect(() => server.emit("error", failure)).to.not.throw();
    } finally {
      await listener.drain(0);
    }
  });
});

function openCrowd(port: number, size: number) {
  const sockets = Array.from({ length: size }, () => connect({ port, host: "127.0.0.1" }));
  for (const socket of sockets) socket.on("error", () => socket.destroy()).resume();
  const open = () => sockets.filter((socket) => !socket.closed && !socket.connecting);
  const leave = async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(
      sockets.filter(({ closed }) => !closed).map((socket) => once(socket, "close")),
    );
  };
  return {
    open,
    closed: () => sockets.filter(({ closed }) => closed).length,
    leave,
    [Symbol.asyncDispose]: leave,
  };
}

async function askOn(socket: Socket | undefined): Promise<string> {
  if (socket === undefined) throw new Error("everybody was turned away");
  const answer = once(socket, "data");
  socket.write(`GET ${PLANTED_PATH} HTTP/1.1\r\nHost: www.example.com\r\n\r\n`);
  return String((await answer)[0]);
}
