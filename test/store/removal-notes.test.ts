import { expect } from "chai";
import type { SealedSession } from "../../src/store/session-sink.ts";
import type { Store } from "../../src/store/store.ts";
import { EPOCH, StoreFolder, aSession, missingOf } from "./store-folder.ts";

describe("session that is removed with something else", () => {
  let folder: StoreFolder;
  let store: Store;
  let gone: SealedSession;
  let kept: SealedSession;

  beforeEach(async () => {
    folder = new StoreFolder();
    store = await folder.open();
    gone = aSession();
    kept = aSession({ addressMac: gone.addressMac });
    await store.sessions.append([gone, kept]);
  });
  afterEach(() => folder.remove());

  const removal = () => store.sessions.removalOf(EPOCH, gone.tag);
  const tags = async () =>
    (await store.sessions.tagsOfAddress(EPOCH, gone.addressMac)).map((tag) =>
      Buffer.from(tag).toString("hex"),
    );
  const hex = ({ tag }: SealedSession) => Buffer.from(tag).toString("hex");
  const event = { table: "user", key: "event", value: Buffer.from("1") } as const;

  it("is there until that is committed, and then nowhere, also after a crash", async () => {
    const change = await removal();
    expect(await missingOf(store, [gone])).to.deep.equal([]);
    await store.documents.commit([event, change]);
    for (let start = 0; start < 2; start += 1) {
      expect(await missingOf(store, [gone, kept])).to.deep.equal([gone]);
      expect(await tags()).to.deep.equal([hex(kept)]);
      expect(await store.documents.find("user", "event")).to.not.equal(undefined);
      await store.close();
      store = await folder.open();
    }
  });

  it("has nothing to remove the second time, nor when there never was one", async () => {
    await store.documents.commit([await removal()]);
    expect(await removal()).to.deep.equal({ operations: [] });
    expect(await store.sessions.removalOf(EPOCH, aSession().tag)).to.deep.equal({ operations: [] });
    expect(await store.sessions.removalOf(7, gone.tag)).to.deep.equal({ operations: [] });
  });

  it("can be stored again once its record has gone", async () => {
    await store.documents.commit([await removal()]);
    await store.sessions.remove(EPOCH, gone.tag);
    expect(await missingOf(store, [gone, kept])).to.deep.equal([gone]);
    expect(await store.sessions.count()).to.equal(1);
    await store.sessions.append([gone]);
    expect(await missingOf(store, [gone, kept])).to.deep.equal([]);
    expect((await tags()).toSorted()).to.deep.equal([hex(gone), hex(kept)].toSorted());
  });

  it("is forgotten with its epoch", async () => {
    await store.documents.commit([await removal()]);
    await store.sessions.sweepEpoch(EPOCH);
    await store.sessions.append([gone]);
    expect(await missingOf(store, [gone])).to.deep.equal([]);
  });
});
