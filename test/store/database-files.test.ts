import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Level } from "level";
import type { Store } from "../../src/store/store.ts";
import { StoreFolder, codeOf, missingOf, sessions } from "./store-folder.ts";

describe("database files", () => {
  let folder: StoreFolder;
  const kept = sessions(500);

  beforeEach(async () => {
    folder = new StoreFolder();
    const store = await folder.open();
    await store.sessions.append(kept);
    await store.close();
  });
  afterEach(() => folder.remove());

  it("lets nobody else into the folder", () => {
    expect(statSync(database()).mode & 0o777).to.equal(0o700);
    expect(statSync(marker()).mode & 0o777).to.equal(0o600);
  });

  it("takes a folder that was opened to others back", async () => {
    chmodSync(database(), 0o755);
    await folder.open();
    expect(statSync(database()).mode & 0o777).to.equal(0o700);
  });

  it("refuses a second open of one folder, and the first goes on", async () => {
    const store = await folder.open();
    expect(await codeOf(folder.open())).to.equal("store-locked");
    expect(await missingOf(store, kept)).to.deep.equal([]);
  });

  it("does not make a lost database anew", async () => {
    rmSync(database(), { recursive: true });
    expect(await codeOf(folder.open())).to.equal("store-missing");
    expect(readdirSync(folder.dir)).to.deep.equal(["store.marker"]);
  });

  it("does not take an empty folder for the store", async () => {
    for (const name of readdirSync(database())) rmSync(join(database(), name), { recursive: true });
    expect(await codeOf(folder.open())).to.equal("store-missing");
    expect(readdirSync(database())).to.deep.equal([]);
  });

  it("notices that everything was in a log file that is gone", async () => {
    for (const name of names(/\.log$/)) rmSync(join(database(), name));
    expect(await codeOf(folder.open())).to.equal("store-missing");
  });

  for (const withMarker of [true, false]) {
    it(`removes nothing when CURRENT is lost, ${withMarker ? "with" : "without"} its marker`, async () => {
      rmSync(join(database(), "CURRENT"));
      if (!withMarker) rmSync(marker());
      const before = readdirSync(database());
      expect(await codeOf(folder.open())).to.equal("store-corrupt");
      expect(readdirSync(database())).to.deep.equal(before);
    });
  }

  it("says that the store is damaged when CURRENT names nothing", async () => {
    for (const text of ["", "MANIFEST-999999\n", "MANIFEST"]) {
      writeFileSync(join(database(), "CURRENT"), text);
      expect(await codeOf(folder.open()), JSON.stringify(text)).to.equal("store-corrupt");
    }
  });

  it("says that the store is damaged when its MANIFEST is, and works when that is put back", async () => {
    const manifest = join(database(), names(/^MANIFEST-/)[0] ?? "");
    copyFileSync(manifest, join(folder.dir, "manifest"));
    const bytes = readFileSync(manifest);
    writeFileSync(
      manifest,
      bytes.map((byte, index) => (index === 12 ? byte ^ 0xff : byte)),
    );
    expect(await codeOf(folder.open())).to.equal("store-corrupt");
    rmSync(manifest);
    expect(await codeOf(folder.open())).to.equal("store-corrupt");
    copyFileSync(join(folder.dir, "manifest"), manifest);
    expect(await missingOf(await folder.open(), kept)).to.deep.equal([]);
  });

  it("says that the store is damaged when a table is missing", async () => {
    // Opening moves what was in the log into a table.
    await (await folder.open()).close();
    rmSync(join(database(), names(/\.ldb$/)[0] ?? ""));
    expect(await codeOf(folder.open())).to.equal("store-corrupt");
  });

  it("opens a database whose marker is lost, and writes it again", async () => {
    rmSync(marker());
    expect(await missingOf(await folder.open(), kept)).to.deep.equal([]);
    expect(statSync(marker()).isFile()).to.equal(true);
  });

  it("finishes a creation that was cut short before the database existed", async () => {
    const { dir } = folder;
    await folder.remove();
    folder = new StoreFolder(dir);
    mkdirSync(database(), { recursive: true });
    writeFileSync(join(database(), "MANIFEST-000001"), "half");
    await (await folder.open()).sessions.append(kept);
  });

  it("refuses a database of another format", async () => {
    const level = new Level(database());
    await level.put("mformat", "\u0003");
    await level.close();
    expect(await codeOf(folder.open())).to.equal("store-corrupt");
  });

  it("says that the store is unavailable when a file stands in its place", async () => {
    rmSync(database(), { recursive: true });
    rmSync(marker());
    writeFileSync(database(), "");
    expect(await codeOf(folder.open())).to.equal("store-unavailable");
  });

  describe("closed", () => {
    let store: Store;

    beforeEach(async () => {
      store = await folder.open();
    });

    it("has stored what was accepted before", async () => {
      const last = sessions(100);
      const stored = Promise.all(last.map((session) => store.sessions.append([session])));
      await store.close();
      await stored;
      expect(await missingOf(await folder.open(), [...kept, ...last])).to.deep.equal([]);
    });

    it("rejects every operation, and closes twice without complaint", async () => {
      await Promise.all([store.close(), store.close()]);
      const [session] = kept;
      if (session === undefined) throw new Error("no session");
      const operations: readonly Promise<unknown>[] = [
        store.sessions.append(sessions(1)),
        store.sessions.find(session.epoch, session.tag),
        store.sessions.remove(session.epoch, session.tag),
        store.sessions.tagsOfAddress(session.epoch, session.addressMac),
        store.sessions.sweepEpoch(session.epoch),
        store.sessions.count(),
        store.callerSessions.put("a", new Uint8Array(1), 1),
        store.callerSessions.find("a"),
        store.callerSessions.remove("a"),
        store.callerSessions.sweep(1),
        store.names.add("sid"),
      ];
      expect(new Set(await Promise.all(operations.map(codeOf)))).to.deep.equal(
        new Set(["store-closed"]),
      );
    });
  });

  function database(): string {
    return join(folder.dir, "store");
  }

  function marker(): string {
    return join(folder.dir, "store.marker");
  }

  function names(pattern: RegExp): readonly string[] {
    return readdirSync(database()).filter((name) => pattern.test(name));
  }
});
