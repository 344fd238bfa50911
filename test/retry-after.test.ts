import { expect } from "chai";
import { findRetryAfterMs } from "../src/retry-after.ts";

const NOW_MS = Date.UTC(2026, 1, 10, 12);
const DAY_MS = 86_400_000;

describe("Retry-After (RFC 9110 section 10.2.3)", () => {
  for (const [field, expected] of [
    ["120", 120_000],
    [" 0 ", 0],
    ["Tue, 10 Feb 2026 12:00:30 GMT", 30_000],
    ["Tue, 10 Feb 2026 11:00:00 GMT", 0],
    ["999999999", DAY_MS],
    ["Fri, 31 Dec 9999 23:59:59 GMT", DAY_MS],
    // Date.parse takes it for a day of some year.
    ["-5", 0],
    ["1e309", undefined],
    ["Infinity", undefined],
    ["soon", undefined],
    ["", undefined],
    [null, undefined],
  ] as const) {
    it(`reads ${String(field)}`, () => {
      expect(findRetryAfterMs(field, NOW_MS, DAY_MS)).to.equal(expected);
    });
  }
});
