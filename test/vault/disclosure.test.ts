import { expect } from "chai";
import { ROOT } from "../../src/callers/caller.ts";
import type { Caller } from "../../src/callers/caller.ts";
import { LogveilError } from "../../src/errors.ts";
import { Concealed } from "../../src/vault/concealed.ts";
import { disclose } from "../../src/vault/disclosure.ts";

const REQUEST = { permission: "session.look-up", subject: "x", reason: undefined } as const;

describe("disclosure", () => {
  it("reveals to whoever may look up", async () => {
    const open = async () => new Concealed("198.51.100.237");
    expect(await disclose({ caller: ROOT, ...REQUEST }, open)).to.equal("198.51.100.237");
  });

  for (const role of ["nothing", "toString", "__proto__"]) {
    it(`does not even look for the role ${role}`, async () => {
      const caller = { name: "nobody", role } as unknown as Caller; // a role that the table does not have
      let hasLooked = false;
      const disclosing = disclose({ caller, ...REQUEST }, async () => {
        hasLooked = true;
        return new Concealed("198.51.100.237");
      });
      const failure = await disclosing.catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(LogveilError).with.property("code", "access-denied");
      expect(hasLooked).to.equal(false);
    });
  }
});
