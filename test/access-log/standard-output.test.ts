import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import { recordsOf } from "./open-access-log.ts";
import type { Order } from "./standard-output-child.ts";
import { startChild, tell } from "./log-process.ts";

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = "";
  for await (const chunk of stream ?? []) text += String(chunk);
  return text;
}

function numbersUpTo(count: number): readonly string[] {
  return Array.from({ length: count }, (_, id) => `${id}`);
}

describe("access-log: standard output", () => {
  it("writes every line through a pipe that is read slowly, and nothing else", async () => {
    const child = await startChild("pipe");
    const report = tell(child, { write: 5000 });
    const text = textOf(child.stdout);
    await report;
    const exit = once(child, "exit");
    expect(await tell(child, { close: true })).to.deep.equal({
      accepted: 5000,
      written: 5000,
      dropped: 0,
      health: "ok",
    });
    expect(await exit).to.deep.equal([0, null]);
    const lines = (await text).trimEnd().split("\n");
    const ids = lines.map((line) => JSON.parse(line)["http.request.id"]);
    expect(ids).to.deep.equal(numbersUpTo(5000));
    expect(await textOf(child.stderr)).to.equal("");
  });

  it("writes to a file that it was redirected to", async () => {
    await using folder = await createTemporaryFolder();
    const fd = openSync(folder.file("out"), "w");
    const child = await startChild(fd);
    closeSync(fd);
    await tell(child, { write: 100 });
    expect(await tell(child, { close: true })).to.include({ written: 100, dropped: 0 });
    expect(await recordsOf(folder.file("out"))).to.have.length(100);
  });

  it("drops and counts when the reader has gone, and does not crash", async () => {
    const child = await startChild("pipe");
    const events = textOf(child.stderr);
    child.stdout?.destroy();
    await tell(child, { write: 100 });
    let broken = await tell(child, { write: 0 });
    // Dropped without being flushed: nothing is kept for a reader that does not come back.
    while (broken.dropped === 0) broken = await tell(child, { write: 0 });
    expect(broken).to.deep.equal({ accepted: 100, written: 0, dropped: 100, health: "failing" });
    await tell(child, { write: 100 });
    const exit = once(child, "exit");
    const closed = await tell(child, { close: true });
    expect(closed).to.deep.equal({ accepted: 200, written: 0, dropped: 200, health: "failing" });
    expect(await exit).to.deep.equal([0, null]);
    expect((await events).match(/access-log\.\w+/g)).to.deep.equal(["access-log.failed"]);
  });

  it("bounds what it keeps for a reader that does not read", async () => {
    const child = await startChild("pipe");
    const path = `/${"x".repeat(10_000)}`;
    const report = await tell(child, { write: 1000, path });
    // 10 kB a line: a bound of 4 MiB leaves room for some 400, the rest is gone at once.
    expect(report).to.include({ health: "failing", written: 0 });
    expect(report.dropped).to.be.within(550, 650);
    const text = textOf(child.stdout);
    const closed = await tell(child, { close: true });
    expect(closed).to.include({ accepted: 1000, dropped: report.dropped, health: "ok" });
    expect(closed.written).to.equal(1000 - report.dropped);
    const ids = (await text)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)["http.request.id"]);
    expect(ids).to.deep.equal(numbersUpTo(closed.written));
  });
});

describe("access-log: kill -9", () => {
  it("loses no line that was flushed and tears none but the last", async () => {
    await using folder = await createTemporaryFolder();
    for (let round = 0; round < 3; round += 1) {
      const path = folder.file(`access-${round}.log`);
      const child = await startChild("pipe", path);
      await tell(child, { write: 200 });
      await tell(child, { flush: true });
      child.send({ write: 3000 } satisfies Order);
      // Killed wherever it happens to be: from before the first of the 3000 to after the last.
      for (let turn = 0; turn < round * 80; turn += 1) {
        await new Promise((resolve) => void setImmediate(resolve));
      }
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      expect(await exit).to.deep.equal([null, "SIGKILL"]);
      expect(existsSync(path)).to.equal(true);
      const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
      const ids = lines.map((line) => JSON.parse(line)["http.request.id"]);
      expect(ids.length).to.be.at.least(200);
      expect(ids).to.deep.equal(numbersUpTo(ids.length));
    }
  });
});
