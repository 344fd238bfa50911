import type { Caller } from "../callers/caller.ts";
import { isPermitted } from "../callers/role.ts";
import type { Permission } from "../callers/role.ts";
import { LogveilError } from "../errors.ts";

export type Members = Readonly<Record<string, unknown>>;

/** What a request says beside its path. Nothing of it has been looked at yet. */
export type StatedRequest = {
  readonly caller: Caller | undefined;
  /** The header `X-Lookup-Reason`; the body's `reason` goes before it. */
  readonly headerReason?: string | undefined;
  /** Reads the body; undefined when there is none. */
  readonly body?: (() => Promise<Members | undefined>) | undefined;
};

export type Stated = {
  /** As it came; `operate` checks it. */
  readonly reason: string | undefined;
  /** The body's members, empty without a body. Throws what was wrong with the body. */
  readonly members: () => Members;
};

/**
 * Reads what the request states, because the reason goes into the audit event even when the operation is denied. Never rejects: what
 * is wrong with a body is said by `members`, inside the operation. SECURITY: of a caller that may not, not a byte is read.
 */
export async function readStated(request: StatedRequest, permission: Permission): Promise<Stated> {
  const { caller, headerReason, body } = request;
  if (caller === undefined || !isPermitted(caller.role, permission))
    return { reason: headerReason, members: () => ({}) };
  try {
    const members = (await body?.()) ?? {};
    return { reason: textOf(members["reason"]) ?? headerReason, members: () => members };
  } catch (error) {
    return {
      reason: headerReason,
      members: () => {
        throw error;
      },
    };
  }
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw new LogveilError("reason-invalid");
  return value;
}
