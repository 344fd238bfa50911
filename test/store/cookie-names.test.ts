import { expect } from "chai";
import { StoreFolder } from "./store-folder.ts";

describe("cookie names", () => {
  let folder: StoreFolder;

  beforeEach(() => {
    folder = new StoreFolder();
  });
  afterEach(() => folder.remove());

  it("remembers each name once, across a restart", async () => {
    const store = await folder.open();
    await Promise.all(["sid", "lang", "sid", "größe"].map((name) => store.names.add(name)));
    await store.names.add("sid");
    await store.close();
    const reopened = await folder.open();
    expect(await reopened.names.list()).to.have.members(["sid", "lang", "größe"]);
  });

  it("remembers a thousand at most, and none longer than 256 characters", async () => {
    const store = await folder.open();
    await store.names.add("x".repeat(257));
    const names = Array.from({ length: 1100 }, (_, index) => `name-${index}`);
    await Promise.all(names.map((name) => store.names.add(name)));
    await store.close();
    const reopened = await folder.open();
    expect(await reopened.names.list()).to.have.members(names.slice(0, 1000));
  });
});
