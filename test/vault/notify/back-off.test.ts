import { expect } from "chai";
import * as fc from "fast-check";
import { backOffMs } from "../../../src/vault/notify/back-off.ts";

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
