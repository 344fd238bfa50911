import { expect } from "chai";
import * as fc from "fast-check";
import type { Change, DocumentRange } from "../../src/store/documents.ts";
import type { Store } from "../../src/store/store.ts";
import { StoreFolder, codeOf } from "./store-folder.ts";

function put(key: string, text: string, table: "user" | "app" = "user"): Change {
  return { table, key, value: Buffer.from(text) };
}

describe("documents", () => {
  let folder: StoreFolder;
  let store: Store;

  beforeEach(async () => {
    folder = new StoreFolder();
    store = await folder.open();
  });
  afterEach(() => folder.remove());

  const find = async (key: string, table: "user" | "app" = "user") => {
    const found = await store.documents.find(table, key);
    return found && Buffer.from(found).toString();
  };
  const keysOf = async (range?: DocumentRange) =>
    (await store.documents.list("user", range)).map(({ key }) => key);

  it("finds what was committed, also after a restart, until it is removed", async () => {
    await store.documents.commit([put("a", "1"), put("empty", ""), put("ä/ü", "2")]);
    await store.close();
    store = await folder.open();
    expect([await find("a"), await find("empty"), await find("ä/ü")]).to.deep.equal(["1", "", "2"]);
    await store.documents.commit([{ table: "user", key: "a", value: undefined }]);
    expect(await find("a")).to.equal(undefined);
    expect(await find("never")).to.equal(undefined);
  });

  it("keeps its tables apart, and apart from sessions", async () => {
    await store.documents.commit([put("k", "user"), put("k", "app", "app")]);
    await store.callerSessions.put("k", Buffer.from("session"), 1);
    expect([await find("k"), await find("k", "app")]).to.deep.equal(["user", "app"]);
    expect(await keysOf()).to.deep.equal(["k"]);
    expect(await store.sessions.count()).to.equal(0);
  });

  it("lists by every bound as a filter over all keys would, in the order of UTF-8 bytes", async () => {
    const keys = fc.uniqueArray(fc.string({ unit: "binary", maxLength: 4 }), { maxLength: 12 });
    const bound = fc.option(fc.string({ unit: "binary", maxLength: 3 }), { nil: undefined });
    const short = { unit: fc.constantFrom("a", "b", "/", "é", "\u{ffff}"), maxLength: 3 } as const;
    const few = fc.uniqueArray(fc.string(short), { maxLength: 12 });
    const fewBound = fc.option(fc.string(short), { nil: undefined });
    const ranges = (text: typeof bound) =>
      fc.record({ prefix: text, from: text, to: text, limit: fc.integer({ min: 1, max: 15 }) });
    const cases = fc.oneof(
      fc.tuple(keys, ranges(bound), fc.boolean()),
      fc.tuple(few, ranges(fewBound), fc.boolean()),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([texts, given, reverse]) => {
        const { prefix, from, to, limit } = given;
        const before = await keysOf();
        const removals = before.map((key) => ({ table: "user" as const, key, value: undefined }));
        await store.documents.commit([...removals, ...texts.map((key) => put(key, "x"))]);
        const expected = texts
          .map((key) => Buffer.from(key))
          .filter((key) => key.subarray(0, bytes(prefix).length).equals(bytes(prefix)))
          .filter((key) => from === undefined || Buffer.compare(key, bytes(from)) >= 0)
          .filter((key) => to === undefined || Buffer.compare(key, bytes(to)) < 0)
          .toSorted((one, other) => Buffer.compare(one, other) * (reverse ? -1 : 1))
          .slice(0, limit)
          .map(String);
        const range = Object.fromEntries(
          Object.entries(given).filter(([, value]) => value !== undefined),
        );
        expect(await keysOf({ ...range, reverse })).to.deep.equal(expected);
      }),
      { numRuns: 300 },
    );
  });

  it("gives 1000 unless told, and 10,000 at most", async () => {
    const changes = Array.from({ length: 10_500 }, (_, index) => put(String(index), ""));
    await store.documents.commit(changes);
    expect(await keysOf()).to.have.length(1000);
    expect(await keysOf({ limit: 20_000 })).to.have.length(10_000);
    expect(await keysOf({ limit: 0 })).to.deep.equal([]);
    for (const limit of [-1, Number.NaN, 1.5])
      expect(await codeOf(keysOf({ limit })), String(limit)).to.be.instanceOf(RangeError);
  });

  it("stores all of a commit or none", async () => {
    await store.documents.commit([put("a", "before")]);
    const failing = store.documents.commit([put("a", "after"), put("k".repeat(2000), "x")]);
    expect(await codeOf(failing)).to.be.instanceOf(RangeError);
    expect(await find("a")).to.equal("before");
    expect(await find("k".repeat(2000))).to.equal(undefined);
    expect(store.health()).to.equal("ok");
  });

  it("applies the changes of one commit in their order, and commits in theirs", async () => {
    const first = store.documents.commit([put("a", "1"), put("a", "2")]);
    const second = store.documents.commit([put("a", "3"), put("b", "3")]);
    const third = store.documents.commit([{ table: "user", key: "b", value: undefined }]);
    await Promise.all([first, second, third]);
    expect([await find("a"), await find("b")]).to.deep.equal(["3", undefined]);
  });

  it("commits what another part has made ready with the rest", async () => {
    await store.callerSessions.put("old", Buffer.from("1"), 5);
    const ready = [
      await store.callerSessions.changeOf("old"),
      await store.callerSessions.changeOf("new", { record: Buffer.from("2"), expiresAtMs: 7 }),
    ];
    expect(await store.callerSessions.find("new")).to.equal(undefined);
    await store.documents.commit([...ready, put("a", "1")]);
    expect(await store.callerSessions.find("old")).to.equal(undefined);
    expect(Buffer.from((await store.callerSessions.find("new")) ?? [])).to.deep.equal(
      Buffer.from("2"),
    );
    expect(await store.callerSessions.sweep(7)).to.deep.equal(["new"]);
  });

  it("weighs what it prepares", () => {
    const { operations, bytes } = store.documents.prepare([put("a", "x".repeat(5000))]);
    expect(operations).to.have.length(1);
    expect(bytes).to.be.within(5000, 5500);
  });

  it("rejects after the store is closed", async () => {
    await store.close();
    expect(await codeOf(store.documents.commit([put("a", "1")]))).to.equal("store-closed");
    expect(await codeOf(find("a"))).to.equal("store-closed");
    expect(await codeOf(keysOf())).to.equal("store-closed");
  });
});

function bytes(text: string | undefined): Buffer {
  return Buffer.from(text ?? "");
}
