import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { openDatabaseFiles } from "../../src/store/database-files.ts";
import { epochKey } from "../../src/store/key-layout.ts";
import type { SealedSession } from "../../src/store/session-sink.ts";
import type { Store } from "../../src/store/store.ts";
import { EPOCH, StoreFolder, missingOf, sessions, until } from "./store-folder.ts";

describe("epoch sweep", () => {
  let folder: StoreFolder;
  let store: Store;

  beforeEach(async () => {
    folder = new StoreFolder();
    store = await folder.open();
  });
  afterEach(() => folder.remove());

  async function append(all: readonly SealedSession[]): Promise<void> {
    for (let from = 0; from < all.length; from += 1000) {
      await store.sessions.append(all.slice(from, from + 1000));
    }
  }

  it("removes the records and the address index of 20,000 sessions, and no other epoch's", async () => {
    const neighbours = [
      ...sessions(300, { epoch: EPOCH - 1 }),
      ...sessions(300, { epoch: EPOCH + 1 }),
    ];
    const swept = sessions(20_000);
    await append([...swept, ...neighbours]);
    await store.sessions.sweepEpoch(EPOCH);
    expect(await missingOf(store, swept)).to.have.length(swept.length);
    expect(await missingOf(store, neighbours)).to.deep.equal([]);
    expect(await tagsOf(swept.slice(0, 500))).to.deep.equal([]);
    expect(await tagsOf(neighbours)).to.have.length(neighbours.length);
    expect(await store.sessions.count()).to.equal(neighbours.length);
  });

  it("gives the room on the disk back", async () => {
    await append([...sessions(5000), ...sessions(1, { epoch: EPOCH + 1 })]);
    await store.sessions.sweepEpoch(EPOCH);
    expect(epochFolders()).to.deep.equal([String(EPOCH + 1)]);
    expect(store.sessions.epochs()).to.deep.equal([EPOCH + 1]);
  });

  it("can run twice, at the same time, on nothing, and on the last epoch there is", async () => {
    const last = sessions(5, { epoch: 0xffff_ffff });
    await append([...sessions(5000), ...last]);
    await Promise.all([store.sessions.sweepEpoch(EPOCH), store.sessions.sweepEpoch(EPOCH)]);
    await store.sessions.sweepEpoch(EPOCH);
    expect(await store.sessions.count()).to.equal(last.length);
    await store.sessions.sweepEpoch(0xffff_ffff);
    expect(await store.sessions.count()).to.equal(0);
  });

  it("lets others read and write while it runs", async () => {
    await append(sessions(20_000));
    const others = sessions(100, { epoch: EPOCH + 1 });
    const sweep = store.sessions.sweepEpoch(EPOCH);
    await Promise.all(others.map((other) => store.sessions.append([other])));
    expect(await missingOf(store, others)).to.deep.equal([]);
    await sweep;
    expect(await missingOf(store, others)).to.deep.equal([]);
  });

  it("waits for what is under way in the epoch, and starts it anew for who comes later", async () => {
    const [first, second, later] = [sessions(50), sessions(50), sessions(50)];
    await append(first);
    const under = Promise.all(second.map((session) => store.sessions.append([session])));
    const reads = Promise.all(first.map(({ tag }) => store.sessions.find(EPOCH, tag)));
    const sweep = store.sessions.sweepEpoch(EPOCH);
    await Promise.all([under, reads, sweep, store.sessions.append(later)]);
    expect(await missingOf(store, [...first, ...second])).to.have.length(100);
    expect(await missingOf(store, later)).to.deep.equal([]);
    await store.close();
    store = await folder.open();
    expect(await missingOf(store, later)).to.deep.equal([]);
    expect(await store.sessions.count()).to.equal(50);
  });

  it("waits for searches, which find all or nothing", async () => {
    const addressMac = Buffer.alloc(16, 1);
    await append(sessions(5000, { addressMac }));
    const found: number[] = [];
    const search = async () => {
      const isThere = () => found.every((count) => count > 0);
      while (isThere()) found.push((await store.sessions.tagsOfAddress(EPOCH, addressMac)).length);
    };
    const searches = Promise.all(Array.from({ length: 12 }, search));
    await until(() => found.length > 0);
    await Promise.all([store.sessions.sweepEpoch(EPOCH), searches]);
    expect([...new Set(found)]).to.deep.equal([5000, 0]);
  });

  it("is awaited by a close", async () => {
    await append(sessions(2000));
    const swept = store.sessions.sweepEpoch(EPOCH);
    await store.close();
    await swept;
    expect(epochFolders()).to.deep.equal([]);
  });

  describe("that was cut short", () => {
    const kept = sessions(100, { epoch: EPOCH + 1 });

    beforeEach(async () => {
      await append([...sessions(2000), ...kept]);
      await store.close();
    });

    it("before the folder was set aside is finished by the next", async () => {
      await unlist(EPOCH);
      store = await folder.open();
      expect(store.sessions.epochs()).to.deep.equal([EPOCH, EPOCH + 1]);
      await store.sessions.sweepEpoch(EPOCH);
      expect(epochFolders()).to.deep.equal([String(EPOCH + 1)]);
      expect(await missingOf(store, kept)).to.deep.equal([]);
    });

    it("while files were being removed is finished by the next start", async () => {
      await unlist(EPOCH);
      renameSync(epochFolder(EPOCH), `${epochFolder(EPOCH)}.swept`);
      rmSync(join(`${epochFolder(EPOCH)}.swept`, "CURRENT"));
      store = await folder.open();
      expect(store.sessions.epochs()).to.deep.equal([EPOCH + 1]);
      await store.close();
      expect(epochFolders()).to.deep.equal([String(EPOCH + 1)]);
    });

    it("and left a folder aside is no hindrance to the next", async () => {
      store = await folder.open();
      mkdirSync(`${epochFolder(EPOCH)}.swept`);
      writeFileSync(join(`${epochFolder(EPOCH)}.swept`, "000005.ldb"), "left");
      await store.sessions.sweepEpoch(EPOCH);
      expect(epochFolders()).to.deep.equal([String(EPOCH + 1)]);
    });
  });

  /** What a crash leaves right after a sweep has begun. */
  async function unlist(epoch: number): Promise<void> {
    const level = await openDatabaseFiles(folder.dir);
    await level.del(epochKey(epoch));
    await level.close();
  }

  function epochFolder(epoch: number): string {
    return join(folder.dir, "store", "epochs", String(epoch));
  }

  function epochFolders(): readonly string[] {
    return readdirSync(join(folder.dir, "store", "epochs")).toSorted();
  }

  async function tagsOf(all: readonly SealedSession[]): Promise<readonly Uint8Array[]> {
    const found = all.map(({ epoch, addressMac }) =>
      store.sessions.tagsOfAddress(epoch, addressMac),
    );
    return (await Promise.all(found)).flat();
  }
});
