import { appendFile, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { ENTRY_BYTES } from "../../src/keys/subject-shard.ts";
import type { Keyring } from "../../src/keys/keyring.ts";
import {
  HandMovedClock,
  MONDAY_MS,
  codeOf,
  keyringAt,
  readTree,
  withFolder,
} from "./keyring-fixture.ts";

describe("keys of data subjects", () => {
  let clock: HandMovedClock;
  beforeEach(() => {
    clock = new HandMovedClock();
  });

  const withKeyring = (use: (keyring: Keyring, dir: string) => Promise<void>) =>
    withFolder(async (dir) => use(await keyringAt(dir, clock), dir));
  const shards = async (dir: string) => [...(await readTree(join(dir, "subjects")))];

  /** Two names that live in one shard, found by trying. */
  async function neighbours(keyring: Keyring, dir: string): Promise<[string, string, string]> {
    await keyring.subjects.create("first");
    for (let i = 0; ; i += 1) {
      await keyring.subjects.create(`other ${i}`);
      const shared = (await shards(dir)).find(([, content]) => content.length > ENTRY_BYTES);
      if (shared === undefined) continue;
      for (let j = 0; j < i; j += 1) {
        const before = (await readFile(join(dir, "subjects", shared[0]))).length;
        if (!(await keyring.subjects.destroy(`other ${j}`))) continue;
        const after = await readFile(join(dir, "subjects", shared[0]));
        await keyring.subjects.create(`other ${j}`);
        if (after.length < before)
          return [`other ${j}`, `other ${i}`, join(dir, "subjects", shared[0])];
      }
      return ["first", `other ${i}`, join(dir, "subjects", shared[0])];
    }
  }

  it("are created once, found, and the same after a restart", () =>
    withKeyring(async (keyring, dir) => {
      const asked = Array.from({ length: 10 }, () => keyring.subjects.create("alice"));
      const keys = await Promise.all(asked);
      expect(new Set(keys.map((key) => key.toString("hex"))).size).to.equal(1);
      expect(keys[0]).to.have.length(32);
      expect(await keyring.subjects.create("alice")).to.deep.equal(keys[0]);
      expect(await keyring.subjects.find("bob")).to.equal(undefined);
      const restarted = await keyringAt(dir, clock);
      expect(await restarted.subjects.find("alice")).to.deep.equal(keys[0]);
    }));

  it("are gone once destroyed, from memory and from the folder", () =>
    withKeyring(async (keyring, dir) => {
      const key = await keyring.subjects.create("alice");
      await keyring.subjects.find("alice");
      const wrapped = (await shards(dir))[0]?.[1].subarray(28) ?? Buffer.alloc(0);
      expect(await keyring.subjects.destroy("alice")).to.equal(true);
      expect(await keyring.subjects.destroy("alice")).to.equal(false);
      expect(await keyring.subjects.find("alice")).to.equal(undefined);
      for (const [, content] of await readTree(dir)) {
        expect(content.includes(wrapped)).to.equal(false);
      }
      expect(await keyring.subjects.create("alice")).not.to.deep.equal(key);
    }));

  it("expire, are refused at once and swept later", () =>
    withKeyring(async (keyring) => {
      const key = await keyring.subjects.create("visit", MONDAY_MS + 1000);
      await keyring.subjects.create("alice");
      expect(await keyring.subjects.create("visit", MONDAY_MS + 2000)).to.deep.equal(key);
      clock.ms = MONDAY_MS + 1500;
      expect(await keyring.subjects.create("visit")).to.deep.equal(key);
      expect(await keyring.subjects.sweep(clock.ms)).to.equal(0);
      clock.ms = MONDAY_MS + 2000;
      expect(await keyring.subjects.find("visit")).to.equal(undefined);
      expect(await keyring.subjects.create("visit", MONDAY_MS + 3000)).not.to.deep.equal(key);
      expect(await keyring.subjects.sweep(MONDAY_MS + 3000)).to.equal(1);
      expect(await keyring.subjects.sweep(MONDAY_MS + 3000)).to.equal(0);
      expect(await keyring.subjects.find("alice")).to.have.length(32);
    }));

  it("of one shard survive the erasure of a neighbour", () =>
    withKeyring(async (keyring, dir) => {
      const [one, other] = await neighbours(keyring, dir);
      const key = await keyring.subjects.find(one);
      await keyring.subjects.destroy(other);
      expect(await keyring.subjects.find(one)).to.deep.equal(key);
      expect(await keyring.subjects.find(other)).to.equal(undefined);
    }));

  for (const [what, tear] of Object.entries({
    "a part of an entry": (path: string) => appendFile(path, Buffer.alloc(40, 7)),
    zeros: (path: string) => appendFile(path, Buffer.alloc(3 * ENTRY_BYTES)),
    "zeros and a part": (path: string) => appendFile(path, Buffer.alloc(ENTRY_BYTES + 3)),
  })) {
    it(`are found in front of a torn tail of ${what}, and the next write takes it away`, () =>
      withKeyring(async (keyring, dir) => {
        const key = await keyring.subjects.create("alice");
        const path = join(dir, "subjects", (await shards(dir))[0]?.[0] ?? "");
        await tear(path);
        const restarted = await keyringAt(dir, clock);
        expect(await restarted.subjects.find("alice")).to.deep.equal(key);
        await restarted.subjects.create("alice", MONDAY_MS + 1000);
        expect(await readFile(path)).to.have.length(ENTRY_BYTES);
        expect(await restarted.subjects.find("alice")).to.deep.equal(key);
      }));
  }

  it("are lost with a torn last entry only, and damage before it is told", () =>
    withKeyring(async (keyring, dir) => {
      const [one, other, path] = await neighbours(keyring, dir);
      const whole = await readFile(path);
      const isFirst = async (name: string) => {
        await writeFile(path, whole.subarray(0, ENTRY_BYTES));
        const found = await keyring.subjects.find(name);
        await writeFile(path, whole);
        return found !== undefined;
      };
      const [first, last] = (await isFirst(one)) ? [one, other] : [other, one];
      const damage = async (at: number) => {
        const damaged = Buffer.from(whole);
        damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
        await writeFile(path, damaged);
      };
      await damage(2 * ENTRY_BYTES - 1);
      const torn = await keyringAt(dir, clock);
      expect(await torn.subjects.find(first)).to.have.length(32);
      expect(await torn.subjects.find(last)).to.equal(undefined);
      await damage(ENTRY_BYTES - 1);
      const damaged = await keyringAt(dir, clock);
      expect(await codeOf(damaged.subjects.find(first))).to.equal("keyring-corrupt");
      expect(await codeOf(damaged.subjects.create(first))).to.equal("keyring-corrupt");
      expect(await damaged.subjects.find(last)).to.have.length(32);
      await truncate(path, 0);
      expect(await damaged.subjects.find(last)).to.equal(undefined);
    }));

  it("are committed in groups: many at once take few writes", () =>
    withFolder(async (dir) => {
      const { systemFileSteps } = await import("../../src/keys/file-steps.ts");
      let writes = 0;
      const steps = {
        ...systemFileSteps,
        create: async (path: string, content: Uint8Array) => {
          writes += 1;
          await systemFileSteps.create(path, content);
        },
      };
      const keyring = await keyringAt(dir, clock, { steps });
      await keyring.subjects.create("alice", MONDAY_MS + 1);
      writes = 0;
      const changes = Array.from({ length: 50 }, (_, i) =>
        keyring.subjects.create("alice", MONDAY_MS + 100 + i),
      );
      await Promise.all(changes);
      expect(writes).to.equal(2);
      clock.ms = MONDAY_MS + 148;
      expect(await keyring.subjects.find("alice"), "the last one counts").to.have.length(32);
    }));

  it("are in the folder neither in clear nor under the person's name", () =>
    withKeyring(async (keyring, dir) => {
      const { tokenKey } = await keyring.materialOf(MONDAY_MS / 1000);
      const key = await keyring.subjects.create("alice@example.org");
      for (const [name, content] of await readTree(dir)) {
        for (const secret of [key, tokenKey.export(), keyring.auditKey.export()]) {
          expect(content.includes(secret), name).to.equal(false);
          expect(content.includes(secret.toString("hex")), name).to.equal(false);
          expect(content.includes(secret.toString("base64")), name).to.equal(false);
        }
        expect(`${name} ${content.toString("latin1")}`).not.to.include("alice");
      }
    }));
});
