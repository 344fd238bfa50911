import { existsSync } from "node:fs";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { expect } from "chai";
import { createTemporaryFolder } from "./temporary-folder.ts";

describe("temporary folder", () => {
  it("is new, empty and private", async () => {
    await using first = await createTemporaryFolder();
    await using second = await createTemporaryFolder();
    expect(first.path).not.to.equal(second.path);
    expect(await readdir(first.path)).to.deep.equal([]);
    expect((await stat(first.path)).mode & 0o777).to.equal(0o700);
  });

  it("goes with all that is in it", async () => {
    const folder = await createTemporaryFolder();
    await mkdir(folder.file("a", "b"), { recursive: true });
    await writeFile(folder.file("a", "b", "c"), "x");
    await folder.remove();
    expect(existsSync(folder.path)).to.equal(false);
    await folder.remove();
  });
});
