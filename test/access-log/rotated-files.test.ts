import { mkdir, readdir, symlink, utimes, writeFile } from "node:fs/promises";
import { expect } from "chai";
import { freeRotatedName, removeRotatedFiles } from "../../src/access-log/rotated-files.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import { openAccessLog, DAY_MS, until } from "./open-access-log.ts";

const DAY = 86_400_000;
const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 1, 10, 12);
const BEFORE = NOW - 7 * DAY;

/** `ageDays` before NOW it was written last. */
async function put(path: string, ageDays: number): Promise<void> {
  await writeFile(path, "x");
  const writtenAt = new Date(NOW - ageDays * DAY);
  await utimes(path, writtenAt, writtenAt);
}

describe("access-log: removal of rotated files", () => {
  const COMPRESSIONS = ["", ".gz", ".zst", ".xz", ".bz2", ".lz4", ".br"];

  it("takes our own by their names, compressed in any way, whenever they were touched", async () => {
    await using folder = await createTemporaryFolder();
    for (const end of COMPRESSIONS) {
      await put(folder.file(`access.log.2026-01-01T00-00-00Z${end}`), 0);
      await put(folder.file(`access.log.2026-01-01T00-00-00Z-3${end}`), 0);
      await put(folder.file(`access.log.2026-02-09T00-00-00Z${end}`), 100);
    }
    const removal = await removeRotatedFiles(folder.file("access.log"), BEFORE);
    expect(removal).to.deep.equal({ removed: 14, oldestMs: Date.UTC(2026, 0, 1), failed: 0 });
    expect(await readdir(folder.path)).to.have.length(COMPRESSIONS.length);
  });

  it("takes logrotate's by their age, and by the day in their name whenever they were touched", async () => {
    await using folder = await createTemporaryFolder();
    const due = [
      ["access.log.1", 8],
      ["access.log.22.gz", 90],
      ["access.log.3.zst", 8],
      ["access.log-20260101", 0],
      ["access.log-20260101.gz", 0],
      ["access.log-2026-01-01.xz", 0],
      ["access.log-2026010113.gz", 0],
      ["access.log-20260101-1767225600.gz", 0],
      ["access.log-20260209", 9],
    ] as const;
    const kept = [
      ["access.log.2", 6],
      ["access.log.4.gz", 6.9],
      ["access.log-20260209.gz", 1],
      ["access.log-20260202", 6],
    ] as const;
    for (const [name, age] of [...due, ...kept]) await put(folder.file(name), age);
    const removal = await removeRotatedFiles(folder.file("access.log"), BEFORE);
    expect(removal.removed).to.equal(due.length);
    expect(await readdir(folder.path)).to.have.members(kept.map(([name]) => name));
  });

  it("takes nothing else, however old", async () => {
    await using folder = await createTemporaryFolder();
    const others = [
      "access.log",
      "access.log.bak",
      "access.log.gz",
      "access.log.1.bak",
      "access.log.1x",
      "access.log.",
      "access.log.123456",
      "access.log.2025-01-01",
      "access.log-2025",
      "access.log-20251399",
      "access.log-20250101.tar.gz",
      "access.log.old.1",
      "access.log2.1",
      "other-access.log.1",
      "error.log.1",
      "error.log.2025-01-01T00-00-00Z.gz",
      "accessXlog.1",
    ];
    for (const name of others) await put(folder.file(name), 900);
    await mkdir(folder.file("access.log.9"));
    await symlink("/etc/hostname", folder.file("access.log.8"));
    await symlink("/etc/hostname", folder.file("access.log.2025-01-01T00-00-00Z"));
    const removal = await removeRotatedFiles(folder.file("access.log"), BEFORE);
    expect(removal).to.deep.equal({ removed: 0, oldestMs: undefined, failed: 0 });
    expect(await readdir(folder.path)).to.have.length(others.length + 3);
  });

  it("is nothing in a folder that is not there", async () => {
    const removal = await removeRotatedFiles("/nonexistent/access.log", NOW);
    expect(removal.removed).to.equal(0);
  });

  it("goes by names that compression does not take from others", async () => {
    await using folder = await createTemporaryFolder();
    const path = folder.file("access.log");
    const stamp = "access.log.2026-02-10T12-00-00Z";
    await writeFile(folder.file(`${stamp}.zst`), "");
    await writeFile(folder.file(`${stamp}-1.br`), "");
    expect(await freeRotatedName(path, NOW)).to.equal(folder.file(`${stamp}-2`));
  });
});

describe("access-log: proof of retention", () => {
  it("is an event with how many files went and the oldest day, at start and without traffic", async () => {
    await using opened = await openAccessLog({ keepMs: 2 * DAY_MS });
    const start = opened.clock.now();
    const day = (at: number) => new Date(at).toISOString().slice(0, 10);
    const name = (at: number) => `access.log.${day(at)}T00-00-00Z`;
    await writeFile(opened.folder.file(name(start - DAY_MS)), "x");
    await writeFile(opened.folder.file(`${name(start - DAY_MS)}-1.gz`), "x");
    opened.clock.advance(2 * DAY_MS);
    await until(async () => (await opened.events()).length > 0);
    const [event] = await opened.events();
    expect(event).to.include({
      event: "access-log.removed",
      files: 2,
      oldest: day(start - DAY_MS),
    });
    expect(JSON.stringify(event)).not.to.include(opened.folder.path);
  });

  it("looks more often than once an hour when little is kept", async () => {
    await using folder = await createTemporaryFolder();
    const due = folder.file("access.log.2026-02-10T10-59-00Z");
    const isGone = async () => (await readdir(folder.path)).every((name) => !name.endsWith("Z"));
    await writeFile(due, "x");
    await using opened = await openAccessLog({ path: folder.file("access.log"), keepMs: HOUR_MS });
    await until(isGone);
    await writeFile(due, "x");
    opened.clock.advance(HOUR_MS / 24);
    await until(isGone);
  });
});
