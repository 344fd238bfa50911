import type { AuditTrail } from "../audit/trail.ts";
import type { Caller } from "../callers/caller.ts";
import { LogveilError } from "../errors.ts";
import { operate } from "./operation.ts";

/** What a caller may know of the installation itself. */
export type System = {
  readonly configuration: (caller: Caller | undefined) => Promise<unknown>;
  /** Rejects `backup-elsewhere`: keys and records in one answer would be a backup that outlives every erasure. */
  readonly backup: (caller: Caller | undefined) => Promise<never>;
  /** For everybody: what a web page is to show. Resolves when the request is in the trail. */
  readonly uiConfiguration: () => Promise<void>;
  readonly cookieSettings: () => Promise<void>;
};

export type SystemParts = {
  readonly trail: Pick<AuditTrail, "append" | "admitAnonymous">;
  /** SECURITY: goes out as it is, so without secrets. */
  readonly configuration: unknown;
};

export function createSystem({ trail, configuration }: SystemParts): System {
  const open = { caller: undefined, permission: undefined } as const;
  const nothing = () => Promise.resolve({ result: undefined });
  return {
    configuration: (caller) =>
      operate(trail, { caller, permission: "system.read", title: "get system configuration" }, () =>
        Promise.resolve({ result: configuration }),
      ),
    backup: (caller) =>
      operate<never>(trail, { caller, permission: "system.read", title: "get backup" }, () =>
        Promise.reject(new LogveilError("backup-elsewhere")),
      ),
    uiConfiguration: () => operate(trail, { ...open, title: "get ui configuration" }, nothing),
    cookieSettings: () => operate(trail, { ...open, title: "get cookie settings" }, nothing),
  };
}
