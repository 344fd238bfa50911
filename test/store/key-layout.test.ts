import { expect } from "chai";
import * as fc from "fast-check";
import {
  addressKey,
  addressRange,
  callerSessionKey,
  epochOf,
  expiredRange,
  expiryKey,
  metaKey,
  nameKey,
  nameOf,
  nameRange,
  parseExpiryKey,
  sessionKey,
  sessionRange,
  tagOf,
} from "../../src/store/key-layout.ts";
import type { KeyRange } from "../../src/store/key-layout.ts";

const epochs = fc.nat({ max: 0xffff_ffff });
const tags = fc.uint8Array({ minLength: 11, maxLength: 11 });
const macs = fc.uint8Array({ minLength: 16, maxLength: 16 });
const times = fc.maxSafeNat();
const ids = fc.string({ minLength: 1, unit: "binary" });

function isWithin(key: Uint8Array, { gte, lt }: KeyRange): boolean {
  return Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lt) < 0;
}

describe("key layout", () => {
  it("sorts session keys by epoch, then by tag", () => {
    fc.assert(
      fc.property(epochs, tags, epochs, tags, (epochA, tagA, epochB, tagB) => {
        const order = Buffer.compare(sessionKey(epochA, tagA), sessionKey(epochB, tagB));
        expect(order).to.equal(Math.sign(epochA - epochB) || Buffer.compare(tagA, tagB));
      }),
    );
  });

  it("sorts expiry keys by time", () => {
    fc.assert(
      fc.property(times, ids, times, ids, (timeA, idA, timeB, idB) => {
        fc.pre(timeA !== timeB);
        const order = Buffer.compare(expiryKey(timeA, idA), expiryKey(timeB, idB));
        expect(order).to.equal(Math.sign(timeA - timeB));
      }),
    );
  });

  it("reads back what it wrote", () => {
    fc.assert(
      fc.property(epochs, tags, macs, times, ids, (epoch, tag, mac, expiresAtMs, id) => {
        expect(epochOf(sessionKey(epoch, tag))).to.equal(epoch);
        expect(tagOf(sessionKey(epoch, tag))).to.deep.equal(tag);
        expect(tagOf(addressKey(epoch, mac, tag))).to.deep.equal(tag);
        expect(parseExpiryKey(expiryKey(expiresAtMs, id))).to.deep.equal({ expiresAtMs, id });
        expect(nameOf(nameKey(id))).to.equal(id);
      }),
    );
  });

  it("has ranges that hold an epoch and nothing else", () => {
    fc.assert(
      fc.property(epochs, epochs, tags, macs, (epoch, other, tag, mac) => {
        expect(isWithin(sessionKey(other, tag), sessionRange(epoch))).to.equal(epoch === other);
        expect(isWithin(addressKey(other, mac, tag), addressRange(epoch))).to.equal(
          epoch === other,
        );
        expect(isWithin(addressKey(other, mac, tag), sessionRange())).to.equal(false);
        expect(isWithin(sessionKey(other, tag), sessionRange())).to.equal(true);
      }),
      { examples: [[0xffff_ffff, 0xffff_ffff, new Uint8Array(11).fill(255), new Uint8Array(16)]] },
    );
  });

  it("has ranges that hold one address and nothing else", () => {
    fc.assert(
      fc.property(epochs, macs, macs, tags, (epoch, mac, other, tag) => {
        const isSame = Buffer.compare(mac, other) === 0;
        expect(isWithin(addressKey(epoch, other, tag), addressRange(epoch, mac))).to.equal(isSame);
        expect(isWithin(addressKey(epoch, mac, tag), addressRange(epoch, mac))).to.equal(true);
      }),
      { examples: [[7, new Uint8Array(16).fill(255), new Uint8Array(16), new Uint8Array(11)]] },
    );
  });

  it("counts a record as expired at its time, not before", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 50 }), fc.nat({ max: 2 ** 50 }), ids, (time, now, id) => {
        expect(isWithin(expiryKey(time, id), expiredRange(now))).to.equal(time <= now);
      }),
      { examples: [[5, 5, "a"]] },
    );
  });

  it("keeps the kinds of keys apart", () => {
    const keys = [
      addressKey(0, new Uint8Array(16), new Uint8Array(11)),
      callerSessionKey(""),
      expiryKey(0, ""),
      metaKey("format"),
      nameKey(""),
      sessionKey(0, new Uint8Array(11)),
    ];
    expect(new Set(keys.map((key) => key.at(0))).size).to.equal(keys.length);
    expect(keys.filter((key) => isWithin(key, nameRange()))).to.have.length(1);
  });

  it("refuses fields of another width, which would shift the ones behind them", () => {
    expect(() => sessionKey(1, new Uint8Array(10))).to.throw(RangeError);
    expect(() => sessionKey(2 ** 32, new Uint8Array(11))).to.throw(RangeError);
    expect(() => addressKey(1, new Uint8Array(15), new Uint8Array(11))).to.throw(RangeError);
    expect(() => addressRange(1, new Uint8Array(17))).to.throw(RangeError);
    expect(() => expiryKey(1.5, "id")).to.throw(RangeError);
    expect(() => expiryKey(-1, "id")).to.throw(RangeError);
    expect(() => expiryKey(Number.NaN, "id")).to.throw(RangeError);
  });
});
