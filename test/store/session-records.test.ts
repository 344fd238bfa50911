import { expect } from "chai";
import type { Store } from "../../src/store/store.ts";
import { EPOCH, StoreFolder, aSession, codeOf, missingOf, sessions } from "./store-folder.ts";

for (const durability of ["process", "disk"] as const) {
  describe(`session records, durability ${durability}`, () => {
    let folder: StoreFolder;
    let store: Store;

    beforeEach(async () => {
      folder = new StoreFolder();
      store = await folder.open({ durability });
    });
    afterEach(() => folder.remove());

    it("gives back what was appended, byte for byte, also after a restart", async () => {
      const all = [...sessions(200), aSession({ record: new Uint8Array(0) })];
      await Promise.all(all.map((session) => store.sessions.append([session])));
      expect(await missingOf(store, all)).to.deep.equal([]);
      await store.close();
      expect(await missingOf(await folder.open({ durability }), all)).to.deep.equal([]);
    });

    it("finds nothing under another epoch or tag", async () => {
      const session = aSession();
      await store.sessions.append([session]);
      expect(await store.sessions.find(EPOCH + 1, session.tag)).to.equal(undefined);
      expect(await store.sessions.find(EPOCH, aSession().tag)).to.equal(undefined);
    });

    it("leaves a stored session as its first request left it", async () => {
      const first = aSession();
      const again = aSession({ tag: first.tag, addressMac: first.addressMac });
      const elsewhere = aSession({ tag: first.tag });
      await store.sessions.append([first]);
      await store.sessions.append([again, elsewhere]);
      expect(await missingOf(store, [first])).to.deep.equal([]);
      expect(await store.sessions.tagsOfAddress(EPOCH, elsewhere.addressMac)).to.deep.equal([]);
      expect(await store.sessions.count()).to.equal(1);
    });

    it("stores the first of two that arrive in one group", async () => {
      const first = aSession();
      const second = aSession({ tag: first.tag });
      await Promise.all([store.sessions.append([first]), store.sessions.append([second])]);
      expect(await missingOf(store, [first])).to.deep.equal([]);
      expect(await store.sessions.tagsOfAddress(EPOCH, second.addressMac)).to.deep.equal([]);
    });

    it("counts a group once, however many sessions it holds", async () => {
      await Promise.all(sessions(50).map((session) => store.sessions.append([session])));
      const { values } = await folder.metrics.storeAppendDuration.get();
      const count = values.find(({ metricName }) => metricName?.endsWith("_count"));
      expect(count?.value).to.equal(1);
    });

    it("lists the tags of one address in one epoch", async () => {
      const { addressMac } = aSession();
      const mine = sessions(3, { addressMac });
      const before = aSession({ addressMac, epoch: EPOCH - 1 });
      await store.sessions.append([...mine, ...sessions(20), before]);
      const tags = await store.sessions.tagsOfAddress(EPOCH, addressMac);
      expect(hex(tags)).to.have.members(hex(mine.map(({ tag }) => tag)));
      expect(hex(await store.sessions.tagsOfAddress(EPOCH - 1, addressMac))).to.deep.equal(
        hex([before.tag]),
      );
    });

    it("lists the tags of an address with more sessions than one slice", async () => {
      const { addressMac } = aSession();
      await store.sessions.append(sessions(2500, { addressMac }));
      expect(new Set(hex(await store.sessions.tagsOfAddress(EPOCH, addressMac))).size).to.equal(
        2500,
      );
    });

    it("removes a record with its entry in the address index, and takes it again later", async () => {
      const [gone, kept] = [aSession(), aSession()];
      await store.sessions.append([gone, kept]);
      await store.sessions.remove(EPOCH, gone.tag);
      await store.sessions.remove(EPOCH, aSession().tag);
      expect(await missingOf(store, [gone, kept])).to.deep.equal([gone]);
      expect(await store.sessions.tagsOfAddress(EPOCH, gone.addressMac)).to.deep.equal([]);
      await store.sessions.append([gone]);
      expect(await missingOf(store, [gone, kept])).to.deep.equal([]);
    });

    it("counts small epochs exactly and large ones closely", async () => {
      expect(await store.sessions.count()).to.equal(0);
      await store.sessions.append([...sessions(400), ...sessions(3, { epoch: 0xffff_ffff })]);
      expect(await store.sessions.count()).to.equal(403);
      await store.sessions.append(sessions(2));
      await store.sessions.remove(EPOCH, aSession().tag);
      expect(await store.sessions.count()).to.equal(405);
      await store.sessions.append(sessions(6000, { epoch: EPOCH + 1 }));
      // Six standard deviations of the estimate.
      expect(await store.sessions.count()).to.be.closeTo(6405, 6000 * 0.19);
    });

    it("refuses a session that does not fit the key layout", async () => {
      const tooShort = aSession({ tag: new Uint8Array(10) });
      expect(await codeOf(store.sessions.append([tooShort]))).to.be.instanceOf(RangeError);
      expect(store.health()).to.equal("ok");
    });
  });
}

function hex(tags: readonly Uint8Array[]): string[] {
  return tags.map((tag) => Buffer.from(tag).toString("hex"));
}
