import { mkdir, writeFile } from "node:fs/promises";
import { expect } from "chai";
import { contentOf } from "../../bench/answer.ts";
import { summariseLogs } from "../../bench/log-files.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";

describe("bench log files", () => {
  it("counts the lines of every file, rotated ones included", async () => {
    await using folder = await createTemporaryFolder();
    await mkdir(folder.file("old"));
    await writeFile(folder.file("access.log"), "one\ntwo\n");
    await writeFile(folder.file("old", "access.log.1"), "three\nunfinished");
    expect(await summariseLogs(folder.path)).to.deep.equal({ lines: 3, address: undefined });
  });

  it("shows an address, and takes neither a version nor a token for one", async () => {
    await using folder = await createTemporaryFolder();
    const harmless = '"agent":"Chrome/131.0.6778.86","client.address":"fd6b:df:86:4290::71ad"\n';
    await writeFile(folder.file("access.log"), harmless);
    expect((await summariseLogs(folder.path)).address).to.equal(undefined);
    await writeFile(folder.file("access.log"), `${harmless}"client.address":"198.51.100.7"\n`);
    expect((await summariseLogs(folder.path)).address).to.include("198.51.100.7");
  });
});

describe("bench contents", () => {
  it("has as many bytes as asked for, and no line twice", () => {
    for (const bytes of [0, 1, 100, 1024, 65_536]) expect(contentOf(bytes)).to.have.length(bytes);
    const lines = contentOf(65_536).toString().split("\n").slice(0, -1);
    expect(new Set(lines)).to.have.property("size", lines.length);
  });
});
