import { expect } from "chai";
import * as fc from "fast-check";
import { isYes } from "../../../src/vault/consent/consent-word.ts";

const WORDS = "1 active accept agree approve given good ok on true y yes".split(" ");

describe("consent word", () => {
  it("takes the dialect's twelve words in any letter case, with space around them", () => {
    const cased = fc.constantFrom(...WORDS).chain((word) =>
      fc.array(fc.boolean(), { minLength: word.length, maxLength: word.length }).map((upper) =>
        word
          .split("")
          .map((letter, place) => (upper[place] ? letter.toUpperCase() : letter))
          .join(""),
      ),
    );
    fc.assert(fc.property(cased, (word) => isYes(word) && isYes(` ${word}\t`)));
  });

  it("takes nothing else for a yes", () => {
    const known = new Set(WORDS);
    const text = fc.string().filter((other) => !known.has(other.trim().toLowerCase()));
    fc.assert(fc.property(text, (other) => !isYes(other)));
    const value = fc.anything().filter((other) => !["string"].includes(typeof other));
    fc.assert(fc.property(value, (other) => isYes(other) === (other === true || other === 1)));
    expect(["no", "0", "maybe", "yes!", "", "yess"].map(isYes)).to.deep.equal(
      Array.from({ length: 6 }, () => false),
    );
  });
});
