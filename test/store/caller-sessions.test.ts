import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Level } from "level";
import type { Store } from "../../src/store/store.ts";
import { StoreFolder, codeOf } from "./store-folder.ts";

const NOON = 1_760_000_000_000;

describe("caller sessions", () => {
  let folder: StoreFolder;
  let store: Store;

  beforeEach(async () => {
    folder = new StoreFolder();
    store = await folder.open();
  });
  afterEach(() => folder.remove());

  it("finds what was put, also after a restart, until it is removed", async () => {
    const record = randomBytes(300);
    await store.callerSessions.put("a", record, NOON);
    await store.callerSessions.put("empty", new Uint8Array(0), NOON);
    await store.close();
    store = await folder.open();
    expect(await find("a")).to.equal(record.toString("hex"));
    expect(await find("empty")).to.equal("");
    await store.callerSessions.remove("a");
    await store.callerSessions.remove("never");
    expect(await find("a")).to.equal(undefined);
    expect(await store.callerSessions.sweep(NOON)).to.deep.equal(["empty"]);
  });

  it("sweeps those whose time has come, oldest first, and no others", async () => {
    await store.callerSessions.put("later", randomBytes(5), NOON + 1);
    await store.callerSessions.put("now", randomBytes(5), NOON);
    await store.callerSessions.put("before", randomBytes(5), 1);
    expect(await store.callerSessions.sweep(0)).to.deep.equal([]);
    expect(await store.callerSessions.sweep(NOON)).to.deep.equal(["before", "now"]);
    expect(await store.callerSessions.sweep(NOON)).to.deep.equal([]);
    expect([await find("before"), await find("now")]).to.deep.equal([undefined, undefined]);
    expect(await find("later")).to.be.a("string");
  });

  it("goes by the newest expiry when a session is put again", async () => {
    await store.callerSessions.put("extended", randomBytes(5), NOON);
    await store.callerSessions.put("extended", Buffer.from("new"), NOON + 1000);
    await store.callerSessions.put("shortened", randomBytes(5), NOON + 1000);
    await store.callerSessions.put("shortened", randomBytes(5), NOON);
    expect(await store.callerSessions.sweep(NOON)).to.deep.equal(["shortened"]);
    expect(await find("extended")).to.equal(Buffer.from("new").toString("hex"));
    expect(await store.callerSessions.sweep(NOON + 1000)).to.deep.equal(["extended"]);
  });

  it("leaves one expiry entry behind parallel puts, that of the last", async () => {
    const times = Array.from({ length: 20 }, (_, index) => NOON + ((index * 7) % 20));
    await Promise.all(
      times.map((time) => store.callerSessions.put("a", Buffer.from(String(time)), time)),
    );
    const last = times.at(-1) ?? 0;
    expect(await find("a")).to.equal(Buffer.from(String(last)).toString("hex"));
    expect(await store.callerSessions.sweep(last - 1)).to.deep.equal([]);
    expect(await find("a")).to.be.a("string");
    expect(await store.callerSessions.sweep(NOON + 100)).to.deep.equal(["a"]);
    expect(await expiryEntries()).to.equal(0);
  });

  it("keeps a session that is given more time while the sweep runs", async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `id-${index}`);
    await Promise.all(ids.map((id) => store.callerSessions.put(id, randomBytes(5), NOON)));
    const extension = store.callerSessions.put("id-250", randomBytes(5), NOON + 1000);
    const swept = await store.callerSessions.sweep(NOON);
    await extension;
    expect(await find("id-250")).to.be.a("string");
    expect(swept).to.have.length(299);
    expect(await expiryEntries()).to.equal(1);
  });

  it("sweeps more than one slice", async () => {
    const ids = Array.from({ length: 2500 }, (_, index) => `id-${index}`);
    await Promise.all(ids.map((id) => store.callerSessions.put(id, randomBytes(5), NOON)));
    expect(await store.callerSessions.sweep(NOON)).to.have.members(ids);
    expect(await expiryEntries()).to.equal(0);
  });

  it("refuses a time that is no whole millisecond, and stores nothing", async () => {
    for (const time of [Number.NaN, -1, 0.5]) {
      const put = store.callerSessions.put("a", randomBytes(5), time);
      expect(await codeOf(put)).to.be.instanceOf(RangeError);
    }
    expect(await find("a")).to.equal(undefined);
  });

  async function find(id: string): Promise<string | undefined> {
    const record = await store.callerSessions.find(id);
    return record && Buffer.from(record).toString("hex");
  }

  /** Raw, behind the store's back: what no find shows would stay for ever. */
  async function expiryEntries(): Promise<number> {
    await store.close();
    const level = new Level<Buffer, Buffer>(`${folder.dir}/store`, { keyEncoding: "buffer" });
    try {
      return (await level.keys({ gte: Buffer.from("e"), lt: Buffer.from("f") }).all()).length;
    } finally {
      await level.close();
    }
  }
});
