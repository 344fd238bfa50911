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
      const acknowledged: SealedSession[] = [];
      const swept = new Set<number>();
      for (const round of [1, 2, 3, 4, 5]) {
        const lines = await appendAndKill(durability, round);
        for (const line of lines) {
          if (line.endsWith("swept")) swept.add(Number.parseInt(line, 10));
          else acknowledged.push(parseLine(line));
        }
        const store = await folder.open();
        const kept = acknowledged.filter(({ epoch }) => !swept.has(epoch));
        expect(await missingOf(store, kept)).to.deep.equal([]);
        expect(kept).to.not.have.length(0);
        await store.close();
      }
      expect(acknowledged.length).to.be.at.least(4000);
    });
  }

  it("is locked while that process lives", async () => {
    start("process");
    await until(() => acknowledged().length > 0);
    expect(await codeOf(folder.open())).to.equal("store-locked");
  });

  /** What the child had printed when it was killed, after at least 300 lines for each `round`. */
  async function appendAndKill(durability: string, round: number): Promise<readonly string[]> {
    const killed = start(durability, EPOCH + round * 1_000_000);
    const closed = once(killed, "close");
    await until(() => acknowledged().length >= round * 310);
    killed.kill("SIGKILL");
    await closed;
    return acknowledged();
  }

  /** Its output goes to a file, which takes every line at once; a pipe would be full at times. */
  function start(durability: string, firstEpoch = EPOCH): ChildProcess {
    const fd = openSync(output(), "w");
    child = spawn(process.execPath, [CHILD, folder.dir, durability, String(firstEpoch)], {
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
  const [epoch = "", tag = "", addressMac = "", record = ""] = line.split(" ");
  return {
    epoch: Number(epoch),
    tag: Buffer.from(tag, "hex"),
    addressMac: Buffer.from(addressMac, "hex"),
    record: Buffer.from(record, "hex"),
  };
}
