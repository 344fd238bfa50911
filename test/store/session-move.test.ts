import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { openDatabaseFiles } from "../../src/store/database-files.ts";
import {
  addressKey,
  addressRange,
  metaKey,
  nameKey,
  sessionKey,
  sessionRange,
} from "../../src/store/key-layout.ts";
import type { SealedSession } from "../../src/store/session-sink.ts";
import { EPOCH, StoreFolder, missingOf, sessions } from "./store-folder.ts";

describe("store of format 1, with the sessions in its main database", () => {
  let folder: StoreFolder;
  const all = [
    ...sessions(2500),
    ...sessions(3, { epoch: 0 }),
    ...sessions(10, { epoch: EPOCH + 1 }),
    ...sessions(1, { epoch: 0xffff_ffff }),
  ];

  beforeEach(async () => {
    folder = new StoreFolder();
    await writeFormat1(all);
  });
  afterEach(() => folder.remove());

  it("gives all of them back, from their epochs' databases", async () => {
    const store = await folder.open();
    expect(await missingOf(store, all)).to.deep.equal([]);
    expect(await store.names.list()).to.deep.equal(["sid"]);
    const [first] = all;
    expect(await store.sessions.tagsOfAddress(EPOCH, first?.addressMac ?? Buffer.of()))
      .to.have //
      .length(1);
    await store.sessions.sweepEpoch(EPOCH);
    expect(await store.sessions.count()).to.equal(14);
    await store.close();
    expect(await inMain()).to.deep.equal({ format: "02", sessions: 0 });
    const again = await folder.open();
    expect(await missingOf(again, all)).to.have.length(2500);
  });

  it("begins again when that was cut short", async () => {
    const store = join(folder.dir, "store");
    const copy = join(folder.dir, "copy");
    cpSync(store, copy, { recursive: true });
    await (await folder.open()).close();
    // The main database as it was before, with epochs' databases whole, without their last records, half created, and not begun.
    for (const name of readdirSync(store).filter((each) => each !== "epochs"))
      rmSync(join(store, name));
    cpSync(copy, store, { recursive: true });
    rmSync(join(store, "epochs", "0", "CURRENT"));
    for (const name of readdirSync(join(store, "epochs", "0")))
      if (/\.(?:log|ldb)$/.test(name)) rmSync(join(store, "epochs", "0", name));
    rmSync(join(store, "epochs", String(EPOCH + 1)), { recursive: true });
    expect(await missingOf(await folder.open(), all)).to.deep.equal([]);
  });

  async function writeFormat1(stored: readonly SealedSession[]): Promise<void> {
    const level = await openDatabaseFiles(folder.dir);
    await level.put(metaKey("format"), Buffer.of(1));
    await level.put(nameKey("sid"), Buffer.of());
    for (const { epoch, tag, addressMac, record } of stored) {
      await level.batch([
        { type: "put", key: sessionKey(epoch, tag), value: addressMac },
        { type: "put", key: addressKey(epoch, addressMac, tag), value: record },
      ]);
    }
    await level.close();
  }

  async function inMain(): Promise<{ readonly format: string; readonly sessions: number }> {
    const level = await openDatabaseFiles(folder.dir);
    const format = Buffer.from((await level.get(metaKey("format"))) ?? []).toString("hex");
    const left = [sessionRange(), addressRange()].map((range) => level.keys(range).all());
    const count = (await Promise.all(left)).flat().length;
    await level.close();
    return { format, sessions: count };
  }
});
