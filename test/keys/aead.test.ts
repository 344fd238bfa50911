import { expect } from "chai";
import * as fc from "fast-check";
import { aeadKey, associatedData, openWith, sealWith } from "../../src/keys/aead.ts";
import { thrownCode } from "./keyring-fixture.ts";

const key = aeadKey(Buffer.alloc(32, 1));
const aad = associatedData("purpose", "key id", "record");
const bytes = () => fc.uint8Array({ maxLength: 200 });

describe("aead", () => {
  it("opens what it sealed", () => {
    fc.assert(
      fc.property(bytes(), bytes(), (plaintext, record) => {
        const bound = associatedData("purpose", record);
        expect(openWith(key, sealWith(key, plaintext, bound), bound)).to.deep.equal(
          Buffer.from(plaintext),
        );
      }),
    );
  });

  it("refuses a record with any bit changed", () => {
    const sealed = sealWith(key, Buffer.from("identity"), aad);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(thrownCode(() => openWith(key, changed, aad))).to.equal("open-failed");
    }
  });

  it("refuses every shorter record, among them those with a cut tag", () => {
    const sealed = sealWith(key, Buffer.from("identity"), aad);
    for (let length = 0; length < sealed.length; length += 1) {
      const cut = sealed.subarray(0, length);
      expect(thrownCode(() => openWith(key, cut, aad))).to.equal("open-failed");
    }
  });

  it("refuses a record under another key or bound to something else", () => {
    const sealed = sealWith(key, Buffer.from("identity"), aad);
    const other = aeadKey(Buffer.alloc(32, 2));
    expect(thrownCode(() => openWith(other, sealed, aad))).to.equal("open-failed");
    const moved = associatedData("purpose", "key id", "other record");
    expect(thrownCode(() => openWith(key, sealed, moved))).to.equal("open-failed");
  });

  it("never seals the same plaintext to the same bytes", () => {
    const seal = () => sealWith(key, Buffer.from("identity"), aad).toString("hex");
    expect(seal()).not.to.equal(seal());
  });

  it("keeps the parts of associated data apart", () => {
    const part = fc.string({ maxLength: 6 });
    fc.assert(
      fc.property(fc.array(part), fc.array(part), (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        expect(associatedData("p", ...a).equals(associatedData("p", ...b))).to.equal(false);
      }),
    );
    expect(associatedData("p", "a", "bc").equals(associatedData("p", "ab", "c"))).to.equal(false);
  });
});
