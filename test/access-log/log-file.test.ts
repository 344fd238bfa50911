import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, renameSync } from "node:fs";
import {
  chmod,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { basename, dirname } from "node:path";
import { expect } from "chai";
import { hasCode } from "../../src/errors.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import { exchangeWith } from "./exchanges.ts";
import { countsOf, DAY_MS, openAccessLog, recordsOf, until } from "./open-access-log.ts";
import type { OpenedLog } from "./open-access-log.ts";

const HOUR = 3_600_000;

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

/** The log's files, current one first. */
async function filesOf({ path }: Pick<OpenedLog, "path">): Promise<readonly string[]> {
  const names = await readdir(dirname(path));
  return names.filter((name) => name.startsWith(basename(path))).sort();
}

async function writeLine({ log }: OpenedLog, requestId: string): Promise<void> {
  log.write(exchangeWith({ requestId }));
  await log.flush();
}

async function idsOf(path: string): Promise<readonly unknown[]> {
  return (await recordsOf(path)).map((record) => record["http.request.id"]);
}

describe("access-log: file", () => {
  it("creates its folder (0700) and itself (0600)", async () => {
    await using folder = await createTemporaryFolder();
    const path = folder.file("new", "logs", "access.log");
    await using opened = await openAccessLog({ path });
    await writeLine(opened, "1");
    expect(await modeOf(path)).to.equal(0o600);
    expect(await modeOf(folder.file("new"))).to.equal(0o700);
    expect(await modeOf(folder.file("new", "logs"))).to.equal(0o700);
  });

  it("takes over an existing file: appends, and closes it to others", async () => {
    await using folder = await createTemporaryFolder();
    const path = folder.file("access.log");
    await writeFile(path, '{"http.request.id":"0"}\n');
    await chmod(path, 0o644);
    await using opened = await openAccessLog({ path });
    await writeLine(opened, "1");
    expect(await modeOf(path)).to.equal(0o600);
    expect(await idsOf(path)).to.deep.equal(["0", "1"]);
  });

  it("ends the line that a crash has torn, so that it spoils no other", async () => {
    await using folder = await createTemporaryFolder();
    const path = folder.file("access.log");
    await writeFile(path, '{"torn":');
    await using opened = await openAccessLog({ path });
    await writeLine(opened, "1");
    const [torn, line] = (await readFile(path, "utf8")).split("\n");
    expect(torn).to.equal('{"torn":');
    expect(JSON.parse(line ?? "")).to.include({ "http.request.id": "1" });
  });

  it("refuses to start on a path that cannot be opened, and says so without the path", async () => {
    await using folder = await createTemporaryFolder();
    await mkdir(folder.file("access.log"));
    const failure = await openAccessLog({ path: folder.file("access.log") }).catch(
      (error: unknown) => error,
    );
    expect(hasCode(failure, "access-log-unwritable")).to.equal(true);
    expect(String(failure)).to.contain("cannot be opened").and.not.to.contain(folder.path);
  });

  it("writes a line without being flushed", async () => {
    await using opened = await openAccessLog();
    opened.log.write(exchangeWith());
    await until(() => readFileSync(opened.path, "utf8").endsWith("\n"));
  });

  it("counts what it wrote, and what came after it was closed", async () => {
    await using opened = await openAccessLog();
    opened.log.write(exchangeWith());
    opened.log.write(exchangeWith({ startedAtMs: Number.NaN }));
    await opened.log.close();
    opened.log.write(exchangeWith());
    expect(await countsOf(opened.metrics)).to.deep.equal({ accepted: 3, written: 1, dropped: 2 });
    expect(await recordsOf(opened.path)).to.have.length(1);
  });
});

describe("access-log: file rotation", () => {
  it("rotates at a boundary in UTC, on the first line after it", async () => {
    await using opened = await openAccessLog();
    await writeLine(opened, "before");
    opened.clock.advance(DAY_MS / 2 - 1);
    await writeLine(opened, "last");
    opened.clock.advance(1);
    await writeLine(opened, "after");
    const rotated = "access.log.2026-02-11T00-00-00Z";
    expect(await filesOf(opened)).to.deep.equal(["access.log", rotated]);
    expect(await idsOf(opened.folder.file(rotated))).to.deep.equal(["before", "last"]);
    expect(await idsOf(opened.path)).to.deep.equal(["after"]);
    expect(await modeOf(opened.path)).to.equal(0o600);
    expect(await modeOf(opened.folder.file(rotated))).to.equal(0o600);
  });

  it("rotates at a boundary without any traffic", async () => {
    await using opened = await openAccessLog({ rotateMs: HOUR });
    await writeLine(opened, "1");
    opened.clock.advance(HOUR);
    await until(async () => (await filesOf(opened)).includes("access.log.2026-02-10T13-00-00Z"));
  });

  it("leaves an empty file alone", async () => {
    await using opened = await openAccessLog();
    opened.clock.advance(3 * DAY_MS);
    await writeLine(opened, "1");
    expect(await filesOf(opened)).to.deep.equal(["access.log"]);
  });

  it("rotates a file that an earlier run left behind, by its last line's time", async () => {
    await using folder = await createTemporaryFolder();
    const path = folder.file("access.log");
    await writeFile(path, '{"http.request.id":"old"}\n');
    const written = new Date("2026-02-07T18:00:00Z");
    await utimes(path, written, written);
    await using opened = await openAccessLog({ path });
    expect(await filesOf(opened)).to.deep.equal(["access.log", "access.log.2026-02-08T00-00-00Z"]);
  });

  it("rotates by size, numbers the files of one second, and passes the size nowhere", async () => {
    const maxSizeBytes = 200_000;
    await using opened = await openAccessLog({ maxSizeBytes });
    await writeFile(opened.folder.file("access.log.2026-02-10T12-00-00Z-1.gz"), "");
    for (let id = 0; id < 2000; id += 1) opened.log.write(exchangeWith({ requestId: `${id}` }));
    await opened.log.flush();
    const first = "access.log.2026-02-10T12-00-00Z";
    const numbered = Array.from({ length: 6 }, (_, index) => `${first}-${index + 2}`);
    const files = [first, ...numbered, "access.log"];
    expect(await filesOf(opened)).to.have.members([...files, `${first}-1.gz`]);
    const ids = await Promise.all(files.map((name) => idsOf(opened.folder.file(name))));
    expect(ids.flat()).to.deep.equal(Array.from({ length: 2000 }, (_, id) => `${id}`));
    for (const name of files) {
      expect((await stat(opened.folder.file(name))).size).to.be.at.most(maxSizeBytes);
    }
  });

  it("goes on in the old file when the folder forbids renaming", async function () {
    await using folder = await createTemporaryFolder();
    const path = folder.file("access.log");
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path], {
        stdio: "ignore",
      });
    } catch {
      if (this.test !== undefined) this.test.title += " (not run: cannot mount a tmpfs here)";
      this.skip();
    }
    try {
      await using opened = await openAccessLog({ path, rotateMs: HOUR });
      await writeLine(opened, "1");
      // A file that is a mount point of its own can be written and not renamed.
      execFileSync("mount", ["--bind", path, path]);
      try {
        opened.clock.advance(HOUR);
        await writeLine(opened, "2");
        expect(await filesOf(opened)).to.deep.equal(["access.log"]);
        expect(await idsOf(path)).to.deep.equal(["1", "2"]);
        const events = (await opened.events()).map(({ event }) => event);
        expect(events).to.deep.equal(["access-log.rotation-failed"]);
      } finally {
        execFileSync("umount", [path]);
      }
      opened.clock.advance(60_000);
      await writeLine(opened, "3");
      expect(await filesOf(opened)).to.have.length(2);
    } finally {
      execFileSync("umount", ["--lazy", folder.path]);
    }
  });
});

describe("access-log: file retention", () => {
  it("removes what ended before keep, at start, and nothing that only looks alike", async () => {
    await using folder = await createTemporaryFolder();
    const path = folder.file("access.log");
    const expired = ["2026-02-03T11-59-59Z", "2025-01-01T00-00-00Z-2", "2025-01-01T00-00-00Z.gz"];
    const kept = [
      "2026-02-03T12-00-00Z",
      "2026-02-09T00-00-00Z-1.gz",
      "2025-01-01",
      "2025-13-01T00-00-00Z",
      "2025-01-01T00-00-00Z.bak",
      "2025-01-01T00-00-00Z-x",
      "old",
    ].map((end) => `access.log.${end}`);
    const others = ["access-log.2025-01-01T00-00-00Z", "error.log.2025-01-01T00-00-00Z"];
    const removed = expired.map((end) => `access.log.${end}`);
    for (const name of [...removed, ...kept, ...others]) await writeFile(folder.file(name), "x");
    await using opened = await openAccessLog({ path, keepMs: 7 * DAY_MS });
    await until(
      async () => (await readdir(folder.path)).length === kept.length + others.length + 1,
    );
    expect(await readdir(folder.path)).to.have.members([...kept, ...others, "access.log"]);
    await until(async () => (await opened.events()).length > 0);
    expect(await opened.events()).to.have.nested.property("[0].files", 3);
  });

  it("removes each rotated file in its turn", async () => {
    await using opened = await openAccessLog({ keepMs: 2 * DAY_MS });
    for (let day = 0; day < 6; day += 1) {
      await writeLine(opened, `${day}`);
      opened.clock.advance(DAY_MS);
    }
    await writeLine(opened, "last");
    const kept = ["15", "16"].map((day) => `access.log.2026-02-${day}T00-00-00Z`);
    await until(async () => (await filesOf(opened)).length <= kept.length + 1);
    expect(await filesOf(opened)).to.deep.equal(["access.log", ...kept]);
  });

  it("looks again every hour", async () => {
    await using opened = await openAccessLog({ keepMs: DAY_MS });
    const name = opened.folder.file("access.log.2026-02-09T12-30-00Z");
    await writeFile(name, "x");
    opened.clock.advance(HOUR);
    await until(async () => (await filesOf(opened)).length === 1);
  });
});

describe("access-log: reopening", () => {
  it("follows a rename from outside when it is told to", async () => {
    await using opened = await openAccessLog();
    await writeLine(opened, "1");
    await rename(opened.path, `${opened.path}.1`);
    await writeLine(opened, "2");
    opened.log.reopen();
    await writeLine(opened, "3");
    expect(await idsOf(`${opened.path}.1`)).to.deep.equal(["1", "2"]);
    expect(await idsOf(opened.path)).to.deep.equal(["3"]);
    expect(await modeOf(opened.path)).to.equal(0o600);
    expect((await opened.events()).map(({ event }) => event)).to.deep.equal([
      "access-log.reopened",
    ]);
  });

  it("does not rename a file that somebody else has put in the place of its own", async () => {
    await using opened = await openAccessLog({ rotateMs: HOUR });
    await writeLine(opened, "1");
    await rename(opened.path, `${opened.path}.1`);
    await writeFile(opened.path, "");
    opened.clock.advance(HOUR);
    await writeLine(opened, "2");
    expect(await filesOf(opened)).to.deep.equal(["access.log", "access.log.1"]);
    expect(await idsOf(`${opened.path}.1`)).to.deep.equal(["1"]);
    expect(await idsOf(opened.path)).to.deep.equal(["2"]);
  });

  it("creates the folder anew when it is gone", async () => {
    await using folder = await createTemporaryFolder();
    await using opened = await openAccessLog({ path: folder.file("logs", "access.log") });
    await rm(folder.file("logs"), { recursive: true });
    opened.log.reopen();
    await writeLine(opened, "1");
    expect(await idsOf(opened.path)).to.deep.equal(["1"]);
  });

  it("loses, doubles and tears no line under load, rotated from inside and outside", async () => {
    await using opened = await openAccessLog({ maxSizeBytes: 300_000 });
    const total = 20_000;
    for (let id = 0; id < total; id += 1) {
      opened.log.write(exchangeWith({ requestId: `${id}` }));
      if (id % 50 === 0) await new Promise((resolve) => void setImmediate(resolve));
      // Within the bound of the buffer: some 2 MB, in which several rotations happen while lines arrive.
      if (id % 3000 === 2999) await opened.log.flush();
      if (id % 700 === 0) opened.clock.advance(HOUR);
      if (id % 3000 === 1 && existsSync(opened.path)) {
        renameSync(opened.path, `${opened.path}.moved-${id}`);
        opened.log.reopen();
      }
    }
    await opened.log.flush();
    expect(await countsOf(opened.metrics)).to.deep.equal({
      accepted: total,
      written: total,
      dropped: 0,
    });
    const files = await filesOf(opened);
    const ids = await Promise.all(files.map((name) => idsOf(opened.folder.file(name))));
    const numbers = ids.flat().map(Number);
    expect(files).to.have.length.above(20);
    expect(numbers.sort((a, b) => a - b)).to.deep.equal(
      Array.from({ length: total }, (_, id) => id),
    );
  });
});
