// Who may do what in the vault, as one table. Every way into the vault names the permission it needs and asks here.

/** One word for each thing a caller can do; routes and the vault use the same words. */
export type Permission =
  | "session.look-up"
  | "session.store"
  | "session.remove"
  | "keys.status"
  | "keys.rotate";

const PERMISSIONS = {
  root: ["session.look-up", "session.store", "session.remove", "keys.status", "keys.rotate"],
} as const satisfies Readonly<Record<string, readonly Permission[]>>;

export type Role = keyof typeof PERMISSIONS;

/** All roles; docs/api.md lists the same. */
export const ROLES: Readonly<Record<Role, readonly Permission[]>> = PERMISSIONS;

export function isPermitted(role: Role, permission: Permission): boolean {
  // SECURITY: a role that the table does not have may do nothing, wherever it came from.
  return Object.hasOwn(ROLES, role) && ROLES[role].includes(permission);
}
