// The only way personal data leaves the vault: permission, then the audit trail, then reveal, in one call, so that no way out can
// forget one of them.

import type { Caller } from "../callers/caller.ts";
import { isPermitted } from "../callers/role.ts";
import type { Permission } from "../callers/role.ts";
import { LogveilError } from "../errors.ts";
import type { Concealed } from "./concealed.ts";

export type DisclosureRequest = {
  readonly caller: Caller;
  readonly permission: Permission;
  /** Whose data: the canonical session id. */
  readonly subject: string;
  /** Why, in the caller's words; at most 512 characters. */
  readonly reason: string | undefined;
};

/** Rejects `access-denied` before anything is looked up, then whatever `open` rejects with. */
export type Disclose = <T>(
  request: DisclosureRequest,
  open: () => Promise<Concealed<T>>,
) => Promise<T>;

export const disclose: Disclose = async (request, open) => {
  requirePermission(request.caller, request.permission);
  const concealed = await open();
  // SECURITY: the audit event is stored on this line, after the outcome is known and before anything is revealed.
  return concealed.reveal();
};

/** Throws `access-denied`. For what changes the vault without showing anything of it. */
export function requirePermission(caller: Caller, permission: Permission): void {
  if (!isPermitted(caller.role, permission)) throw new LogveilError("access-denied");
}
