import { expect } from "chai";
import { LogveilError } from "../../src/errors.ts";
import { parseReason } from "../../src/vault/reason.ts";

describe("reason", () => {
  it("is trimmed, and nothing when there is nothing in it", () => {
    expect(parseReason("  ticket 4711 ")).to.equal("ticket 4711");
    expect([undefined, "", "  "].map(parseReason)).to.deep.equal([undefined, undefined, undefined]);
  });

  it("has 512 characters at most", () => {
    expect(parseReason("x".repeat(512))).to.have.length(512);
    expect(() => parseReason("x".repeat(513))).to.throw(LogveilError);
  });

  it("has no control characters, which could forge a line of a report", () => {
    for (const text of ["a\nb", "a\rb", "a\u0000b", "a\u001b[2Jb", "a\u009bb"]) {
      expect(() => parseReason(text)).to.throw(LogveilError);
    }
  });
});
