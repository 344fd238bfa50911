import { copyFile, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { createSealer } from "../../src/keys/sealing.ts";
import {
  DAY_MS,
  HandMovedClock,
  KEY_B,
  MONDAY,
  MONDAY_MS,
  codeOf,
  fingerprint,
  keyringAt,
  readTree,
  thrownCode,
  withFolder,
} from "./keyring-fixture.ts";

const EPOCH_FILE = join("epochs", `${MONDAY}.key`);
const tag = new Uint8Array(11).fill(1);

describe("keyring", () => {
  let clock: HandMovedClock;
  beforeEach(() => {
    clock = new HandMovedClock();
  });

  it("gives one epoch one key, across restarts", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      const key = await fingerprint(keyring, MONDAY);
      await keyring.close();
      const again = await keyringAt(dir, clock);
      expect(await fingerprint(again, MONDAY)).to.equal(key);
      expect(await fingerprint(again, MONDAY + 86_400)).not.to.equal(key);
    }));

  it("creates one key when many ask at once, also through several keyrings on one folder", () =>
    withFolder(async (dir) => {
      const keyrings = await Promise.all([1, 2, 3, 4].map(() => keyringAt(dir, clock)));
      const asked = keyrings.flatMap((keyring) =>
        [1, 2, 3].map(() => fingerprint(keyring, MONDAY)),
      );
      expect(new Set(await Promise.all(asked)).size).to.equal(1);
      expect(await readdir(join(dir, "epochs"))).to.deep.equal([`${MONDAY}.key`]);
    }));

  it("opens what was sealed to its material, and says what exists until when", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      const sealer = await createSealer(await keyring.materialOf(MONDAY));
      const record = sealer.seal(tag, Buffer.from("identity"));
      const opener = await keyring.openerOf(MONDAY);
      expect(String(await opener.open(tag, record))).to.equal("identity");
      const [status, ...others] = keyring.epochs();
      expect(others).to.deep.equal([]);
      expect(status).to.include({ epoch: MONDAY, startsAtMs: MONDAY_MS });
      expect(status?.expiresAtMs).to.equal(MONDAY_MS + 8 * DAY_MS);
      expect(status?.masterKeyId).to.match(/^[0-9a-f]{8}$/);
    }));

  it("does not look up an epoch that never existed", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      expect(await codeOf(keyring.openerOf(MONDAY))).to.equal("epoch-expired");
      expect(thrownCode(() => keyring.addressKeyOf(MONDAY))).to.equal("epoch-expired");
      expect(keyring.epochs()).to.deep.equal([]);
    }));

  it("refuses an expired epoch at once, destroyed or not", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      await keyring.materialOf(MONDAY);
      await keyring.openerOf(MONDAY);
      clock.ms = MONDAY_MS + 8 * DAY_MS - 1;
      await keyring.openerOf(MONDAY);
      clock.ms += 1;
      expect(await codeOf(keyring.openerOf(MONDAY))).to.equal("epoch-expired");
      expect(await codeOf(keyring.materialOf(MONDAY))).to.equal("epoch-expired");
      expect(thrownCode(() => keyring.addressKeyOf(MONDAY))).to.equal("epoch-expired");
    }));

  it("refuses to create an epoch that has expired already, or is far ahead", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      expect(await codeOf(keyring.materialOf(MONDAY - 8 * 86_400))).to.equal("epoch-expired");
      await keyring.materialOf(MONDAY - 7 * 86_400);
      expect(await codeOf(keyring.materialOf(MONDAY + 2 * 86_400))).to.equal("epoch-early");
    }));

  it("destroys what has expired, and reports it until it is swept", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      await keyring.materialOf(MONDAY);
      await keyring.materialOf(MONDAY + 86_400);
      expect(await keyring.destroyExpired()).to.deep.equal([]);
      clock.ms = MONDAY_MS + 8 * DAY_MS;
      expect(await keyring.destroyExpired()).to.deep.equal([MONDAY]);
      expect(await readdir(join(dir, "epochs"))).to.deep.equal([`${MONDAY + 86_400}.key`]);
      const restarted = await keyringAt(dir, clock);
      expect(await restarted.destroyExpired()).to.deep.equal([MONDAY]);
      await restarted.confirmSwept(MONDAY);
      expect(await restarted.destroyExpired()).to.deep.equal([]);
      expect(await (await keyringAt(dir, clock)).destroyExpired()).to.deep.equal([]);
    }));

  it("never makes a destroyed epoch anew: swept or not, clock back, retention longer", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      await keyring.materialOf(MONDAY);
      clock.ms = MONDAY_MS + 8 * DAY_MS;
      await keyring.destroyExpired();
      const longer = { rotateMs: DAY_MS, retentionMs: 365 * DAY_MS };
      clock.ms = MONDAY_MS;
      const unswept = await keyringAt(dir, clock, { retention: longer });
      expect(await codeOf(unswept.materialOf(MONDAY))).to.equal("epoch-expired");
      await unswept.confirmSwept(MONDAY);
      expect(await codeOf(unswept.materialOf(MONDAY))).to.equal("epoch-expired");
      const swept = await keyringAt(dir, clock, { retention: longer });
      expect(await codeOf(swept.materialOf(MONDAY))).to.equal("epoch-expired");
      expect(await codeOf(swept.openerOf(MONDAY))).to.equal("epoch-expired");
    }));

  it("lets a clock that goes back revive nothing, across restarts", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, clock);
      await keyring.materialOf(MONDAY);
      await keyring.advanceHighWater(MONDAY_MS + 8 * DAY_MS + 0.5);
      await keyring.advanceHighWater(MONDAY_MS);
      expect(await codeOf(keyring.openerOf(MONDAY))).to.equal("epoch-expired");
      const restarted = await keyringAt(dir, clock);
      expect(restarted.highWaterMs()).to.equal(MONDAY_MS + 8 * DAY_MS);
      expect(await codeOf(restarted.openerOf(MONDAY))).to.equal("epoch-expired");
    }));

  it("applies a shorter retention at once and for good, a longer one never", () =>
    withFolder(async (dir) => {
      const expiryWith = async (days: number) => {
        const retention = { rotateMs: DAY_MS, retentionMs: days * DAY_MS };
        const keyring = await keyringAt(dir, clock, { retention });
        await keyring.materialOf(MONDAY);
        const expiresAtMs = keyring.epochs()[0]?.expiresAtMs ?? 0;
        return (expiresAtMs - MONDAY_MS) / DAY_MS - 1;
      };
      expect(await expiryWith(7)).to.equal(7);
      expect(await expiryWith(30)).to.equal(7);
      expect(await expiryWith(3)).to.equal(3);
      expect(await expiryWith(7)).to.equal(3);
    }));

  it("keeps the end of an epoch that another rotation setting stored first", () =>
    withFolder(async (dir) => {
      const hour = { rotateMs: 3_600_000, retentionMs: 7 * DAY_MS };
      await (await keyringAt(dir, clock, { retention: hour })).materialOf(MONDAY);
      const keyring = await keyringAt(dir, clock);
      expect((await keyring.materialOf(MONDAY)).endsAtMs).to.equal(MONDAY_MS + 3_600_000);
    }));

  it("derives keys that stand alone, the same after every restart", () =>
    withFolder(async (dir) => {
      const exported = async () => {
        const keyring = await keyringAt(dir, clock);
        const keys = [keyring.blindIndexKey, keyring.callersKey, keyring.auditKey];
        return keys.map((key) => key.export().toString("hex"));
      };
      const keys = await exported();
      expect(new Set(keys).size).to.equal(3);
      expect(await exported()).to.deep.equal(keys);
    }));

  it("says key-wrong for another master key, and changes nothing", () =>
    withFolder(async (dir) => {
      await (await keyringAt(dir, clock)).materialOf(MONDAY);
      const before = await readTree(dir);
      expect(await codeOf(keyringAt(dir, clock, { masterKey: KEY_B }))).to.equal("key-wrong");
      expect(await readTree(dir)).to.deep.equal(before);
      expect(await codeOf(keyringAt(dir, clock, { masterKey: Buffer.alloc(31) }))).to.equal(
        "key-invalid",
      );
    }));

  for (const name of ["check.key", "index.key", "destroyed", "high-water", EPOCH_FILE]) {
    it(`says keyring-corrupt when ${name.replace(/\d+/, "<epoch>")} is damaged, and does not make it anew`, () =>
      withFolder(async (dir) => {
        await (await keyringAt(dir, clock)).materialOf(MONDAY);
        const path = join(dir, name);
        const whole = await readFile(path);
        for (const at of [0, whole.length >> 2, whole.length >> 1, whole.length - 2]) {
          const damaged = Buffer.from(whole);
          damaged.writeUInt8(damaged.readUInt8(at) ^ 0x80, at);
          await writeFile(path, damaged);
          expect(await codeOf(keyringAt(dir, clock)), `byte ${at}`).to.equal("keyring-corrupt");
          expect(await readFile(path)).to.deep.equal(damaged);
        }
        await writeFile(path, whole.subarray(0, whole.length - 3));
        expect(await codeOf(keyringAt(dir, clock)), "cut").to.equal("keyring-corrupt");
        if (name === EPOCH_FILE) return;
        await rm(path);
        expect(await codeOf(keyringAt(dir, clock)), "removed").to.equal("keyring-corrupt");
      }));
  }

  it("says keyring-corrupt when one epoch's file stands under the name of another", () =>
    withFolder(async (dir) => {
      await (await keyringAt(dir, clock)).materialOf(MONDAY);
      await copyFile(join(dir, EPOCH_FILE), join(dir, "epochs", `${MONDAY + 86_400}.key`));
      expect(await codeOf(keyringAt(dir, clock))).to.equal("keyring-corrupt");
    }));
});
