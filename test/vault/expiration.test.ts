import { expect } from "chai";
import * as fc from "fast-check";
import { LogveilError } from "../../src/errors.ts";
import { parseExpiration } from "../../src/vault/expiration.ts";

const NOW_MS = Date.UTC(2026, 1, 10, 12);
const NOW = NOW_MS / 1000;
const HOUR = 3600;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** Seconds from now that `value` gives under a cap of `maxSeconds`. */
function ttlOf(value: unknown, maxSeconds = HOUR): number {
  return (parseExpiration(value, NOW_MS, maxSeconds * 1000).expiresAtMs - NOW_MS) / 1000;
}

describe("expiration", () => {
  // databunker-v1.md section 1.2, with its policy of one hour
  const measured: readonly (readonly [unknown, number])[] = [
    [undefined, HOUR],
    [null, HOUR],
    ["", HOUR],
    [true, HOUR],
    ["0d", HOUR],
    ["0", HOUR],
    [0, HOUR],
    ["1w", HOUR],
    ["1.5h", HOUR],
    ["45", 45],
    [45, 45],
    ["59s", 59],
    ["10s", 10],
    ["2h", HOUR],
    ["90d", HOUR],
    ["30m", HOUR],
    ["-5", HOUR],
    [NOW + 60, 60],
    [String(NOW + 60), 60],
    [NOW + 2 * HOUR, HOUR],
    [3_000_000_000, HOUR],
    ["3000000000", HOUR],
    ["99999d", HOUR],
    [NOW - 60, HOUR],
    [{}, HOUR],
    [["5"], HOUR],
  ];
  for (const [value, seconds] of measured) {
    it(`${JSON.stringify(value)} lives for ${seconds} s`, () => {
      expect(ttlOf(value)).to.equal(seconds);
    });
  }

  it("takes m for a month of 31 days", () => {
    expect(ttlOf("1m", YEAR)).to.equal(31 * DAY);
    expect(ttlOf("2h", YEAR)).to.equal(2 * HOUR);
    expect(ttlOf("90d", YEAR)).to.equal(90 * DAY);
  });

  it("never takes a span for a unix time, however long", () => {
    expect(ttlOf(`${NOW + 60}s`)).to.equal(HOUR);
  });

  it("has time beyond 2038", () => {
    expect(ttlOf(3_000_000_000, 100 * YEAR)).to.equal(3_000_000_000 - NOW);
  });

  for (const value of [
    Number.NaN,
    Infinity,
    -5,
    -0.5,
    -1e300,
    1e300,
    "99999999999999999999",
    "9007199254740993d",
  ]) {
    it(`refuses ${typeof value} ${value}`, () => {
      expect(() => ttlOf(value))
        .to.throw(LogveilError)
        .with.property("code", "expiration-invalid");
    });
  }

  it("says when it did not understand, so that somebody can be told", () => {
    const isUnderstood = (value: unknown) => parseExpiration(value, NOW_MS, 1000).isUnderstood;
    expect([undefined, null, "", "0d", "5s", 7].map(isUnderstood)).to.not.include(false);
    expect(["1w", "1.5h", "-5", true, {}, "5 s"].map(isUnderstood)).to.not.include(true);
  });

  it("is in the future and under the cap for every count and unit", () => {
    const unit = fc.constantFrom("", "s", "h", "d", "m");
    fc.assert(
      fc.property(fc.nat(), unit, fc.integer({ min: 1, max: YEAR }), (count, unit, cap) => {
        const ttl = ttlOf(`${count}${unit}`, cap);
        return ttl > 0 && ttl <= cap;
      }),
    );
  });

  it("is defined for anything at all", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        try {
          const ttl = ttlOf(value);
          return ttl > 0 && ttl <= HOUR;
        } catch (error) {
          return error instanceof LogveilError && error.code === "expiration-invalid";
        }
      }),
    );
  });
});
