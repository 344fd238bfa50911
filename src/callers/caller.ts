import type { Role } from "./role.ts";

/** Somebody who has shown an access token, or who may open the control socket. */
export type Caller = {
  /** For the audit trail; never a token. */
  readonly name: string;
  readonly role: Role;
};

/** The holder of the root access token. */
export const ROOT: Caller = { name: "root", role: "root" };

/** Whoever may open the control socket: the file's mode is the check. */
export const SOCKET_OWNER: Caller = { name: "control-socket", role: "root" };
