import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { readFile, rm, statfs, writeFile } from "node:fs/promises";
import { expect } from "chai";
import { createLineCounter } from "../../src/access-log/line-counter.ts";
import type { Medium } from "../../src/access-log/medium.ts";
import { Output } from "../../src/access-log/output.ts";
import { createEventLog } from "../../src/event-log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import { exchangeWith } from "./exchanges.ts";
import { startChild, tell } from "./log-process.ts";
import { countsOf, openAccessLog, recordsOf, until } from "./open-access-log.ts";
import type { OpenedLog } from "./open-access-log.ts";

async function idsOf(path: string): Promise<readonly number[]> {
  return (await recordsOf(path)).map((record) => Number(record["http.request.id"]));
}

function writeLines({ log }: OpenedLog, from: number, to: number, path = "/"): void {
  for (let id = from; id < to; id += 1) log.write(exchangeWith({ requestId: `${id}`, path }));
}

describe("access-log: a full disk", function () {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;

  before(async function () {
    folder = await createTemporaryFolder();
    try {
      const options = ["-t", "tmpfs", "-o", "size=12m", "tmpfs", folder.path];
      execFileSync("mount", options, { stdio: "ignore" });
    } catch {
      if (this.test?.parent) this.test.parent.title += " (not run: cannot mount a tmpfs here)";
      this.skip();
    }
  });

  after(async () => {
    try {
      execFileSync("umount", ["--lazy", folder.path], { stdio: "ignore" });
    } catch {
      // It was never mounted.
    }
    await folder.remove();
  });

  /** Leaves `bytes` of the disk free. */
  async function fillExcept(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(folder.path);
    await writeFile(folder.file("ballast"), Buffer.alloc(bavail * bsize - bytes));
  }

  it("keeps what it can, drops and counts the rest, and goes on when there is room", async () => {
    await using opened = await openAccessLog({ path: folder.file("kept.log") });
    await fillExcept(40_000);
    writeLines(opened, 0, 200);
    await until(() => opened.log.health() === "failing");
    // No room for these either, and not enough in the buffer for all of them.
    writeLines(opened, 200, 800, `/${"x".repeat(10_000)}`);
    expect(opened.log.health()).to.equal("failing");
    const dropped = (await countsOf(opened.metrics)).dropped;
    expect(dropped).to.be.within(100, 300);
    const whole = readFileSync(opened.path, "utf8");
    expect(whole.endsWith("\n")).to.equal(true);
    await rm(folder.file("ballast"));
    await until(() => opened.log.health() === "ok");
    writeLines(opened, 800, 900);
    await opened.log.flush();
    const kept = [
      ...Array(800 - dropped).keys(),
      ...Array.from({ length: 100 }, (_, n) => 800 + n),
    ];
    expect(await idsOf(opened.path)).to.deep.equal(kept);
    expect(await countsOf(opened.metrics)).to.deep.equal({
      accepted: 900,
      written: 900 - dropped,
      dropped,
    });
    const events = (await opened.events()).map(({ event, dropped }) => [event, dropped]);
    expect(events).to.deep.equal([
      ["access-log.failed", undefined],
      ["access-log.recovered", dropped],
    ]);
  });

  it("keeps the counts when it is flushed while the disk is full", async () => {
    await using opened = await openAccessLog({ path: folder.file("flushed.log") });
    await fillExcept(40_000);
    writeLines(opened, 0, 500);
    await opened.log.flush();
    const counts = await countsOf(opened.metrics);
    expect(counts.accepted).to.equal(500);
    expect(counts.written).to.be.within(10, 100);
    expect(counts.written + counts.dropped).to.equal(500);
    expect(await idsOf(opened.path)).to.deep.equal([...Array(counts.written).keys()]);
    expect(opened.log.health()).to.equal("failing");
    await rm(folder.file("ballast"));
  });

  it("continues a broken-off line on standard output, where nothing can be taken back", async () => {
    const out = folder.file("stdout");
    const fd = openSync(out, "a");
    const child = await startChild(fd);
    closeSync(fd);
    await fillExcept(40_960);
    let report = await tell(child, { write: 1000 });
    while (report.health === "ok") report = await tell(child, { write: 0 });
    expect(await readFile(out, "utf8")).not.to.match(/\n$/);
    await rm(folder.file("ballast"));
    while (report.health !== "ok") report = await tell(child, { write: 0 });
    const exit = once(child, "exit");
    expect(await tell(child, { close: true })).to.include({ written: 1000, dropped: 0 });
    expect(await exit).to.deep.equal([0, null]);
    expect(await idsOf(out)).to.deep.equal([...Array(1000).keys()]);
  });

  it("neither loses nor doubles a line when it is rotated from outside meanwhile", async () => {
    await using opened = await openAccessLog({ path: folder.file("moved.log") });
    await fillExcept(40_000);
    writeLines(opened, 0, 500);
    await until(() => opened.log.health() === "failing");
    execFileSync("mv", [opened.path, `${opened.path}.1`]);
    opened.log.reopen();
    await rm(folder.file("ballast"));
    await until(() => opened.log.health() === "ok");
    await opened.log.flush();
    const ids = [...(await idsOf(`${opened.path}.1`)), ...(await idsOf(opened.path))];
    expect(ids).to.deep.equal([...Array(500).keys()]);
    expect(await countsOf(opened.metrics)).to.include({ accepted: 500, written: 500 });
  });
});

describe("access-log: other outages", () => {
  it("comes back by itself when its folder could not be opened for a while", async () => {
    await using folder = await createTemporaryFolder();
    await using opened = await openAccessLog({ path: folder.file("logs", "access.log") });
    await rm(folder.file("logs"), { recursive: true });
    await writeFile(folder.file("logs"), "in the way");
    opened.log.reopen();
    await until(() => opened.log.health() === "failing");
    writeLines(opened, 0, 10);
    await rm(folder.file("logs"));
    await until(() => opened.log.health() === "ok");
    await until(async () => (await readFile(opened.path, "utf8")) !== "");
    expect(await idsOf(opened.path)).to.deep.equal([...Array(10).keys()]);
    const events = (await opened.events()).map(({ event }) => event);
    expect(events).to.include.members(["access-log.failed", "access-log.recovered"]);
  });

  it("takes no device for a file: writes to it and neither rotates nor truncates", async () => {
    await using opened = await openAccessLog({ path: "/dev/full", maxSizeBytes: 1 });
    writeLines(opened, 0, 10);
    await until(() => opened.log.health() === "failing");
    await opened.log.flush();
    expect(await countsOf(opened.metrics)).to.deep.equal({ accepted: 10, written: 0, dropped: 10 });
  });

  it("does not wait for ever for a medium that neither takes nor refuses", async () => {
    await using folder = await createTemporaryFolder();
    const metrics = createMetrics();
    const release = Promise.withResolvers<void>();
    const taken: string[] = [];
    const stuck: Medium = {
      prepare: () => Promise.resolve(),
      write: async (text) => {
        await release.promise;
        taken.push(text);
        return { bytes: text.length, failure: undefined };
      },
      abandon: () => Promise.resolve(0),
      isDue: () => false,
      reopen: () => undefined,
      close: () => Promise.resolve(),
    };
    await writeFile(folder.file("events"), "");
    const output = new Output(stuck, {
      counter: createLineCounter(metrics, "stdout"),
      eventLog: createEventLog(),
      stalledAfterMs: 1,
    });
    output.write("1\n");
    await output.flush();
    expect(await countsOf(metrics)).to.deep.equal({ accepted: 1, written: 0, dropped: 1 });
    release.resolve();
    output.write("2\n");
    await until(() => taken.length === 2);
    await output.close();
    expect(await countsOf(metrics)).to.deep.equal({ accepted: 2, written: 1, dropped: 1 });
  });
});
