import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { SealedSession } from "../../src/store/session-sink.ts";
import { EPOCH, StoreFolder, codeOf, missingOf, until } from "./store-folder.ts";

const CHILD = fileURLToPath(new URL("appending-child.ts", import.meta.url));

describe("store of a process that is killed", () => {
  let folder: StoreFolder;
  let child: ChildProcess | undefined;

  beforeEach(() => {
    folder = new StoreFolder();
  });
  afterEach(async () => {
    child?.kill("SIGKILL");
    await folder.remove();
  });

  for (const durability of ["process", "disk"]) {
    it(`has lost nothing that was acknowledged, durability ${durability}`, async () => {
      const all: SealedSession[] = [];
      for (const round of [1, 2, 3, 4, 5]) {
        all.push(...(await appendAndKill(durability, round * 300)));
        const store = await folder.open();
        expect(await missingOf(store, all)).to.deep.equal([]);
        await store.close();
      }
      expect(all.length).to.be.at.least(4500);
    });
  }

  it("is locked while that process lives", async () => {
    start("process");
    await until(() => acknowledged().length > 0);
    expect(await codeOf(folder.open())).to.equal("store-locked");
  });

  /** What the child had acknowledged when it was killed, after at least `lines` sessions. */
  async function appendAndKill(
    durability: string,
    lines: number,
  ): Promise<readonly SealedSession[]> {
    const killed = start(durability);
    const closed = once(killed, "close");
    await until(() => acknowledged().length >= lines);
    killed.kill("SIGKILL");
    await closed;
    return acknowledged().map(parseLine);
  }

  /** Its output goes to a file, which takes every line at once; a pipe would be full at times. */
  function start(durability: string): ChildProcess {
    const fd = openSync(output(), "w");
    child = spawn(process.execPath, [CHILD, folder.dir, durability], {
      stdio: ["ignore", fd, "inherit"],
    });
    closeSync(fd);
    return child;
  }

  function acknowledged(): readonly string[] {
    return readFileSync(output(), "latin1").split("\n").slice(0, -1);
  }

  function output(): string {
    return join(folder.dir, "acknowledged");
  }
});

function parseLine(line: string): SealedSession {
  const [tag = "", addressMac = "", record = ""] = line.split(" ");
  return {
    epoch: EPOCH,
    tag: Buffer.from(tag, "hex"),
    addressMac: Buffer.from(addressMac, "hex"),
    record: Buffer.from(record, "hex"),
  };
}
