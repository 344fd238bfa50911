import { expect } from "chai";
import * as fc from "fast-check";
import { backOffMs, findRetryAfterMs } from "../../../src/vault/notify/back-off.ts";

const NOW_MS = Date.UTC(2026, 1, 10, 12);
const DAY_MS = 86_400_000;

describe("back-off", () => {
  it("doubles from a second to its bound", () => {
    const delays = [0, 1, 2, 3, 9, 1000].map((failures) => backOffMs(failures, 60_000, 0));
    expect(delays).to.deep.equal([1000, 2000, 4000, 8000, 60_000, 60_000]);
  });

  it("takes up to a half off by chance, and never all", () => {
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
        const fullMs = backOffMs(failures, 900_000, 0);
        expect(backOffMs(failures, 900_000, chance)).to.be.within(fullMs / 2, fullMs);
      }),
    );
  });
});

describe("Retry-After", () => {
  for (const [field, expected] of [
    ["120", 120_000],
    [" 0 ", 0],
    ["Tue, 10 Feb 2026 12:00:30 GMT", 30_000],
    ["Tue, 10 Feb 2026 11:00:00 GMT", 0],
    ["999999999", DAY_MS],
    ["Fri, 31 Dec 9999 23:59:59 GMT", DAY_MS],
    ["soon", undefined],
    ["", undefined],
    [null, undefined],
  ] as const) {
    it(`reads ${String(field)}`, () => {
      expect(findRetryAfterMs(field, NOW_MS)).to.equal(expected);
    });
  }
});
