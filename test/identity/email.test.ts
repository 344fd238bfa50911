import { expect } from "chai";
import * as fc from "fast-check";
import { canonicalEmail } from "../../src/identity/email.ts";

describe("an e-mail address", () => {
  for (const [text, canonical] of [
    ["Ada@Example.ORG", "ada@example.org"],
    ["  ada@example.org\t", "ada@example.org"],
    ["ada%40example.org", "ada@example.org"],
    ["ada+shop@example.org", "ada+shop@example.org"],
    ["ada%2Bshop@example.org", "ada+shop@example.org"],
    ["ada shop@example.org", "ada shop@example.org"],
    ["", undefined],
    [" %20 ", undefined],
    ["50%off@example.org", undefined],
    ["%ff@example.org", undefined],
  ] as const) {
    it(`${JSON.stringify(text)} is ${String(canonical)}`, () => {
      expect(canonicalEmail(text)).to.equal(canonical);
    });
  }

  it("is the same in either case, with space around it, and percent-encoded", () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.stringMatching(/^[ \t]{0,3}$/), (email, space) => {
        const plain = email.replaceAll("%", "%25");
        const canonical = canonicalEmail(plain);
        expect(canonical).to.be.a("string");
        expect(canonicalEmail(space + plain.toUpperCase() + space)).to.equal(canonical);
        expect(canonicalEmail(encodeURIComponent(email))).to.equal(canonical);
      }),
    );
  });

  it("never has a plus where none was, nor loses one", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const plain = encodeURIComponent(text.toWellFormed());
        const count = (given: string) => given.split("+").length;
        const canonical = canonicalEmail(plain);
        if (canonical !== undefined) expect(count(canonical)).to.equal(count(text));
      }),
    );
  });
});
