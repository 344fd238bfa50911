import {
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { SealedSession } from "../../src/store/session-sink.ts";
import type { Store } from "../../src/store/store.ts";
import { EPOCH, StoreFolder, codeOf, missingOf, sessions, until } from "./store-folder.ts";

const EPOCHS = Array.from({ length: 12 }, (_, index) => EPOCH + index);

describe("epoch databases", () => {
  let folder: StoreFolder;
  let store: Store;
  let kept: readonly SealedSession[];

  beforeEach(async () => {
    folder = new StoreFolder();
    store = await folder.open();
    kept = EPOCHS.flatMap((epoch) => sessions(20, { epoch }));
    for (const epoch of EPOCHS) await store.sessions.append(sessionsOf(epoch));
  });
  afterEach(() => folder.remove());

  const reopen = async () => {
    await store.close();
    store = await folder.open();
  };

  it("are a folder for each epoch, which nobody else may enter", () => {
    expect(readdirSync(epochs())).to.have.members(EPOCHS.map(String));
    for (const path of [epochs(), epochFolder(EPOCH)])
      expect(statSync(path).mode & 0o777).to.equal(0o700);
  });

  it("are not opened by the start, and a few only stay open after look-ups", async () => {
    await reopen();
    expect(openEpochs()).to.deep.equal([]);
    expect(await missingOf(store, kept)).to.deep.equal([]);
    await until(() => openEpochs().length <= 4);
    for (const epoch of EPOCHS) await store.sessions.append(sessions(1, { epoch }));
    await until(() => openEpochs().length <= 6);
    await store.close();
    expect(openEpochs()).to.deep.equal([]);
  });

  it("stay open while they are being written, whatever is looked up meanwhile", async () => {
    await reopen();
    const current = EPOCH + 11;
    await store.sessions.append(sessions(1, { epoch: current }));
    for (const epoch of EPOCHS.slice(0, -1)) {
      await store.sessions.tagsOfAddress(epoch, Buffer.alloc(16));
      expect(openEpochs()).to.include(String(current));
    }
  });

  it("stay open while they are being searched", async () => {
    const addressMac = Buffer.alloc(16, 1);
    await store.sessions.append(sessions(20_000, { addressMac }));
    await reopen();
    const ended = new AbortController();
    const search = async () => {
      while (!ended.signal.aborted)
        expect(await store.sessions.tagsOfAddress(EPOCH, addressMac)).to.have.length(20_000);
    };
    const lookUp = async () => {
      // One after the other, each of an epoch that has just been closed.
      for (let round = 0; round < 3; round += 1)
        for (const epoch of EPOCHS.slice(1))
          expect(await missingOf(store, sessionsOf(epoch).slice(0, 1))).to.deep.equal([]);
      ended.abort();
    };
    await Promise.all([search(), lookUp()]);
  });

  it("lose nothing to being opened and closed by many at once", async () => {
    await reopen();
    const more = EPOCHS.flatMap((epoch) => sessions(20, { epoch }));
    const appends = more.map((session) => store.sessions.append([session]));
    const [missing] = await Promise.all([missingOf(store, kept), ...appends]);
    expect(missing).to.deep.equal([]);
    await store.sessions.append([...sessionsOf(EPOCH), ...sessions(1, { epoch: EPOCH + 20 })]);
    expect(await missingOf(store, [...kept, ...more])).to.deep.equal([]);
    expect(await store.sessions.count()).to.equal(12 * 40 + 1);
    await reopen();
    expect(await missingOf(store, [...kept, ...more])).to.deep.equal([]);
    expect(await store.sessions.count()).to.equal(12 * 40 + 1);
  });

  it("are not made by a look-up", async () => {
    const [session] = sessions(1, { epoch: 7 });
    expect(await missingOf(store, session === undefined ? [] : [session])).to.have.length(1);
    expect(await store.sessions.tagsOfAddress(7, Buffer.alloc(16))).to.deep.equal([]);
    await store.sessions.remove(7, Buffer.alloc(11));
    expect(readdirSync(epochs())).to.not.include("7");
    expect(store.sessions.epochs()).to.deep.equal(EPOCHS);
  });

  it("that are lost are not made anew", async () => {
    await store.close();
    rmSync(epochFolder(EPOCH + 3), { recursive: true });
    expect(await codeOf(folder.open())).to.equal("store-missing");
    expect(readdirSync(epochs())).to.have.length(11);
    rmSync(epochs(), { recursive: true });
    expect(await codeOf(folder.open())).to.equal("store-missing");
  });

  for (const name of ["CURRENT", /^MANIFEST-/, /\.(?:ldb|log)$/])
    it(`without ${String(name)} are damaged, and remove nothing; the others go on`, async () => {
      await store.close();
      for (const file of filesOf(EPOCH, name)) rmSync(join(epochFolder(EPOCH), file));
      const before = filesOf(EPOCH, /\.ldb$/);
      store = await folder.open();
      const [first] = sessionsOf(EPOCH);
      if (first === undefined) throw new Error("no session");
      expect(await codeOf(store.sessions.find(EPOCH, first.tag))).to.match(/^store-(corrupt|miss)/);
      expect(store.health()).to.equal("ok");
      const others = kept.filter(({ epoch }) => epoch !== EPOCH);
      expect(await missingOf(store, others)).to.deep.equal([]);
      expect(filesOf(EPOCH, /\.ldb$/)).to.include.members(before);
    });

  it("that cannot be opened refuse sessions, and take them when they can be", async () => {
    await store.close();
    const current = join(epochFolder(EPOCH), "CURRENT");
    const text = readFileSync(current);
    rmSync(current);
    store = await folder.open();
    const more = sessions(5);
    for (let attempt = 0; attempt < 3; attempt += 1)
      expect(await codeOf(store.sessions.append(more))).to.equal("store-unavailable");
    expect(store.health()).to.equal("unavailable");
    await store.sessions.append(sessions(5, { epoch: EPOCH + 1 }));
    await until(() => folder.events().includes("store.reopen-failed"));
    writeFileSync(current, text);
    await until(() => store.health() === "ok");
    await store.sessions.append(more);
    expect(await missingOf(store, [...kept, ...more])).to.deep.equal([]);
    expect(folder.events()).to.deep.equal([
      "store.write-failed",
      "store.reopen-failed",
      "store.reopened",
    ]);
  });

  it("tell an append of several epochs about the one that failed, and keep the others", async () => {
    await store.close();
    renameSync(join(epochFolder(EPOCH), "CURRENT"), join(folder.dir, "CURRENT"));
    store = await folder.open();
    const [failing, fine] = [sessions(3), sessions(3, { epoch: EPOCH + 1 })];
    expect(await codeOf(store.sessions.append([...failing, ...fine]))).to.equal(
      "store-unavailable",
    );
    expect(await missingOf(store, fine)).to.deep.equal([]);
  });

  it("whose creation was cut short are created", async () => {
    await store.close();
    const folders = [EPOCH + 30, EPOCH + 31].map(epochFolder);
    for (const path of folders) mkdirSync(path);
    writeFileSync(join(folders[1] ?? "", "MANIFEST-000001"), "half");
    store = await folder.open();
    expect(store.sessions.epochs()).to.include.members([EPOCH + 30, EPOCH + 31]);
    const more = [30, 31].flatMap((after) => sessions(3, { epoch: EPOCH + after }));
    expect(await missingOf(store, more)).to.have.length(6);
    await store.sessions.append(more);
    await reopen();
    expect(await missingOf(store, [...kept, ...more])).to.deep.equal([]);
  });

  it("share their folder with what is not theirs: left alone, and told of at the start", async () => {
    await store.close();
    const names = ["lost+found", "4294967296", "007", `${EPOCH}.bak`];
    for (const name of names) mkdirSync(join(epochs(), name));
    store = await folder.open();
    await store.sessions.sweepEpoch(EPOCH);
    expect(folder.events()).to.deep.equal(["store.unknown-folders"]);
    expect(readdirSync(epochs())).to.include.members(names);
    expect(store.sessions.epochs()).to.deep.equal(EPOCHS.slice(1));
  });

  function sessionsOf(wanted: number): readonly SealedSession[] {
    return kept.filter(({ epoch }) => epoch === wanted);
  }

  function epochs(): string {
    return join(folder.dir, "store", "epochs");
  }

  function epochFolder(epoch: number): string {
    return join(epochs(), String(epoch));
  }

  function filesOf(epoch: number, name: string | RegExp): readonly string[] {
    const names = readdirSync(epochFolder(epoch));
    return names.filter((file) => (typeof name === "string" ? file === name : name.test(file)));
  }

  /** Those whose lock this process holds. */
  function openEpochs(): readonly string[] {
    const open = readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return []; // closed since it was listed
      }
    });
    return readdirSync(epochs()).filter((name) => open.includes(join(epochs(), name, "LOCK")));
  }
});
