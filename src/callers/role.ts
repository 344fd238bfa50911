// Who may do what in the vault, as one table. Every way into the vault names the permission it needs and asks here.

/** One word for each thing a caller can do; routes and the vault use the same words. Those ending in `own` concern one data subject. */
const PERMISSIONS = [
  "session.look-up",
  "session.store",
  "session.remove",
  "session.list",
  "session.search",
  "session.share",
  "user.create",
  "user.read",
  "user.change",
  "user.erase",
  "user.list",
  "app.read",
  "app.change",
  "app.list",
  "shared.create",
  "shared.list",
  "shared.revoke",
  "audit.own",
  "audit.read",
  "audit.verify",
  "caller.manage",
  "consent.read",
  "consent.change",
  "consent.list",
  "consent.manage",
  "request.list",
  "request.read",
  "request.decide",
  "request.cancel",
  "expiry.read",
  "expiry.manage",
  "expiry.cancel",
  "rights.export",
  "rights.erase",
  "rights.restrict",
  "log.ingest",
  "log.feed",
  "keys.status",
  "keys.rotate",
  "system.read",
] as const;

export type Permission = (typeof PERMISSIONS)[number];

const GRANTS = {
  root: PERMISSIONS,
  dpo: [
    "session.look-up",
    "session.list",
    "session.search",
    "session.share",
    "user.read",
    "user.list",
    "app.read",
    "app.list",
    "shared.list",
    "shared.revoke",
    "audit.own",
    "audit.read",
    "audit.verify",
    "consent.list",
    "consent.read",
    "request.list",
    "request.read",
    "request.decide",
    "request.cancel",
    "expiry.read",
    "expiry.cancel",
    "rights.export",
    "rights.erase",
    "rights.restrict",
  ],
  support: ["session.look-up", "session.share"],
  auditor: ["audit.own", "audit.read", "audit.verify"],
  app: [
    "session.look-up",
    "session.store",
    "session.remove",
    "user.create",
    "user.read",
    "user.change",
    "app.read",
    "app.change",
    "consent.list",
    "consent.read",
    "consent.change",
    "shared.create",
    "log.ingest",
  ],
  login: [
    "session.look-up",
    "session.list",
    "user.read",
    "user.change",
    "user.erase",
    "app.read",
    "app.change",
    "shared.create",
    "audit.own",
    "consent.read",
    "consent.change",
    "request.read",
    "request.cancel",
    "expiry.read",
    "expiry.cancel",
  ],
} as const satisfies Readonly<Record<string, readonly Permission[]>>;

export type Role = keyof typeof GRANTS;

/** All roles; docs/api.md lists the same. */
export const ROLES: Readonly<Record<Role, readonly Permission[]>> = GRANTS;

/** Roles that a named caller can have. SECURITY: neither root nor login, of which each has a way of its own to be. */
export const GIVEN_ROLES = ["dpo", "support", "auditor", "app"] as const satisfies readonly Role[];

export type GivenRole = (typeof GIVEN_ROLES)[number];

/** What a role may do only when it says why (`X-Lookup-Reason`, or `reason` in the body). */
const REASONS: Readonly<Partial<Record<Role, readonly Permission[]>>> = {
  support: ["session.look-up", "session.share"],
  dpo: ["session.search"],
  root: ["session.search"],
};

export function isRole(name: string): name is Role {
  return Object.hasOwn(ROLES, name);
}

export function isGivenRole(name: string): name is GivenRole {
  return GIVEN_ROLES.some((role) => role === name);
}

export function isPermitted(role: Role, permission: Permission): boolean {
  // SECURITY: a role that the table does not have may nothing, whatever its type has promised.
  return isRole(role) && ROLES[role].includes(permission);
}

export function needsReason(role: Role, permission: Permission): boolean {
  return REASONS[role]?.includes(permission) ?? false;
}
