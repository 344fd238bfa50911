import { expect } from "chai";
import * as fc from "fast-check";
import { canonicalPhone } from "../../src/identity/phone.ts";

describe("a phone number", () => {
  for (const text of [
    "07911123456",
    "+44 7911 123456",
    "0044 7911 123456",
    "(07911) 123-456",
    "447911123456",
    "7911123456",
    "tel:+447911123456",
    "+44 (0)7911 123456",
    "07911123456x12",
    "  07911 123 456 ",
  ]) {
    it(`${JSON.stringify(text)} is the one in Britain`, () => {
      expect(canonicalPhone(text, "GB")).to.equal("+447911123456");
    });
  }

  it("is dialled in the default country when it has no +", () => {
    expect(canonicalPhone("030 23125042", "DE")).to.equal("+493023125042");
    expect(canonicalPhone("+1 202 555 0147", "DE")).to.equal("+12025550147");
  });

  it("is a whole number: a leading zero that belongs to it (Italy) is dropped", () => {
    expect(canonicalPhone("+39 06 1234 5678", "GB")).to.equal("+39612345678");
  });

  it("is 4444 for 4444, whatever the country", () => {
    expect(canonicalPhone(" 4444 ", "GB")).to.equal("4444");
    expect(canonicalPhone("4444", "US")).to.equal("4444");
  });

  it("is undefined for what is none", () => {
    for (const text of ["", "  ", "ada", "+", "1", "@example.org", "\u0000"])
      expect(canonicalPhone(text, "GB"), text).to.equal(undefined);
  });

  it("does not throw, whatever it is given", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.constantFrom("GB", "US", "IT", "??"),
        (text, country) => {
          expect(canonicalPhone(text, country) ?? "+1").to.match(/^\+\d+$|^4444$/);
        },
      ),
    );
  });

  it("is its own canonical form", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100_000, max: 999_999 }), (number) => {
        const canonical = canonicalPhone(`+44 7700 ${number}`, "GB") ?? "";
        expect(canonicalPhone(canonical, "US")).to.equal(canonical);
        expect(canonicalPhone(`07700${number}`, "GB")).to.equal(canonical);
      }),
    );
  });
});
