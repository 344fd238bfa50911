import { expect } from "chai";
import { masterKeyIdOf, MasterKeys } from "../../src/keys/key-wrapping.ts";
import { systemFileSteps, type FileSteps } from "../../src/keys/file-steps.ts";
import {
  HandMovedClock,
  KEY_A,
  KEY_B,
  MONDAY,
  codeOf,
  fingerprint,
  keyringAt,
  readTree,
  withFolder,
} from "./keyring-fixture.ts";

const idOf = (key: Buffer) =>
  Buffer.from(masterKeyIdOf(new MasterKeys(key).wrap("check", Buffer.alloc(0), key)), "hex");

describe("rotation of the master key", () => {
  const clock = new HandMovedClock();

  it("leaves nothing under the key before, and says how much it re-wrapped", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      const key = await fingerprint(keyring, MONDAY);
      const alice = await keyring.subjects.create("alice");
      // An epoch, a data subject, the index key, the check.
      expect(await keyring.rotate(KEY_B)).to.equal(4);
      for (const [name, content] of await readTree(dir)) {
        expect(content.includes(idOf(KEY_A)), name).to.equal(false);
      }
      expect(await keyring.status()).to.include({
        masterKeyId: idOf(KEY_B).toString("hex"),
        subjectKeys: 1,
      });
      expect(keyring.epochs()[0]?.masterKeyId).to.equal(idOf(KEY_B).toString("hex"));
      const restarted = await keyringAt(dir, clock, { masterKey: KEY_B });
      expect(await fingerprint(restarted, MONDAY)).to.equal(key);
      expect(await restarted.subjects.find("alice")).to.deep.equal(alice);
      expect(await codeOf(keyringAt(dir, clock))).to.equal("key-wrong");
    }));

  it("serves while it runs, and wraps what is new under the new key", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      const key = await fingerprint(keyring, MONDAY);
      const people = Array.from({ length: 60 }, (_, i) => `person ${i}`);
      const keys = await Promise.all(people.map((person) => keyring.subjects.create(person)));
      const progress = { isOver: false };
      const rotation = keyring.rotate(KEY_B).finally(() => {
        progress.isOver = true;
      });
      let added = 0;
      while (!progress.isOver) {
        const at = added % people.length;
        expect(await keyring.subjects.find(people[at] ?? "")).to.deep.equal(keys[at]);
        expect(await fingerprint(keyring, MONDAY)).to.equal(key);
        await keyring.openerOf(MONDAY);
        await keyring.subjects.create(`newcomer ${added}`);
        added += 1;
      }
      await rotation;
      await keyring.materialOf(MONDAY + 86_400);
      await keyring.close();
      const restarted = await keyringAt(dir, clock, { masterKey: KEY_B });
      for (let i = 0; i < added; i += 1) {
        expect(await restarted.subjects.find(`newcomer ${i}`)).to.have.length(32);
      }
      for (const [name, content] of await readTree(dir)) {
        expect(content.includes(idOf(KEY_A)), name).to.equal(false);
      }
    }));

  it("re-wraps what was being created when it began", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      const created = Promise.all([
        keyring.materialOf(MONDAY),
        ...Array.from({ length: 20 }, (_, i) => keyring.subjects.create(`person ${i}`)),
      ]);
      await Promise.all([created, keyring.rotate(KEY_B)]);
      const restarted = await keyringAt(dir, clock, { masterKey: KEY_B });
      await restarted.materialOf(MONDAY);
      for (let i = 0; i < 20; i += 1) {
        expect(await restarted.subjects.find(`person ${i}`)).to.have.length(32);
      }
    }));

  it("waits for a write that began under the key before, in a shard that is not there yet", () =>
    withFolder(async (dir) => {
      const held = Promise.withResolvers<void>();
      const steps: FileSteps = {
        ...systemFileSteps,
        append: async (...write) => {
          await held.promise;
          await systemFileSteps.append(...write);
        },
      };
      const keyring = await keyringAt(dir, clock, { steps });
      const created = keyring.subjects.create("alice");
      const rotation = keyring.rotate(KEY_B);
      // As many replaced files as give a rotation that does not wait the time to finish.
      for (let i = 1; i <= 40; i += 1) await keyring.advanceHighWater(i);
      held.resolve();
      const alice = await created;
      await rotation;
      const restarted = await keyringAt(dir, clock, { masterKey: KEY_B });
      expect(await restarted.subjects.find("alice")).to.deep.equal(alice);
    }));

  it("goes on after a disk that was full", () =>
    withFolder(async (dir) => {
      let isFull = false;
      const steps: FileSteps = {
        ...systemFileSteps,
        create: async (path, content) => {
          if (isFull && path.includes("subjects")) throw new Error("disk full");
          await systemFileSteps.create(path, content);
        },
      };
      const keyring = await keyringAt(dir, clock, { steps });
      const key = await fingerprint(keyring, MONDAY);
      const alice = await keyring.subjects.create("alice");
      isFull = true;
      expect(await keyring.rotate(KEY_B).catch(String)).to.equal("Error: disk full");
      expect(await fingerprint(keyring, MONDAY)).to.equal(key);
      expect(await keyring.subjects.find("alice")).to.deep.equal(alice);
      isFull = false;
      await keyring.rotate(KEY_B);
      const restarted = await keyringAt(dir, clock, { masterKey: KEY_B });
      expect(await restarted.subjects.find("alice")).to.deep.equal(alice);
    }));

  it("refuses a key of another length and changes nothing", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      const before = await readTree(dir);
      expect(await codeOf(keyring.rotate(Buffer.alloc(16)))).to.equal("key-invalid");
      expect(await readTree(dir)).to.deep.equal(before);
    }));
});
