import type { Role } from "./role.ts";

/** Somebody who has shown an access token, or who may open the control socket. */
export type Caller = {
  /** For the audit trail; never a token. Of role `login` a fingerprint of the token that it used. */
  readonly name: string;
  readonly role: Role;
  /** Of role `login`: the data subject's own user token. */
  readonly subject?: string;
};

/** The holder of the root access token. */
export const ROOT: Caller = { name: "root", role: "root" };

/** Whoever may open the control socket: the file's mode is the check. */
export const SOCKET_OWNER: Caller = { name: "control-socket", role: "root" };

/** The web server behind the proxy, which says whose session an answer belongs to (`X-Databunker-User`). */
export const UPSTREAM: Caller = { name: "upstream", role: "app" };

/** Carries out what has its time: the erasure of users that expire. */
export const SWEEPER: Caller = { name: "expiry", role: "root" };

/** SECURITY: all of ours, by whose names nobody else may sign the trail. */
export const OWN_CALLERS: readonly Caller[] = [ROOT, SOCKET_OWNER, UPSTREAM, SWEEPER];
