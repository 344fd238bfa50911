import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { SealedSession } from "../../src/store/session-sink.ts";
import type { Store } from "../../src/store/store.ts";
import { EPOCH, StoreFolder, aSession, codeOf, missingOf, sessions } from "./store-folder.ts";

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
    await append(sessions(20_000));
    const before = tableBytes();
    await store.sessions.sweepEpoch(EPOCH);
    expect(tableBytes()).to.be.lessThan(before / 10);
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
    const order: string[] = [];
    const sweep = store.sessions.sweepEpoch(EPOCH).then(() => order.push("swept"));
    for (const other of others.slice(0, 5)) await store.sessions.append([other]);
    order.push("appended");
    await store.sessions.append(others);
    await sweep;
    expect(order).to.deep.equal(["appended", "swept"]);
    expect(await missingOf(store, others)).to.deep.equal([]);
  });

  it("goes on where it stopped when the store was closed in between", async () => {
    const all = sessions(20_000);
    await append(all);
    const interrupted = codeOf(store.sessions.sweepEpoch(EPOCH));
    await store.sessions.append([aSession({ epoch: EPOCH + 1 })]);
    await store.close();
    expect(await interrupted).to.equal("store-closed");
    store = await folder.open();
    expect(await missingOf(store, all)).to.not.have.length(all.length);
    await store.sessions.sweepEpoch(EPOCH);
    expect(await store.sessions.count()).to.equal(1);
    expect(await tagsOf(all.slice(-500))).to.deep.equal([]);
  });

  async function tagsOf(all: readonly SealedSession[]): Promise<readonly Uint8Array[]> {
    const found = all.map(({ epoch, addressMac }) =>
      store.sessions.tagsOfAddress(epoch, addressMac),
    );
    return (await Promise.all(found)).flat();
  }

  function tableBytes(): number {
    const database = join(folder.dir, "store");
    const tables = readdirSync(database).filter((name) => name.endsWith(".ldb"));
    return tables.reduce((sum, name) => sum + statSync(join(database, name)).size, 0);
  }
});
