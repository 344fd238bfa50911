import { expect } from "chai";
import * as fc from "fast-check";
import { findBrief, titleFor } from "../../../src/vault/consent/brief.ts";

const FIRST = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzABCXYZ".split(""));
const REST = fc.string({
  unit: fc.constantFrom(..."abcxyzABCXYZ0129-".split("")),
  minLength: 1,
  maxLength: 64,
});

describe("brief", () => {
  it("is a letter, then 1 to 64 letters, digits and hyphens, in lower case", () => {
    fc.assert(
      fc.property(FIRST, REST, (first, rest) => {
        expect(findBrief(first + rest)).to.equal((first + rest).toLowerCase());
      }),
    );
  });

  it("has one spelling: found again, it is the same", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const brief = findBrief(text);
        if (brief !== undefined) expect(findBrief(brief)).to.equal(brief);
      }),
    );
  });

  it("is not shorter, longer, or made of anything else", () => {
    const wrong = [
      "",
      "a",
      `a${"b".repeat(65)}`,
      "1abc",
      "-abc",
      "a b",
      "a_b",
      "ab\n",
      "ä-b",
      "a/b",
    ];
    expect(wrong.map(findBrief)).to.deep.equal(wrong.map(() => undefined));
  });

  it("gets into a title, and nothing else does", () => {
    expect(titleFor("accept agreement", "News-Letter")).to.equal(
      "accept agreement for news-letter",
    );
    expect(titleFor("accept agreement", "ada@example.org")).to.equal("accept agreement");
  });
});
