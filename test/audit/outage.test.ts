import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Change } from "../../src/store/documents.ts";
import { codeOf, until } from "../store/store-folder.ts";
import { OpenedTrail, anEvent } from "./open-trail.ts";

// A real file system of 8 MiB that really fills up.
describe("audit trail on a full disk", () => {
  let disk: string;
  let opened: OpenedTrail;

  before(function () {
    disk = mkdtempSync(join(tmpdir(), "logveil-disk-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], { stdio: "pipe" });
    } catch {
      rmSync(disk, { recursive: true });
      process.stderr.write("skipped: only root can mount the small file system of this test\n");
      this.skip();
    }
  });
  after(() => {
    if (disk === undefined) return;
    execFileSync("umount", [disk]);
    rmSync(disk, { recursive: true });
  });
  beforeEach(async () => {
    writeFileSync(join(disk, "filler"), Buffer.alloc(5 * 1024 * 1024));
    opened = await OpenedTrail.open(join(disk, "data"));
  });
  afterEach(() => opened.remove());

  const change = (index: number): Change => ({
    table: "user",
    key: `record-${String(index)}`,
    value: Buffer.alloc(20_000, index % 256),
  });

  it("stores event and change or neither, goes on when there is room, and the chain holds", async () => {
    let acknowledged = 0;
    let refused = 0;
    for (let index = 0; refused < 20; index += 1) {
      const appending = opened.trail.append(anEvent({ title: `t${String(index)}` }), [
        change(index),
      ]);
      const code = await codeOf(appending);
      if (code === "resolved") acknowledged += 1;
      else expect(code).to.equal("audit-unavailable");
      if (code !== "resolved") refused += 1;
    }
    expect(acknowledged).to.be.greaterThan(10);
    rmSync(join(disk, "filler"));
    await until(() => opened.store.health() === "ok");
    await opened.write("after");
    const { rows } = await opened.trail.list({ offset: 0, limit: 1000 });
    const records = await opened.store.documents.list("user", { limit: 1000 });
    // What was refused may have been stored all the same, and then it is there with its event.
    const titles = rows.map(({ title }) => title).filter((title) => title !== "after");
    const keys = records.map(({ key }) => key.replace("record-", "t"));
    expect(titles.toSorted()).to.deep.equal(keys.toSorted());
    expect(titles.length).to.be.within(acknowledged, acknowledged + 1);
    expect(await opened.trail.verify()).to.include({ isIntact: true, events: rows.length });
    await opened.restart();
    expect(await opened.trail.verify()).to.include({ isIntact: true, events: rows.length });
  });
});
