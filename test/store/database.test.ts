import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { hasCode } from "../../src/errors.ts";
import type { SealedSession } from "../../src/store/session-sink.ts";
import type { Store } from "../../src/store/store.ts";
import {
  EPOCH,
  StoreFolder,
  aSession,
  codeOf,
  missingOf,
  sessions,
  until,
} from "./store-folder.ts";

// A real file system of 8 MiB that really fills up.
describe("database on a full disk", () => {
  let disk: string;
  let folder: StoreFolder;
  let store: Store;

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
    // Takes so much that a recovered database has room for its log and the table made of it when this is gone.
    writeFileSync(filler(), Buffer.alloc(5 * 1024 * 1024));
    folder = new StoreFolder(join(disk, "data"));
    store = await folder.open();
  });
  afterEach(async () => {
    await folder.remove();
    rmSync(filler(), { force: true });
  });

  it("rejects while the disk is full, and recovers with everything acknowledged", async () => {
    const stored = await fillDisk();
    expect(store.health()).to.equal("unavailable");
    for (let attempt = 0; attempt < 50; attempt += 1) {
      expect(await codeOf(store.sessions.append([aSession()]))).to.equal("store-unavailable");
    }
    const [first] = stored;
    if (first === undefined) throw new Error("nothing was stored");
    expect(await codeOf(store.sessions.find(first.epoch, first.tag))).to.equal("store-unavailable");
    expect(folder.events()).to.deep.equal(["store.write-failed"]);

    rmSync(filler());
    await until(() => store.health() === "ok");
    expect(folder.events()).to.deep.equal(["store.write-failed", "store.reopened"]);
    const later = sessions(100);
    await store.sessions.append(later);
    expect(await missingOf(store, [...stored, ...later])).to.deep.equal([]);

    await store.close();
    expect(await missingOf(await folder.open(), [...stored, ...later])).to.deep.equal([]);
  });

  it("refuses everything but sessions when the main database is what cannot be written", async () => {
    const [known] = sessions(1);
    if (known === undefined) throw new Error("no session");
    await store.sessions.append([known]);
    const value = Buffer.alloc(60_000);
    const put = (key: string) => store.documents.commit([{ table: "user", key, value }]);
    let stored = 0;
    while ((await codeOf(put(String(stored)))) === "resolved") stored += 1;
    expect(stored).to.be.greaterThan(5);
    expect(store.health()).to.equal("unavailable");
    expect(await codeOf(store.documents.list("user"))).to.equal("store-unavailable");
    expect(await codeOf(store.callerSessions.put("a", Buffer.of(1), 1))).to.equal(
      "store-unavailable",
    );
    rmSync(filler());
    await until(() => store.health() === "ok");
    expect(await store.documents.list("user")).to.have.length(stored);
    expect(await missingOf(store, [known])).to.deep.equal([]);
  });

  it("creates the database of a new epoch when there is room again", async () => {
    const stored = await fillDisk();
    const next = sessions(10, { epoch: EPOCH + 1 });
    expect(await codeOf(store.sessions.append(next))).to.equal("store-unavailable");
    rmSync(filler());
    await until(() => store.health() === "ok");
    await store.sessions.append(next);
    expect(await missingOf(store, [...stored, ...next])).to.deep.equal([]);
    await store.close();
    expect(await missingOf(await folder.open(), [...stored, ...next])).to.deep.equal([]);
  });

  it("rejects all appends of the group that failed, and those that waited behind it", async () => {
    const outcomes = await Promise.allSettled(
      sessions(20_000).map((session) => store.sessions.append([session])),
    );
    const firstLost = outcomes.findIndex(({ status }) => status === "rejected");
    expect(firstLost).to.be.greaterThan(0);
    for (const outcome of outcomes.slice(firstLost)) {
      if (outcome.status === "fulfilled") throw new Error("acknowledged after a failed write");
      expect(hasCode(outcome.reason, "store-unavailable")).to.equal(true);
    }
    expect(folder.events()).to.deep.equal(["store.write-failed"]);
  });

  it("closes in the middle of an outage, and opens when there is room", async () => {
    const stored = await fillDisk();
    await store.close();
    expect(await codeOf(store.sessions.append([aSession()]))).to.equal("store-closed");
    expect(await codeOf(folder.open())).to.equal("store-unavailable");
    rmSync(filler());
    expect(await missingOf(await folder.open(), stored)).to.deep.equal([]);
  });

  it("goes through a second outage as through the first", async () => {
    const stored = await fillDisk();
    rmSync(filler());
    await until(() => store.health() === "ok");
    stored.push(...(await fillDisk()));
    await store.close();
    const events = folder.events().filter((event) => event === "store.write-failed");
    expect(events).to.have.length(2);
  });

  /** Appends until one is rejected; answers what was acknowledged. */
  async function fillDisk(): Promise<SealedSession[]> {
    const stored: SealedSession[] = [];
    while (true) {
      const group = sessions(50);
      const code = await codeOf(store.sessions.append(group));
      if (code === "store-unavailable") return stored;
      expect(code).to.equal("resolved");
      stored.push(...group);
    }
  }

  function filler(): string {
    return join(disk, "filler");
  }
});
