import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { openPersonal } from "../../src/audit/event.ts";
import type { AuditRecord } from "../../src/audit/event.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";
import { eventually } from "../kit/eventually.ts";
import { openUserStore } from "./user-store.ts";

const CHILD = fileURLToPath(new URL("users-child.ts", import.meta.url));
type Line = readonly [
  what: "created" | "changed" | "erased",
  token: string,
  login: string,
  n: number,
];
type OpenedStore = Awaited<ReturnType<typeof openUserStore>>;

describe("users of a process that is killed", () => {
  let folder: TemporaryFolder;
  let child: ChildProcess | undefined;
  beforeEach(async () => {
    folder = await createTemporaryFolder();
  });
  afterEach(async () => {
    child?.kill("SIGKILL");
    await folder.remove();
  });

  it("agree with the index, the keys and the trail, and nothing acknowledged is lost", async () => {
    const said = new Map<string, Line>();
    for (const round of [1, 2, 3]) {
      for (const line of await liveAndDie(`r${round}`, round * 40)) said.set(line[1], line);
      const opened = await openUserStore(folder.file("data"));
      await opened.doomedKeys.sweep();
      await opened.erasure.resume();
      expect((await opened.trail.verify()).isIntact).to.equal(true);
      await everythingAgrees(opened);
      for (const line of said.values()) await isAsSaid(opened, line);
      await opened.close();
    }
  });

  /** What was acknowledged before the process was killed, after at least `lines` operations. */
  async function liveAndDie(name: string, lines: number): Promise<readonly Line[]> {
    const output = folder.file("acknowledged");
    const fd = openSync(output, "w");
    const started = spawn(process.execPath, [CHILD, folder.file("data"), name], {
      stdio: ["ignore", fd, "inherit"],
    });
    child = started;
    closeSync(fd);
    const acknowledged = () => readFileSync(output, "utf8").split("\n").slice(0, -1);
    await eventually(`${lines} operations`, () => acknowledged().length >= lines || undefined);
    const closed = once(started, "close");
    started.kill("SIGKILL");
    await closed;
    return acknowledged().map((line) => JSON.parse(line) as Line);
  }
});

async function isAsSaid({ directory }: OpenedStore, [what, token, login, n]: Line): Promise<void> {
  const user = await directory.find(token);
  const profile = await directory.profileOf(token);
  // One more than was acknowledged may have been stored.
  if (what === "erased" || profile === undefined) {
    expect(user?.isErased).to.equal(true);
    return;
  }
  expect(Number(profile["n"])).to.be.within(n, n + 1);
  if (profile["n"] === n) expect(await directory.resolve("login", login)).to.equal(token);
}

async function everythingAgrees({
  documents,
  directory,
  index,
  keyring,
  trail,
}: OpenedStore): Promise<void> {
  const byUser = Map.groupBy(await allEvents(trail), ({ subject }) => subject);
  const expectedIndex: string[] = [];
  const users = await documents.list("user", { limit: 10_000 });
  for (const { key: token } of users) {
    const user = await directory.find(token);
    const events = byUser.get(token) ?? [];
    const [newest] = events;
    expect(events.length, "events").to.equal(user?.counter);
    const key = await keyring.subjects.find(`user:${token}`);
    if (user?.isErased === true) {
      expect([key, newest?.title]).to.deep.equal([undefined, "delete user record by token"]);
      continue;
    }
    const profile = await directory.profileOf(token);
    expect(newest && key && openPersonal(newest, key).after).to.deep.equal(profile);
    expect(user?.indexKeys).to.deep.equal([...index.keysOf(profile ?? {}).values()]);
    expectedIndex.push(...(user?.indexKeys ?? []));
  }
  const stored = (await documents.list("userIndex", { limit: 10_000 })).map(({ key }) => key);
  expect(stored).to.deep.equal(expectedIndex.toSorted());
  expect(new Set(byUser.keys())).to.deep.equal(new Set(users.map(({ key }) => key)));
}

/** Newest first. */
async function allEvents(trail: OpenedStore["trail"]): Promise<readonly AuditRecord[]> {
  return (await trail.list({ offset: 0, limit: 10_000 })).rows;
}
