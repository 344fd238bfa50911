import { expect } from "chai";
import * as fc from "fast-check";
import { createSerialRing } from "../../../src/vault/log-in/serial-ring.ts";

describe("serial ring", () => {
  it("takes each of the newest numbers once, and no other, in any order", () => {
    const steps = fc.array(fc.option(fc.nat({ max: 60 }), { nil: undefined }), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), steps, (bytes, asked) => {
        const ring = createSerialRing(bytes);
        const used = new Set<number>();
        let issued = 0;
        for (const serial of asked) {
          if (serial === undefined) {
            expect(ring.next()).to.equal(issued);
            issued += 1;
            continue;
          }
          const isNewest = serial < issued && serial >= issued - bytes * 8;
          expect(ring.use(serial), String(serial)).to.equal(isNewest && !used.has(serial));
          if (isNewest) used.add(serial);
        }
      }),
    );
  });

  it("refuses a number that a whole round of newer ones has left behind, used or not", () => {
    const ring = createSerialRing(1);
    for (let count = 0; count < 9; count += 1) ring.next();
    expect([0, 1, 8, 8, 9].map(ring.use)).to.deep.equal([false, true, true, false, false]);
    for (let count = 0; count < 8; count += 1) ring.next();
    expect([1, 8, 9, 16].map(ring.use)).to.deep.equal([false, false, true, true]);
  });

  it("takes nothing that is no number of its own", () => {
    const ring = createSerialRing(1);
    ring.next();
    expect([-1, 0.5, Number.NaN, Infinity].map(ring.use)).to.deep.equal([
      false,
      false,
      false,
      false,
    ]);
  });
});
