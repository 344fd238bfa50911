import { mkdir, readFile } from "node:fs/promises";
import { expect } from "chai";
import { systemClock } from "../../src/clock.ts";
import { loadConfiguration } from "../../src/config/load.ts";
import { createMetrics } from "../../src/metrics.ts";
import { openAccessLog, openProxyHost } from "../../src/proxy-host.ts";
import { WaitingLines } from "../../src/proxy/waiting-lines.ts";
import type { SessionSink } from "../../src/store/session-sink.ts";
import { parseSessionToken } from "../../src/token/session-token.ts";
import { openVaultHost } from "../../src/vault-host.ts";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import { openEventFile } from "../kit/event-file.ts";
import { eventually } from "../kit/eventually.ts";
import { readLogLines } from "../kit/running-sidecar.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";
import { expectNobody, PLANTED_HEADERS, PLANTED_PATH } from "./planted.ts";

/** The data plane over a whole vault whose store takes its time: each group of records waits until `go` resolves. */
async function openOverSlowStore(folder: TemporaryFolder, upstream: string, go: Promise<void>) {
  await using opened = new AsyncDisposableStack();
  const dataDir = folder.file("data");
  const file = { path: folder.file("access.log") };
  const text = JSON.stringify({
    proxy: { listen: "127.0.0.1:0", upstream },
    accessLog: { outputs: ["file"], file },
    vault: { dataDir },
  });
  const loaded = loadConfiguration({ file: { name: "test.yaml", text }, env: {}, overrides: {} });
  const { eventLog, close } = openEventFile(folder.file("events.log"));
  opened.defer(close);
  const reporting = { clock: systemClock, eventLog, metrics: createMetrics() };
  const accessLog = await openAccessLog(loaded.configuration, reporting);
  opened.defer(() => accessLog.close());
  const host = await openVaultHost(loaded, reporting);
  opened.defer(() => host.close());
  const asked = { count: 0 };
  const slow = slowed(host.store.sessions, go, asked);
  const proxy = await openProxyHost(
    loaded.configuration,
    { ...host, store: { ...host.store, sessions: { ...host.store.sessions, ...slow } } },
    { accessLog, ...reporting, isDraining: () => false, onLost: () => undefined },
  );
  opened.use(proxy);
  const { address } = proxy.listener;
  const url = `http://127.0.0.1:${"port" in address ? String(address.port) : ""}`;
  const stack = opened.move();
  return { url, host, asked, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function slowed(sink: SessionSink, go: Promise<void>, asked: { count: number }): SessionSink {
  return {
    append: async (sessions) => {
      asked.count += sessions.length;
      await go;
      await sink.append(sessions);
    },
  };
}

describe("fault: the store is slow", () => {
  it("requests do not wait for it, their log lines do, and every token in the log can be looked up", async () => {
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    const go = Promise.withResolvers<void>();
    await mkdir(folder.file("data"));
    await using proxy = await openOverSlowStore(folder, upstream.url, go.promise);
    try {
      const visit = async (agent: string) => {
        const headers = { ...PLANTED_HEADERS, "User-Agent": agent };
        const { status } = await fetch(proxy.url + PLANTED_PATH, { headers });
        expect(status).to.equal(200);
      };
      for (const agent of ["one/1", "two/2", "one/1"]) await visit(agent);
      await eventually("the store is asked", () => proxy.asked.count === 2 || undefined);
      expect(
        await readFile(folder.file("access.log"), "utf8"),
        "no line without its record",
      ).to.equal("");
    } finally {
      go.resolve();
    }
    const lines = await readLogLines(folder.file("access.log"), 3);
    const tokens = new Set(lines.map((line) => String(line["session.id"])));
    expect(tokens.size).to.equal(2);
    for (const token of tokens) {
      const { epoch, tag } = parseSessionToken(token);
      expect(await proxy.host.store.sessions.find(epoch, tag)).to.not.equal(undefined);
    }
    expectNobody(folder.path);
  });

  it("lines that wait are bounded: past the bound they are written at once", async () => {
    const lines = new WaitingLines(2);
    const stored = Promise.withResolvers<void>();
    const written: number[] = [];
    for (const id of [0, 1, 2]) lines.hold(stored.promise, () => written.push(id));
    expect(written).to.deep.equal([2]);
    stored.resolve();
    await stored.promise;
    expect(written).to.deep.equal([2, 0, 1]);
    const again = Promise.withResolvers<void>();
    lines.hold(again.promise, () => written.push(3));
    expect(written, "there is room again").to.have.length(3);
    again.resolve();
  });
});
