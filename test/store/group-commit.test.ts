import { expect } from "chai";
import { GroupCommit, MAX_WAITING_BYTES } from "../../src/store/group-commit.ts";
import type { Write } from "../../src/store/group-commit.ts";
import { codeOf, until } from "./store-folder.ts";

function write(word: string, bytes = 0): Write {
  const value = new Uint8Array(bytes);
  return { operations: [{ type: "put", key: Buffer.from(word), value }] };
}

/** A disk whose writes end when the test says so. */
class SlowDisk {
  readonly groups: string[][] = [];
  readonly commit = new GroupCommit((writes) => this.#store(writes));
  #end: PromiseWithResolvers<void> | undefined;

  async #store(writes: readonly Write[]): Promise<void> {
    if (this.#end !== undefined) throw new Error("two groups at once");
    const words = writes.map(({ operations }) => Buffer.from(operations[0]?.key ?? []).toString());
    this.groups.push(words);
    this.#end = Promise.withResolvers();
    await this.#end.promise.finally(() => (this.#end = undefined));
  }

  async finishGroup(error?: Error): Promise<void> {
    await until(() => this.#end !== undefined);
    if (error === undefined) this.#end?.resolve();
    else this.#end?.reject(error);
  }
}

describe("group commit", () => {
  it("puts what arrives while a write is under way into the next one", async () => {
    const disk = new SlowDisk();
    const first = disk.commit.add([write("a")]);
    await until(() => disk.groups.length === 1);
    const later = [disk.commit.add([write("b")]), disk.commit.add([write("c"), write("d")])];
    await disk.finishGroup();
    await first;
    await disk.finishGroup();
    await Promise.all(later);
    expect(disk.groups).to.deep.equal([["a"], ["b", "c", "d"]]);
  });

  it("resolves nothing before its group is stored", async () => {
    const disk = new SlowDisk();
    let isStored = false;
    const stored = disk.commit.add([write("a")]).then(() => (isStored = true));
    await until(() => disk.groups.length === 1);
    expect(isStored).to.equal(false);
    await disk.finishGroup();
    await stored;
  });

  it("rejects all of a failed group, and only that", async () => {
    const disk = new SlowDisk();
    const failed = [disk.commit.add([write("a")]), disk.commit.add([write("b")])];
    const outcomes = Promise.allSettled(failed);
    await until(() => disk.groups.length === 1);
    const next = disk.commit.add([write("c")]);
    await disk.finishGroup(new Error("full"));
    await disk.finishGroup();
    expect((await outcomes).map(({ status }) => status)).to.deep.equal(["rejected", "rejected"]);
    await next;
  });

  it("splits what has piled up into groups of bounded size", async () => {
    const disk = new SlowDisk();
    const all = ["a", "b", "c"].map((word) => disk.commit.add([write(word, 400 * 1024)]));
    await disk.finishGroup();
    await disk.finishGroup();
    await Promise.all(all);
    expect(disk.groups).to.deep.equal([["a", "b"], ["c"]]);
  });

  it("refuses what would pass its bound, and takes more when there is room again", async () => {
    const disk = new SlowDisk();
    const large = disk.commit.add([write("a", MAX_WAITING_BYTES - 1024)]);
    expect(await codeOf(disk.commit.add([write("b", 1024)]))).to.equal("store-unavailable");
    await until(() => disk.groups.length === 1);
    const small = disk.commit.add([write("c", 1024)]);
    await disk.finishGroup();
    await disk.finishGroup();
    await Promise.all([large, small]);
    expect(disk.groups).to.deep.equal([["a"], ["c"]]);
  });

  it("finishes what it has accepted when it closes, and accepts no more", async () => {
    const disk = new SlowDisk();
    const accepted = disk.commit.add([write("a")]);
    let isClosed = false;
    const closed = disk.commit.close().then(() => (isClosed = true));
    expect(await codeOf(disk.commit.add([write("b")]))).to.equal("store-closed");
    expect(isClosed).to.equal(false);
    await disk.finishGroup();
    await Promise.all([accepted, closed]);
    expect(disk.groups).to.deep.equal([["a"]]);
  });
});
