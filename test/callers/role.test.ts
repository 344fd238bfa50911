import { expect } from "chai";
import { ROOT, SOCKET_OWNER } from "../../src/callers/caller.ts";
import {
  GIVEN_ROLES,
  ROLES,
  isGivenRole,
  isPermitted,
  needsReason,
} from "../../src/callers/role.ts";
import type { Permission, Role } from "../../src/callers/role.ts";

/**
 * Who may do what, beside root, who may do everything: the table of roles in docs/api.md word by word. A permission that is missing here
 * fails the first test, so that nobody adds one without saying whose it is.
 */
const HOLDERS: Readonly<Record<Permission, readonly Role[]>> = {
  "session.look-up": ["dpo", "support", "app", "login"],
  "session.store": ["app"],
  "session.remove": ["app"],
  "session.list": ["dpo", "login"],
  "session.search": ["dpo"],
  "session.share": ["dpo", "support"],
  "user.create": ["app"],
  "user.read": ["dpo", "app", "login"],
  "user.change": ["app", "login"],
  "user.erase": ["login"],
  "user.list": ["dpo"],
  "app.read": ["dpo", "app", "login"],
  "app.change": ["app", "login"],
  "app.list": ["dpo"],
  "shared.create": ["app", "login"],
  "shared.list": ["dpo"],
  "shared.revoke": ["dpo"],
  "audit.own": ["auditor", "dpo", "login"],
  "audit.read": ["dpo", "auditor"],
  "audit.verify": ["dpo", "auditor"],
  "caller.manage": [],
  "consent.read": ["dpo", "app", "login"],
  "consent.change": ["app", "login"],
  // What may be agreed to, not who has agreed.
  "consent.list": ["dpo", "app"],
  "consent.manage": [],
  "request.list": ["dpo"],
  "request.read": ["dpo", "login"],
  "request.decide": ["dpo"],
  "request.cancel": ["dpo", "login"],
  "expiry.read": ["dpo", "login"],
  "expiry.cancel": ["dpo", "login"],
  "expiry.manage": [],
  "rights.export": ["dpo"],
  "rights.erase": ["dpo"],
  "rights.restrict": ["dpo"],
  "log.ingest": ["app"],
  "log.feed": [],
  "keys.status": [],
  "keys.rotate": [],
  "system.read": [],
};

const PERMISSIONS = Object.keys(HOLDERS) as readonly Permission[]; // the record has exactly these keys
const NAMES = Object.keys(ROLES) as readonly Role[]; // likewise

describe("role", () => {
  it("gives every permission that there is to root", () => {
    expect(ROLES.root.toSorted()).to.deep.equal(PERMISSIONS.toSorted());
  });

  for (const permission of PERMISSIONS) {
    it(`gives ${permission} to root and ${HOLDERS[permission].join(", ") || "nobody else"}`, () => {
      const holders = NAMES.filter((role) => isPermitted(role, permission));
      expect(holders.toSorted()).to.deep.equal(["root", ...HOLDERS[permission]].toSorted());
    });
  }

  it("permits nothing that the table does not have", () => {
    for (const role of NAMES)
      expect(isPermitted(role, "toString" as Permission), role).to.equal(false);
  });

  it("wants a reason from support for all it may, and from everybody for a search", () => {
    const wanting = NAMES.flatMap((role) =>
      PERMISSIONS.filter((permission) => needsReason(role, permission)).map(
        (permission) => `${role} ${permission}`,
      ),
    );
    expect(wanting.toSorted()).to.deep.equal([
      "dpo session.search",
      "root session.search",
      "support session.look-up",
      "support session.share",
    ]);
  });

  it("asks nobody for a reason who may not do it anyway", () => {
    for (const role of NAMES)
      for (const permission of PERMISSIONS)
        if (needsReason(role, permission)) expect(isPermitted(role, permission)).to.equal(true);
  });

  it("can be given to a named caller, but for root and login", () => {
    expect(GIVEN_ROLES.toSorted()).to.deep.equal(["app", "auditor", "dpo", "support"]);
    for (const role of NAMES)
      expect(isGivenRole(role), role).to.equal(role !== "root" && role !== "login");
    for (const name of ["", "DPO", "constructor", "__proto__"])
      expect(isGivenRole(name), name).to.equal(false);
  });

  it("gives whoever may open the control socket root's rights under a name of its own", () => {
    expect(SOCKET_OWNER.role).to.equal(ROOT.role);
    expect(SOCKET_OWNER.name).not.to.equal(ROOT.name);
  });
});
