import { expect } from "chai";
import * as fc from "fast-check";
import { LogveilError } from "../../../src/errors.ts";
import { parseTerms } from "../../../src/vault/consent/agreement-terms.ts";

const NOW_MS = Date.UTC(2026, 1, 10, 12);
const NOW = NOW_MS / 1000;

describe("agreement terms", () => {
  it("are a yes without an end, by the API, unless the body says otherwise", () => {
    expect(parseTerms({}, NOW_MS)).to.deep.equal({
      agreementmethod: "api",
      endtime: 0,
      lastmodifiedby: "",
      referencecode: "",
      starttime: 0,
      status: "yes",
    });
  });

  it("read ends as spans or unix times, starts as unix times", () => {
    const end = (expiration: unknown) => parseTerms({ expiration }, NOW_MS).endtime;
    expect(["30d", "45s", NOW + 5, String(NOW + 5), 0, "0d", "", null].map(end)).to.deep.equal([
      NOW + 30 * 86_400,
      NOW + 45,
      NOW + 5,
      NOW + 5,
      0,
      0,
      0,
      0,
    ]);
    const start = (starttime: unknown) => parseTerms({ starttime }, NOW_MS).starttime;
    expect([NOW - 5, String(NOW - 5), 0, "", "1h"].map(start)).to.deep.equal([
      NOW - 5,
      NOW - 5,
      0,
      0,
      NOW + 3600,
    ]);
  });

  it("never take an end that is not understood for none", () => {
    for (const expiration of ["1w", "tomorrow", "1.5h", -5, "-5", true, {}, []])
      expect(() => parseTerms({ expiration }, NOW_MS)).to.throw(LogveilError);
    for (const starttime of [-1, 1.5, 2 ** 60, "soon"])
      expect(() => parseTerms({ starttime }, NOW_MS)).to.throw(LogveilError);
  });

  it("either are what the type says, or are refused with a code", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything()), fc.anything(), (fields, value) => {
        const named = { ...fields, status: value, expiration: value, starttime: value };
        try {
          const { endtime, starttime, status } = parseTerms(named, NOW_MS);
          expect(Number.isSafeInteger(endtime) && endtime >= 0).to.equal(true);
          expect(Number.isSafeInteger(starttime) && starttime >= 0).to.equal(true);
          expect(["yes", "no"]).to.include(status);
        } catch (error) {
          expect(error).to.be.instanceOf(LogveilError);
        }
      }),
    );
  });
});
