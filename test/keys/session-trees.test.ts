import { expect } from "chai";
import { createSealer } from "../../src/keys/sealing.ts";
import { systemFileSteps } from "../../src/keys/file-steps.ts";
import type { Keyring } from "../../src/keys/keyring.ts";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  DAY_MS,
  HandMovedClock,
  KEY_A,
  KEY_B,
  MONDAY,
  keyringAt,
  withFolder,
} from "./keyring-fixture.ts";

const TAG = Buffer.from("0123456789abcdef012345", "hex");
const OTHER = Buffer.from("0123456789ffffffffffff", "hex");
const FAR = Buffer.from("fedcba9876543210fedcba", "hex");
const IDENTITY = Buffer.from("somebody");

async function sealedBy(keyring: Keyring, tag: Buffer): Promise<Uint8Array> {
  return (await createSealer(await keyring.materialOf(MONDAY))).seal(tag, IDENTITY);
}

async function coveredBy(keyring: Keyring, tag: Buffer): Promise<Uint8Array> {
  return keyring.sessionTrees.cover(MONDAY, tag, await sealedBy(keyring, tag));
}

async function openedBy(keyring: Keyring, tag: Buffer, stored: Uint8Array): Promise<string> {
  const record = await keyring.sessionTrees.uncover(MONDAY, tag, stored);
  return (await (await keyring.openerOf(MONDAY)).open(tag, record)).toString();
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "none",
    (error: unknown) => String(error),
  );
}

describe("keys of single sessions", () => {
  it("cover a record and uncover it, also after a restart and under a new master key", async () => {
    await withFolder(async (dir) => {
      const clock = new HandMovedClock();
      const first = await keyringAt(dir, clock);
      const covered = await coveredBy(first, TAG);
      expect(await openedBy(first, TAG, covered)).to.equal("somebody");
      await first.rotate(KEY_B);
      await first.close();
      const second = await keyringAt(dir, clock, { masterKey: KEY_B });
      expect(await openedBy(second, TAG, covered)).to.equal("somebody");
      expect(await openedBy(second, OTHER, await coveredBy(second, OTHER))).to.equal("somebody");
      await second.close();
    });
  });

  it("leave a record that was stored without the layer as it is", async () => {
    await withFolder(async (dir) => {
      const keyring = await keyringAt(dir, new HandMovedClock());
      expect(await openedBy(keyring, TAG, await sealedBy(keyring, TAG))).to.equal("somebody");
      await keyring.close();
    });
  });

  it("do not open a covered record without the layer, nor under another session's key", async () => {
    await withFolder(async (dir) => {
      const keyring = await keyringAt(dir, new HandMovedClock());
      const covered = await coveredBy(keyring, TAG);
      const opener = await keyring.openerOf(MONDAY);
      expect(await failureOf(opener.open(TAG, covered))).to.include("could not be opened");
      const bare = Buffer.from(covered);
      bare[0] = 1;
      expect(await failureOf(opener.open(TAG, bare))).to.include("could not be opened");
      const wrong = await keyring.sessionTrees.uncover(MONDAY, FAR, covered);
      expect(await failureOf(opener.open(TAG, wrong))).to.include("could not be opened");
      await keyring.close();
    });
  });

  it("die one by one, for good, and leave all others", async () => {
    await withFolder(async (dir) => {
      const clock = new HandMovedClock();
      const keyring = await keyringAt(dir, clock);
      const [covered, far] = [await coveredBy(keyring, TAG), await coveredBy(keyring, FAR)];
      await Promise.all([TAG, TAG].map((tag) => keyring.sessionTrees.erase(MONDAY, tag)));
      const anew = await coveredBy(keyring, TAG);
      for (const each of [keyring, await keyringAt(dir, clock)]) {
        expect(await failureOf(openedBy(each, TAG, covered))).to.include("could not be opened");
        expect(await openedBy(each, TAG, anew)).to.equal("somebody");
        expect(await openedBy(each, FAR, far)).to.equal("somebody");
        await each.close();
      }
    });
  });

  it("die together, with few replacements of their file, when many are asked for at once", async () => {
    await withFolder(async (dir) => {
      const clock = new HandMovedClock();
      let replacements = 0;
      const rename = (from: string, to: string) => {
        if (to.endsWith(".tree")) replacements += 1;
        return systemFileSteps.rename(from, to);
      };
      const keyring = await keyringAt(dir, clock, { steps: { ...systemFileSteps, rename } });
      const tags = Array.from({ length: 50 }, (_, index) => Buffer.alloc(11, index));
      const covered = await Promise.all(tags.map((tag) => coveredBy(keyring, tag)));
      const kept = await coveredBy(keyring, FAR);
      replacements = 0;
      await Promise.all(tags.map((tag) => keyring.sessionTrees.erase(MONDAY, tag)));
      expect(replacements).to.equal(1);
      await keyring.sessionTrees.erase(MONDAY, OTHER);
      expect(replacements).to.equal(2);
      for (const each of [keyring, await keyringAt(dir, clock)]) {
        for (const [index, tag] of tags.entries()) {
          const opening = openedBy(each, tag, covered[index] ?? Buffer.alloc(0));
          expect(await failureOf(opening)).to.include("could not be opened");
        }
        expect(await openedBy(each, FAR, kept)).to.equal("somebody");
        await each.close();
      }
    });
  });

  it("are gone from disk with their epoch, and nothing is made for it again", async () => {
    await withFolder(async (dir) => {
      const clock = new HandMovedClock();
      const keyring = await keyringAt(dir, clock);
      const covered = await coveredBy(keyring, TAG);
      expect(await readdir(join(dir, "sessions"))).to.deep.equal([`${String(MONDAY)}.tree`]);
      const record = await sealedBy(keyring, OTHER);
      clock.ms += 8 * DAY_MS;
      await keyring.destroyExpired();
      expect(await readdir(join(dir, "sessions"))).to.deep.equal([]);
      await keyring.sessionTrees.erase(MONDAY, TAG);
      const cover = async () => keyring.sessionTrees.cover(MONDAY, OTHER, record);
      expect(await failureOf(cover())).to.include("destroyed");
      expect(await failureOf(openedBy(keyring, TAG, covered))).not.to.equal("none");
      await keyring.close();
    });
  });

  it("are removed at the next start when a crash left them behind their epoch", async () => {
    await withFolder(async (dir) => {
      const clock = new HandMovedClock();
      const keyring = await keyringAt(dir, clock);
      await coveredBy(keyring, TAG);
      await keyring.close();
      const file = join(dir, "sessions", `${String(MONDAY)}.tree`);
      const content = await readFile(file);
      clock.ms += 8 * DAY_MS;
      const later = await keyringAt(dir, clock);
      await later.destroyExpired();
      await later.close();
      await writeFile(file, content);
      await (await keyringAt(dir, clock, { masterKey: KEY_A })).close();
      expect(await readdir(join(dir, "sessions"))).to.deep.equal([]);
    });
  });

  it("are refused as a damaged keyring when a byte flips", async () => {
    await withFolder(async (dir) => {
      const clock = new HandMovedClock();
      const keyring = await keyringAt(dir, clock);
      const covered = await coveredBy(keyring, TAG);
      await keyring.close();
      const file = join(dir, "sessions", `${String(MONDAY)}.tree`);
      const content = await readFile(file);
      content[20] = (content[20] ?? 0) ^ 1;
      await writeFile(file, content);
      const again = await keyringAt(dir, clock);
      expect(await failureOf(openedBy(again, TAG, covered))).to.include("keyring is damaged");
      await again.close();
    });
  });
});
