import { writeFile } from "node:fs/promises";
import { expect } from "chai";
import { check } from "../../src/commands/check.ts";
import { runCommand } from "../kit/command-run.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";

describe("logveil check", () => {
  let folder: TemporaryFolder;
  let file: string;
  beforeEach(async () => {
    folder = await createTemporaryFolder();
    file = folder.file("config.yaml");
  });
  afterEach(() => folder.remove());

  it("is content with an empty file", async () => {
    await writeFile(file, "");
    const { code, stdout, stderr } = await runCommand(check, ["--config", file]);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    expect(stdout).to.equal("the configuration is valid\n");
  });

  it("names every problem at once with its path, and exits 78", async () => {
    await writeFile(file, "proxy: { listen: nowhere }\nsession: { rotate: soon }\nextra: 1\n");
    const { code, stdout, stderr } = await runCommand(check, ["--config", file]);
    expect({ code, stdout }).to.deep.equal({ code: 78, stdout: "" });
    for (const path of ["proxy.listen", "session.rotate", "extra"]) expect(stderr).to.include(path);
    expect(stderr.trim().split("\n")).to.have.length(3);
  });

  it("takes the file's name from LOGVEIL_CONFIG too", async () => {
    await writeFile(file, "extra: 1\n");
    const environment = { LOGVEIL_CONFIG: file };
    expect((await runCommand(check, [], { environment })).code).to.equal(78);
  });

  it("does without config.yaml, and not without a file that was named", async () => {
    expect((await runCommand(check, ["--config", folder.file("gone.yaml")])).code).to.equal(78);
    const environment = { LOGVEIL_CONFIG: folder.file("gone.yaml") };
    const { code, stderr } = await runCommand(check, [], { environment });
    expect(code).to.equal(78);
    expect(stderr).to.include("does not exist");
  });

  it("finds what the environment sets", async () => {
    await writeFile(file, "");
    const environment = { LOGVEIL_SESSION_ROTATE: "planted-canary" };
    const { code, stderr } = await runCommand(check, ["--config", file], { environment });
    expect(code).to.equal(78);
    expect(stderr).to.include("LOGVEIL_SESSION_ROTATE").and.not.to.include("canary");
  });

  it("warns about what is valid and unusual, and exits 0", async () => {
    await writeFile(file, "session: { retention: 1h }\n");
    const { code, stderr } = await runCommand(check, ["--config", file]);
    expect(code).to.equal(0);
    expect(stderr).to.include("session.retention");
  });

  it("says how it is used when it is used otherwise", async () => {
    for (const args of [["--nonsense-canary"], ["--config"], ["file"]]) {
      const { code, stdout, stderr } = await runCommand(check, args);
      expect(code, args.join(" ")).to.equal(2);
      expect(stdout).to.equal("");
      expect(stderr).to.include("logveil check").and.not.to.include("canary");
    }
    const help = await runCommand(check, ["--help"]);
    expect(help.code).to.equal(0);
    expect(help.stdout).to.include("logveil check");
  });
});
