import { expect } from "chai";
import { decodeMaterial, encodeMaterial } from "../../src/keys/material-text.ts";
import { mac } from "../../src/keys/mac.ts";
import { DAY_MS, HandMovedClock, keyringAt, KEY_B, MONDAY, withFolder } from "./keyring-fixture.ts";

const DAY = DAY_MS / 1000;

describe("epochs of log lines", () => {
  it("are those of requests while they have not expired, created with their own window when they never were", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, new HandMovedClock());
      const material = await keyring.lineMaterialOf(MONDAY - 3 * DAY);
      expect(material).to.equal(await keyring.materialOf(MONDAY - 3 * DAY));
      expect(material.sealingKey).to.have.length(32);
      expect(keyring.epochs()).to.have.length(1);
      expect(keyring.epochs()[0]).to.include({ epoch: MONDAY - 3 * DAY, expiresAtMs: (MONDAY + 5 * DAY) * 1000 }); // prettier-ignore
      await keyring.close();
    }));

  it("that have expired or not begun have keys that come back, also after a rotation of the master key, and are in no file", () =>
    withFolder(async (dir) => {
      const clock = new HandMovedClock();
      const name = (key: Parameters<typeof mac>[0]) => mac(key, "name").toString("hex");
      const keyring = await keyringAt(dir, clock);
      const epochs = [MONDAY - 30 * DAY, 0, MONDAY + 30 * DAY];
      const before = await Promise.all(epochs.map((epoch) => keyring.lineMaterialOf(epoch)));
      expect(before.map(({ sealingKey }) => sealingKey)).to.deep.equal([undefined, undefined, undefined]); // prettier-ignore
      expect(keyring.epochs()).to.deep.equal([]);
      await keyring.rotate(KEY_B);
      await keyring.close();
      const later = await keyringAt(dir, clock, { masterKey: KEY_B });
      const after = await Promise.all(epochs.map((epoch) => later.lineMaterialOf(epoch)));
      await later.close();
      const names = before.flatMap(({ tokenKey, scrubKey, addressKey }) => [tokenKey, scrubKey, addressKey].map(name)); // prettier-ignore
      expect(after.flatMap(({ tokenKey, scrubKey, addressKey }) => [tokenKey, scrubKey, addressKey].map(name))).to.deep.equal(names); // prettier-ignore
      expect(new Set(names).size).to.equal(9);
    }));

  it("that have expired share nothing with what they were", () =>
    withFolder(async (dir) => {
      const clock = new HandMovedClock();
      const keyring = await keyringAt(dir, clock);
      const alive = await keyring.lineMaterialOf(MONDAY);
      clock.ms += 9 * DAY_MS;
      for (const destroys of [false, true]) {
        if (destroys) await keyring.destroyExpired();
        const closed = await keyring.lineMaterialOf(MONDAY);
        expect(closed.sealingKey).to.equal(undefined);
        for (const key of ["tokenKey", "addressKey", "scrubKey"] as const)
          expect(closed[key].equals(alive[key]), key).to.equal(false);
      }
      await keyring.close();
    }));

  it("travel as text, and nothing else does", () =>
    withFolder(async (dir) => {
      const keyring = await keyringAt(dir, new HandMovedClock());
      for (const epoch of [MONDAY, 0]) {
        const material = await keyring.lineMaterialOf(epoch);
        const text = encodeMaterial(material);
        expect(JSON.stringify(text)).to.match(/^\{"epoch":\d+,"endsAtMs":\d+(?:,"\w+":"[0-9a-f]{64}")+\}$/); // prettier-ignore
        const decoded = decodeMaterial(JSON.parse(JSON.stringify(text)));
        expect(encodeMaterial(decoded)).to.deep.equal(text);
        expect(decoded.tokenKey.equals(material.tokenKey)).to.equal(true);
        expect(() => decodeMaterial({ ...text, scrubKey: "x" })).to.throw("the keyring is damaged");
      }
      await keyring.close();
    }));
});
