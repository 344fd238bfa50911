import { expect } from "chai";
import * as fc from "fast-check";
import { createHmac } from "node:crypto";
import { equalInConstantTime } from "../../src/keys/constant-time.ts";
import { mac, macKey } from "../../src/keys/mac.ts";
import { encodeParts } from "../../src/keys/netstring.ts";

const secret = Buffer.alloc(32, 3);

describe("mac", () => {
  it("is HMAC-SHA-256 over the parts as netstrings", () => {
    const part = fc.oneof(fc.string({ unit: "grapheme" }), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
        const expected = createHmac("sha256", secret).update(encodeParts(parts)).digest("hex");
        expect(mac(macKey(secret), ...parts).toString("hex")).to.equal(expected);
      }),
    );
  });

  it("tells ('a', 'bc') from ('ab', 'c')", () => {
    const key = macKey(secret);
    expect(mac(key, "a", "bc").equals(mac(key, "ab", "c"))).to.equal(false);
  });

  it("does not print its key", () => {
    expect(JSON.stringify(macKey(secret))).not.to.include(secret.toString("base64"));
  });
});

describe("equalInConstantTime", () => {
  it("agrees with equality, whatever the lengths", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(equalInConstantTime(a, b)).to.equal(a === b);
        expect(equalInConstantTime(a, Buffer.from(a))).to.equal(true);
      }),
    );
  });
});
