import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { createHandClock } from "../kit/hand-clock.ts";
import type { HandClock } from "../kit/hand-clock.ts";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import type { EchoUpstream } from "../kit/echo-upstream.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SETTINGS = {
  session: { rotate: "24h", retention: "30d" },
  // One file for the whole test, however far its clock goes.
  accessLog: { file: { rotate: "3650d", keep: "3650d" } },
};
/** The clock starts at noon: the epoch ends 12 hours later, its token expires 30 days after that. */
const UNTIL_EXPIRY = 30 * DAY + 12 * HOUR;

describe("guarantee: expired is gone", () => {
  let clock: HandClock;
  let upstream: EchoUpstream;
  let folder: TemporaryFolder;
  let sidecar: RunningSidecar;

  const start = async () =>
    startRunningSidecar({ upstream: upstream.url, clock, settings: SETTINGS, folder: folder.path });

  let visits: number;
  const visit = async () => {
    visits += 1;
    await fetch(sidecar.proxyUrl, { headers: { "User-Agent": "planted-agent/1" } });
    const lines = await sidecar.logLines(visits);
    return String(lines.at(-1)?.["session.id"]);
  };

  beforeEach(async () => {
    visits = 0;
    clock = createHandClock();
    upstream = await startEchoUpstream();
    folder = await createTemporaryFolder();
    sidecar = await start();
  });

  afterEach(async () => {
    await sidecar.close();
    await upstream.close();
    await folder.remove();
  });

  it("a token can be looked up until its epoch expires, and not an instant longer", async () => {
    const token = await visit();
    clock.advance(UNTIL_EXPIRY - 1);
    expect((await sidecar.lookUp(token)).body.data?.["user-agent"]).to.equal("planted-agent/1");
    clock.advance(1);
    const { status, body } = await sidecar.lookUp(token);
    expect(status).to.equal(405);
    expect(body).to.deep.equal({ status: "error", message: "not found" });
  });

  it("an expired token answers like one that never was", async () => {
    const token = await visit();
    clock.advance(UNTIL_EXPIRY);
    const never = await sidecar.lookUp(token.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")));
    expect(await sidecar.lookUp(token)).to.deep.equal(never);
  });

  it("setting the clock back revives nothing, before and after a restart", async () => {
    const token = await visit();
    clock.advance(UNTIL_EXPIRY);
    await sidecar.sidecar.sweep();
    clock.jumpTo(clock.now() - UNTIL_EXPIRY);
    expect((await sidecar.lookUp(token)).status).to.equal(405);
    await sidecar.close();
    sidecar = await start();
    expect((await sidecar.lookUp(token)).status).to.equal(405);
    const again = await visit();
    expect(again.slice(0, 8)).to.not.equal(token.slice(0, 8));
  });

  it("the epoch's key is in no file any more, and its records neither", async () => {
    const token = await visit();
    const epoch = Number.parseInt(token.slice(0, 8), 16);
    const wrapped = readFileSync(
      join(sidecar.files.dataDir, "keyring", "epochs", `${String(epoch)}.key`),
    );
    clock.advance(UNTIL_EXPIRY);
    await sidecar.sidecar.sweep();
    await sidecar.close();
    // The wrapped secret is the file's end; its beginning names the format and the epoch.
    const secret = wrapped.subarray(-32);
    for (const file of filesOf(folder.path))
      expect(readFileSync(file).includes(secret), file).to.equal(false);
    expect(filesOf(join(sidecar.files.dataDir, "keyring", "epochs"))).to.deep.equal([]);
  });

  it("a copy of the database made before does not help without the key", async () => {
    const token = await visit();
    await sidecar.close();
    const { cp, rm } = await import("node:fs/promises");
    const backup = folder.file("backup");
    await cp(join(folder.path, "data", "store"), backup, { recursive: true });
    sidecar = await start();
    clock.advance(UNTIL_EXPIRY);
    await sidecar.sidecar.sweep();
    await sidecar.close();
    await rm(join(folder.path, "data", "store"), { recursive: true });
    await cp(backup, join(folder.path, "data", "store"), { recursive: true });
    sidecar = await start();
    expect((await sidecar.lookUp(token)).status).to.equal(405);
  });

  it("what has not expired stays, whatever expires around it", async () => {
    const first = await visit();
    clock.advance(DAY);
    const second = await visit();
    expect(second).to.not.equal(first);
    clock.advance(UNTIL_EXPIRY - DAY);
    await sidecar.sidecar.sweep();
    expect((await sidecar.lookUp(first)).status).to.equal(405);
    expect((await sidecar.lookUp(second)).status).to.equal(200);
  });
});

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
