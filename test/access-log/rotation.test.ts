import { expect } from "chai";
import * as fc from "fast-check";
import { Rotation } from "../../src/access-log/rotation.ts";

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 1, 10, 12);

describe("access-log: rotation", () => {
  it("ends a file at the boundary after its first line, however late that is noticed", () => {
    const rotation = new Rotation({ rotateMs: HOUR, maxSizeBytes: 1000 });
    rotation.begin(0, NOON);
    rotation.wrote(10, NOON + 1);
    expect(rotation.endOf(NOON + HOUR - 1, 10)).to.equal(undefined);
    expect(rotation.endOf(NOON + HOUR, 10)).to.equal(NOON + HOUR);
    expect(rotation.endOf(NOON + 5 * HOUR, 0)).to.equal(NOON + HOUR);
  });

  it("never ends an empty file", () => {
    const rotation = new Rotation({ rotateMs: HOUR, maxSizeBytes: 5 });
    rotation.begin(0, NOON);
    expect(rotation.endOf(NOON + 5 * HOUR, 10)).to.equal(undefined);
  });

  it("ends a file before it passes its size", () => {
    const rotation = new Rotation({ rotateMs: HOUR, maxSizeBytes: 100 });
    rotation.begin(60, NOON);
    expect(rotation.endOf(NOON, 40)).to.equal(undefined);
    expect(rotation.endOf(NOON, 41)).to.equal(NOON);
  });

  it("survives a clock that was wrong for a while", () => {
    const rotation = new Rotation({ rotateMs: HOUR, maxSizeBytes: 100 });
    rotation.begin(10, NOON + 1000 * HOUR);
    expect(rotation.endOf(NOON, 1)).to.equal(undefined);
    rotation.wrote(1, NOON);
    expect(rotation.endOf(NOON + HOUR, 1)).to.equal(NOON + HOUR);
  });

  it("has its boundaries at multiples of the interval", () => {
    const instants = fc.integer({ min: 0, max: 4e12 });
    fc.assert(
      fc.property(instants, fc.integer({ min: 1000, max: 1e9 }), (writtenAt, rotateMs) => {
        const rotation = new Rotation({ rotateMs, maxSizeBytes: 100 });
        rotation.begin(1, writtenAt);
        const end = rotation.endOf(writtenAt + rotateMs, 0) ?? Number.NaN;
        expect(end % rotateMs).to.equal(0);
        expect(end - writtenAt).to.be.within(1, rotateMs);
        expect(rotation.endOf(end - 1, 0)).to.equal(undefined);
      }),
    );
  });
});
