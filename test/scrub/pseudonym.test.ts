import { expect } from "chai";
import * as fc from "fast-check";
import { pseudonymPattern } from "../../src/scrub/pseudonym.ts";
import { pseudonymiserOf } from "./scrubbing.ts";

describe("pseudonym", () => {
  it("is frozen: a change of format would break every comparison within an epoch", () => {
    expect(pseudonymiserOf(1)("email", "bob@example.com")).to.equal("~email.aonufojp");
  });

  it("is the kind and eight characters of base32, equal for equal values only", () => {
    const pseudonymise = pseudonymiserOf(1);
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(pseudonymise("value", a)).to.match(/^~value\.[a-z2-7]{8}$/);
        expect(pseudonymise("value", a) === pseudonymise("value", b)).to.equal(a === b);
      }),
    );
  });

  it("differs from epoch to epoch and from kind to kind", () => {
    expect(pseudonymiserOf(1)("ip", "x")).to.not.equal(pseudonymiserOf(2)("ip", "x"));
    const pseudonymise = pseudonymiserOf(1);
    expect(pseudonymise("ip", "x").slice(-8)).to.not.equal(pseudonymise("value", "x").slice(-8));
  });

  it("is recognised for known kinds only", () => {
    const pattern = pseudonymPattern(["email", "id"]);
    expect("a~email.k3f9a2xqz~id.abcdefgh".match(pattern)).to.deep.equal(["~id.abcdefgh"]);
    expect("a~email.k3f7a2xqz".match(pattern)).to.deep.equal(["~email.k3f7a2xq"]);
    expect("~07700900123.aaaaaaaa".match(pattern)).to.equal(null);
  });
});
