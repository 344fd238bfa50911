import { expect } from "chai";
import * as fc from "fast-check";
import { findNearest } from "../../src/config/suggestion.ts";

describe("a suggestion", () => {
  it("is the nearest name, when one is near", () => {
    const names = ["listen", "limits", "timeouts", "trustedProxies"];
    expect(findNearest("lissten", names)).to.equal("listen");
    expect(findNearest("limit", names)).to.equal("limits");
    expect(findNearest("TRUSTED-PROXIES", names)).to.equal("trustedProxies");
    expect(findNearest("database", names)).to.equal(undefined);
    expect(findNearest("", names)).to.equal(undefined);
    expect(findNearest("listen".padEnd(65, "x"), names)).to.equal(undefined);
  });

  it("survives one slip anywhere", () => {
    const slip = fc.tuple(fc.nat({ max: 8 }), fc.constantFrom("", "x", "xx"));
    fc.assert(
      fc.property(slip, ([at, typed]) => {
        const name = "retention";
        const slipped = name.slice(0, at) + typed + name.slice(at + 1);
        expect(findNearest(slipped, ["rotate", name, "durability"])).to.equal(name);
      }),
    );
  });
});
