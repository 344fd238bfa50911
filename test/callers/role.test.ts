import { expect } from "chai";
import { ROOT, SOCKET_OWNER } from "../../src/callers/caller.ts";
import { ROLES, isPermitted } from "../../src/callers/role.ts";
import type { Permission } from "../../src/callers/role.ts";

describe("role", () => {
  it("lets root do everything that there is", () => {
    for (const permission of Object.values(ROLES).flat()) {
      expect(isPermitted("root", permission), permission).to.equal(true);
    }
  });

  it("permits nothing that the table does not have", () => {
    expect(isPermitted("root", "toString" as Permission)).to.equal(false);
  });

  it("gives whoever may open the control socket root's rights under a name of its own", () => {
    expect(SOCKET_OWNER.role).to.equal(ROOT.role);
    expect(SOCKET_OWNER.name).not.to.equal(ROOT.name);
  });
});
