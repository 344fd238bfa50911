import { mkdirSync, readFileSync, rmdirSync, renameSync, rmSync } from "node:fs";
import { expect } from "chai";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import type { EchoUpstream } from "../kit/echo-upstream.ts";
import { eventually } from "../kit/eventually.ts";
import { readLogLines } from "../kit/running-sidecar.ts";
import { runLogveil, writeConfiguration } from "../kit/sidecar-process.ts";
import type { SidecarProcess } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";
import { logLinesOf, readMetrics } from "./metrics-page.ts";
import { expectNobody, PLANTED_HEADERS, PLANTED_PATH } from "./planted.ts";
import { NO_SMALL_DISK, openSmallDisk } from "./small-disk.ts";

describe("fault: the access log", () => {
  let folder: TemporaryFolder;
  let upstream: EchoUpstream;
  let logveil: SidecarProcess | undefined;
  let [proxyUrl, vaultUrl] = ["", ""];

  const start = async (logFile: string) => {
    const file = { path: logFile };
    const more = { accessLog: { outputs: ["file"], file } };
    const config = await writeConfiguration(folder.path, upstream.url, more);
    logveil = runLogveil(["serve", "--config", config]);
    ({ proxyUrl, vaultUrl } = await logveil.ready());
    return logveil;
  };

  const visit = async (times = 1) => {
    for (let visits = 0; visits < times; visits += 1) {
      const response = await fetch(proxyUrl + PLANTED_PATH, { headers: PLANTED_HEADERS });
      expect(response.status).to.equal(200);
      await response.text();
    }
  };

  const said = (event: string) =>
    eventually(event, () => logveil?.stderr().includes(event) || undefined);

  const stop = async () => {
    logveil?.signal("SIGTERM");
    expect(await logveil?.ended()).to.equal(0);
  };

  beforeEach(async () => {
    folder = await createTemporaryFolder();
    upstream = await startEchoUpstream();
  });

  afterEach(async () => {
    await logveil?.[Symbol.asyncDispose]();
    await upstream.close();
    await folder.remove();
  });

  it("its disk is full: requests go on, lines wait or are counted as dropped, and it is whole again by itself", async function () {
    using disk = openSmallDisk(folder.file("disk"), "1m");
    if (disk === undefined) {
      if (this.test) this.test.title += NO_SMALL_DISK;
      return this.skip();
    }
    const log = `${disk.path}/access.log`;
    const { stderr } = await start(log);
    await visit();
    await readLogLines(log, 1);
    disk.fillExcept(8192);
    await visit(60);
    await said("access-log.failed");
    expect((await fetch(`${vaultUrl}/readyz`)).status, "ready all the same").to.equal(200);
    const full = logLinesOf(await readMetrics(vaultUrl));
    expect(full.accepted).to.be.greaterThan(full.written);
    disk.free();
    await said("access-log.recovered");
    await visit();
    expect((await readLogLines(log, 62)).length).to.equal(62);
    const after = await eventually("all is written", async () => {
      const lines = logLinesOf(await readMetrics(vaultUrl));
      return lines.written === 62 ? lines : undefined;
    });
    expect(after).to.deep.equal({ accepted: 62, written: 62, dropped: 0 });
    await stop();
    expectNobody(folder.path, stderr(), readFileSync(log, "utf8"));
  });

  it("its file is removed: a new one is begun by itself, and said so", async () => {
    const log = folder.file("access.log");
    const { stderr } = await start(log);
    await visit();
    await readLogLines(log, 1);
    rmSync(log);
    await said("access-log.reopened");
    await visit();
    expect((await readLogLines(log, 1)).length).to.equal(1);
    expect(stderr()).to.not.include("access-log.failed");
    await stop();
    expectNobody(folder.path, stderr());
  });

  it("its file cannot be opened any more: requests go on, and its lines are written when it can", async () => {
    const log = folder.file("access.log");
    const { signal, stderr } = await start(log);
    await visit();
    await readLogLines(log, 1);
    renameSync(log, folder.file("access.log.1"));
    mkdirSync(log);
    signal("SIGHUP");
    await said("access-log.failed");
    await visit(3);
    expect(logLinesOf(await readMetrics(vaultUrl)).written).to.equal(1);
    rmdirSync(log);
    await said("access-log.recovered");
    expect((await readLogLines(log, 3)).length).to.equal(3);
    await stop();
    expectNobody(folder.path, stderr());
  });
});
