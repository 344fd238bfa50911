import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { Keyring } from "../../src/keys/keyring.ts";
import {
  DAY_MS,
  HandMovedClock,
  KEY_A,
  KEY_B,
  MONDAY,
  MONDAY_MS,
  atEveryStep,
  codeOf,
  fingerprint,
  keyringAt,
  readTree,
  withFolder,
} from "./keyring-fixture.ts";

const PEOPLE = ["alice", "bob", "carol", "dan", "erin"];

async function fill(keyring: Keyring): Promise<void> {
  for (const epoch of [MONDAY, MONDAY + 86_400]) await keyring.materialOf(epoch);
  for (const person of PEOPLE) await keyring.subjects.create(person);
}

/** Everything the keyring knows, to compare. */
async function contentOf(keyring: Keyring): Promise<unknown> {
  const epochs = keyring.epochs().map(({ epoch }) => epoch);
  const people = PEOPLE.map((person) => keyring.subjects.find(person));
  return {
    epochs: await Promise.all(epochs.map((epoch) => fingerprint(keyring, epoch))),
    people: (await Promise.all(people)).map((key) => key?.toString("hex")),
    blindIndex: keyring.blindIndexKey.export().toString("hex"),
  };
}

/** A copy of `from` for each run, in folders side by side. */
async function copyFor(root: string, run: number, from: string): Promise<string> {
  const dir = join(root, `run-${run}`);
  await cp(from, dir, { recursive: true });
  return dir;
}

describe("keyring stopped between any two steps", () => {
  let clock: HandMovedClock;
  beforeEach(() => {
    clock = new HandMovedClock();
  });

  it("while it is created: opens, and an epoch that was handed out keeps its key", () =>
    withFolder(async (root) => {
      let handedOut: string | undefined;
      const runs = await atEveryStep(
        async (steps, run) => {
          handedOut = undefined;
          const keyring = await keyringAt(join(root, String(run)), clock, { steps });
          handedOut = await fingerprint(keyring, MONDAY);
        },
        async (run) => {
          const keyring = await keyringAt(join(root, String(run)), clock);
          const key = await fingerprint(keyring, MONDAY);
          if (handedOut !== undefined) expect(key).to.equal(handedOut);
          const names = [...(await readTree(join(root, String(run)))).keys()];
          expect(names.filter((name) => name.endsWith(".tmp"))).to.deep.equal([]);
        },
      );
      expect(runs).to.be.greaterThan(15);
    }));

  it("while it destroys: the epoch is gone or whole, and never another one", () =>
    withFolder(async (root) => {
      const original = join(root, "original");
      const before = await keyringAt(original, clock);
      await before.materialOf(MONDAY);
      const key = await fingerprint(before, MONDAY);
      const runs = await atEveryStep(
        async (steps, run) => {
          clock.ms = MONDAY_MS + 8 * DAY_MS;
          const dir = await copyFor(root, run, original);
          await (await keyringAt(dir, clock, { steps })).destroyExpired();
        },
        async (run) => {
          const dir = join(root, `run-${run}`);
          clock.ms = MONDAY_MS;
          const early = await keyringAt(dir, clock);
          const found = await fingerprint(early, MONDAY).catch(() => "expired");
          expect(found).to.be.oneOf([key, "expired"]);
          clock.ms = MONDAY_MS + 8 * DAY_MS;
          const late = await keyringAt(dir, clock);
          expect(await codeOf(late.openerOf(MONDAY))).to.equal("epoch-expired");
          expect(await late.destroyExpired()).to.deep.equal([MONDAY]);
          expect(late.epochs()).to.deep.equal([]);
          expect([...(await readTree(join(dir, "epochs"))).keys()]).to.deep.equal([]);
        },
      );
      expect(runs).to.be.greaterThan(8);
    }));

  it("while it rotates: opens with both keys, either way round, and finishes", () =>
    withFolder(async (root) => {
      const original = join(root, "original");
      const before = await keyringAt(original, clock);
      await fill(before);
      const content = await contentOf(before);
      const runs = await atEveryStep(
        async (steps, run) => {
          const dir = await copyFor(root, run, original);
          await (await keyringAt(dir, clock, { steps })).rotate(KEY_B);
        },
        async (run) => {
          const forward = join(root, `run-${run}`);
          const back = join(root, `back-${run}`);
          await mkdir(back);
          await cp(forward, back, { recursive: true });
          for (const [dir, masterKey, other] of [
            [forward, KEY_B, KEY_A],
            [back, KEY_A, KEY_B],
          ] as const) {
            const keys = { masterKey, previousKeys: [other] };
            expect(await contentOf(await keyringAt(dir, clock, keys))).to.deep.equal(content);
            expect(await contentOf(await keyringAt(dir, clock, { masterKey }))).to.deep.equal(
              content,
            );
            expect(await codeOf(keyringAt(dir, clock, { masterKey: other }))).to.equal("key-wrong");
          }
        },
      );
      expect(runs).to.be.greaterThan(20);
    })).timeout(60_000);

  it("while it rotates, opened with one key only: says key-wrong or works, never loses a key", () =>
    withFolder(async (root) => {
      const original = join(root, "original");
      const before = await keyringAt(original, clock);
      await fill(before);
      const content = await contentOf(before);
      await atEveryStep(
        async (steps, run) => {
          const dir = await copyFor(root, run, original);
          await (await keyringAt(dir, clock, { steps })).rotate(KEY_B);
        },
        async (run) => {
          const dir = join(root, `run-${run}`);
          for (const masterKey of [KEY_A, KEY_B]) {
            const opened = await keyringAt(dir, clock, { masterKey }).then(contentOf, (error) => {
              expect(error).to.have.property("code", "key-wrong");
            });
            if (opened !== undefined) expect(opened).to.deep.equal(content);
          }
          const both = { masterKey: KEY_B, previousKeys: [KEY_A] };
          expect(await contentOf(await keyringAt(dir, clock, both))).to.deep.equal(content);
        },
      );
    })).timeout(60_000);

  it("while it creates and erases data subjects: acknowledged ones stay so, others are not touched", () =>
    withFolder(async (root) => {
      const original = join(root, "original");
      const before = await keyringAt(original, clock);
      await fill(before);
      const keyOf = async (keyring: Keyring, person: string) =>
        (await keyring.subjects.find(person))?.toString("hex");
      const bob = await keyOf(before, "bob");
      let done: string[] = [];
      let frank: string | undefined;
      await atEveryStep(
        async (steps, run) => {
          done = [];
          const dir = await copyFor(root, run, original);
          const keyring = await keyringAt(dir, clock, { steps, durability: "disk" });
          frank = (await keyring.subjects.create("frank")).toString("hex");
          done.push("created frank");
          await keyring.subjects.destroy("alice");
          done.push("erased alice");
        },
        async (run) => {
          const keyring = await keyringAt(join(root, `run-${run}`), clock);
          expect(await keyOf(keyring, "bob")).to.equal(bob);
          if (done.includes("created frank")) expect(await keyOf(keyring, "frank")).to.equal(frank);
          if (done.includes("erased alice"))
            expect(await keyOf(keyring, "alice")).to.equal(undefined);
          const created = await keyring.subjects.create("frank");
          expect(await keyring.subjects.find("frank")).to.deep.equal(created);
        },
      );
    }));
});
