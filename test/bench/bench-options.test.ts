import { expect } from "chai";
import { parseBenchOptions } from "../../bench/bench-options.ts";

describe("bench options", () => {
  it("leaves the long run out unless it is named", () => {
    expect([...parseBenchOptions([]).parts]).to.include.members(["proxy", "expiry", "uploads"]);
    expect(parseBenchOptions([]).parts.has("soak")).to.equal(false);
    const { parts, soakSeconds } = parseBenchOptions(["--only", "soak"]);
    expect([...parts]).to.deep.equal(["soak"]);
    expect(soakSeconds).to.equal(600);
  });

  it("says which argument is wrong", () => {
    for (const [args, says] of [
      [["--only", "proxy,speed"], "--only: there is no speed"],
      [["--servers", "apache"], "--servers: there is no apache"],
      [["--rounds", "0"], "--rounds: not a positive number"],
      [["--soak-seconds", "1m"], "--soak-seconds: not a positive number"],
      [["--idle", "doze"], "--idle: poll or sleep"],
      [["--generator", "ab"], "--generator: wrk or undici"],
    ] as const) {
      expect(() => parseBenchOptions([...args]), args.join(" ")).to.throw(TypeError, says);
    }
  });
});
