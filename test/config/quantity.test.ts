import { expect } from "chai";
import * as fc from "fast-check";
import {
  DURATION_PATTERN,
  RATE_PATTERN,
  SIZE_PATTERN,
  findDuration,
  findRate,
  findSize,
} from "../../src/config/quantity.ts";

const DAY_MS = 86_400_000;
const DURATION_UNITS = [
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", DAY_MS],
] as const;
const SIZE_UNITS = [
  ["B", 1],
  ["KiB", 1024],
  ["MiB", 1_048_576],
  ["GiB", 1_073_741_824],
  ["TiB", 1_099_511_627_776],
] as const;
const amounts = fc.integer({ min: 0, max: 99_999_999 });

/** The whole number of the largest unit that spells `value` exactly. */
function print(value: number, units: readonly (readonly [string, number])[]): string {
  const [name, factor] = units.findLast(([, factor]) => value % factor === 0) ?? ["", 1];
  return `${value / factor}${name}`;
}

describe("durations", () => {
  it("are milliseconds", () => {
    const spellings = ["250ms", "30s", "15m", "24h", "30d", "0s"];
    expect(spellings.map(findDuration)).to.deep.equal([
      250,
      30_000,
      900_000,
      DAY_MS,
      30 * DAY_MS,
      0,
    ]);
  });

  it("round-trip", () => {
    fc.assert(
      fc.property(amounts, fc.constantFrom(...DURATION_UNITS), (amount, [unit, factor]) => {
        const ms = findDuration(`${amount}${unit}`);
        expect(ms).to.equal(amount * factor);
        expect(findDuration(print(ms ?? Number.NaN, DURATION_UNITS))).to.equal(ms);
      }),
    );
  });

  it("need a whole number and a unit", () => {
    const wrong = [
      "",
      "30",
      "s",
      "1.5h",
      "-1s",
      "+1s",
      "1h30m",
      "1 h",
      " 1h",
      "1h\n",
      "1H",
      "1e3s",
      "1w",
      "1constructor",
    ];
    expect(wrong.map(findDuration)).to.deep.equal(wrong.map(() => undefined));
  });

  it("agree with the pattern that editors check", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{0,3}[a-z]{0,2}$/), (text) => {
        expect(new RegExp(DURATION_PATTERN).test(text)).to.equal(findDuration(text) !== undefined);
      }),
    );
  });
});

describe("sizes", () => {
  it("are bytes", () => {
    expect(["512B", "16KiB", "1MiB", "2GiB"].map(findSize)).to.deep.equal([
      512, 16_384, 1_048_576, 2_147_483_648,
    ]);
  });

  it("round-trip, and are undefined where a number would no longer be exact", () => {
    fc.assert(
      fc.property(amounts, fc.constantFrom(...SIZE_UNITS), (amount, [unit, factor]) => {
        const bytes = findSize(`${amount}${unit}`);
        const isExact = Number.isSafeInteger(amount * factor);
        expect(bytes).to.equal(isExact ? amount * factor : undefined);
        if (bytes !== undefined) expect(findSize(print(bytes, SIZE_UNITS))).to.equal(bytes);
      }),
    );
  });

  it("have binary units only", () => {
    const wrong = ["", "1", "1K", "1KB", "1kib", "1.5MiB", "-1B", "none", "1 MiB"];
    expect(wrong.map(findSize)).to.deep.equal(wrong.map(() => undefined));
    expect(wrong.some((text) => new RegExp(SIZE_PATTERN).test(text))).to.equal(false);
  });
});

describe("rates", () => {
  it("are a count and the milliseconds that it is for", () => {
    expect(findRate("600/m")).to.deep.equal({ count: 600, perMs: 60_000 });
    expect(findRate("1/s")).to.deep.equal({ count: 1, perMs: 1000 });
    expect(findRate("5000/h")).to.deep.equal({ count: 5000, perMs: 3_600_000 });
  });

  it("are one at least, in seconds, minutes or hours", () => {
    const wrong = ["", "0/m", "600", "600/", "/m", "600/d", "600/ms", "6.5/m", "-1/m", "600 /m"];
    expect(wrong.map(findRate)).to.deep.equal(wrong.map(() => undefined));
    expect(wrong.some((text) => new RegExp(RATE_PATTERN).test(text))).to.equal(false);
  });
});
