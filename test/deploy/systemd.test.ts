import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { EXIT } from "../../src/commands/exit-code.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import { loadDeployed } from "./loaded-configuration.ts";

const UNIT = "deploy/systemd/logveil.service";
const unit = readFileSync(UNIT, "utf8");

/** Values of a directive, in order. */
function valuesOf(directive: string): readonly string[] {
  return [...unit.matchAll(/^([A-Z]\w*)=(.*)$/gm)].flatMap(([, name, value]) =>
    name === directive ? [value ?? ""] : [],
  );
}

describe("deploy/systemd", () => {
  const { proxy, vault, accessLog } = loadDeployed("deploy/systemd/config.yaml");

  /** Where this machine's node is, as systemd wants to see the command. */
  const onThisMachine = () =>
    unit.replaceAll("/usr/bin/node", process.execPath).replaceAll("/bin/kill", "/usr/bin/env");

  async function analyze(text: string, ...args: readonly string[]) {
    await using folder = await createTemporaryFolder();
    const file = join(folder.path, "logveil.service");
    await writeFile(file, text);
    return spawnSync("systemd-analyze", [...args, file], { encoding: "utf8" });
  }

  it("is a unit that systemd understands (skipped where it is not installed)", async function () {
    const checked = await analyze(onThisMachine(), "verify", "--man=no");
    if (checked.error !== undefined) this.skip();
    expect(checked.stderr).not.to.match(/logveil\.service/);
    expect(checked.status, checked.stderr).to.equal(0);
    const wrong = await analyze(onThisMachine().replace("PrivateTmp=", "PrivatTmp="), "verify");
    expect(wrong.stderr).to.match(/Unknown (?:key|lvalue).*PrivatTmp/);
  });

  it("exposes little, as systemd judges it (skipped where it is not installed)", async function () {
    const judged = await analyze(unit, "security", "--offline=true", "--threshold=20");
    if (judged.error !== undefined || /unrecognized option/.test(judged.stderr)) this.skip();
    expect(judged.status, judged.stdout.split("\n").slice(-3).join("\n")).to.equal(0);
  });

  it("has sections and directives of the right shape", () => {
    const lines = unit.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    for (const line of lines)
      expect(line).to.match(/^(?:\[(?:Unit|Service|Install)\]|[A-Z]\w*=.*)$/);
    const once = [...unit.matchAll(/^([A-Z]\w*)=/gm)].map(([, name]) => name);
    const repeated = once.filter((name, at) => once.indexOf(name) !== at);
    expect(new Set(repeated)).to.deep.equal(new Set(["SystemCallFilter"]));
  });

  it("writes where its configuration does, and nowhere else", () => {
    expect(vault.dataDir).to.equal(`/var/lib/${valuesOf("StateDirectory").join()}`);
    expect(
      accessLog.file.path.startsWith(`/var/log/${valuesOf("LogsDirectory").join()}/`),
    ).to.equal(true);
    expect(valuesOf("ProtectSystem")).to.deep.equal(["strict"]);
    expect(valuesOf("StateDirectoryMode")).to.deep.equal(["0700"]);
    expect(valuesOf("Environment").join()).to.include("LOGVEIL_CONFIG=/etc/logveil/config.yaml");
    expect(valuesOf("User")).not.to.deep.equal([]);
  });

  it("gives it time to drain, and does not try a broken configuration again", () => {
    expect(Number(valuesOf("TimeoutStopSec")[0]) * 1000).to.be.above(proxy.timeouts.drain);
    expect(valuesOf("RestartPreventExitStatus")).to.deep.equal([String(EXIT.configuration)]);
  });

  it("has file descriptors for all connections, on both sides", () => {
    expect(Number(valuesOf("LimitNOFILE")[0])).to.be.above(2 * proxy.limits.connections);
  });
});
