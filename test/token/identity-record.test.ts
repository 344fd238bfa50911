import { expect } from "chai";
import * as fc from "fast-check";
import { decodeIdentity, encodeIdentity } from "../../src/token/identity-record.ts";

describe("identity record", () => {
  it("decodes what it encoded", () => {
    const text = fc.string({ unit: "grapheme" });
    const records = fc.record({
      seenAtMs: fc.nat(),
      address: text,
      userAgent: text,
      cookie: text,
      host: text,
    });
    fc.assert(
      fc.property(records, (record) => {
        expect(decodeIdentity(encodeIdentity(record))).to.deep.equal(record);
      }),
    );
  });

  for (const text of [
    "",
    "{}",
    "null",
    "[2,1,'','','','']",
    '[2,1,"","","",""]',
    '[1,1,"","",""]',
    '[1,1,"","","","",""]',
    '[1,"1","","","",""]',
    '[1,1,"",1,"",""]',
    '[1,1,"","","","",1]',
  ]) {
    it(`refuses ${text || "nothing"}`, () => {
      expect(() => decodeIdentity(Buffer.from(text)))
        .to.throw()
        .with.property("code", "open-failed");
    });
  }
});
