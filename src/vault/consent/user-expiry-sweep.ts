import { SWEEPER } from "../../callers/caller.ts";
import { LogveilError, hasCode } from "../../errors.ts";
import type { Documents } from "../../store/documents.ts";
import type { HoldingPart } from "../rights/holdings.ts";
import { operate } from "../operation.ts";
import { expire, expiryTurn } from "./user-expiration.ts";
import type { UserExpirationParts } from "./user-expiration.ts";
import type { Due, UserExpiryTable } from "./user-expiry.ts";

export type UserExpirySweepParts = Pick<
  UserExpirationParts,
  "trail" | "clock" | "table" | "directory" | "inTurn" | "eraseUser"
> & { readonly documents: Documents };

/**
 * Erases the users who were to wait until `nowMs` at most; resolves how many. Those that are restricted wait until that is lifted. Of
 * those that cannot be erased the others learn nothing: rejects with the first failure when all have been tried.
 */
export type SweepUserExpiry = (nowMs: number) => Promise<number>;

export function createUserExpirySweep(parts: UserExpirySweepParts): SweepUserExpiry {
  return async (nowMs) => {
    let swept = 0;
    const failures: unknown[] = [];
    let last: Due | undefined;
    do {
      const due = await parts.table.due(nowMs, last);
      for (const entry of due) {
        try {
          if (await sweep(parts, entry, nowMs)) swept += 1;
        } catch (error) {
          failures.push(error);
        }
      }
      last = due.at(-1);
    } while (last !== undefined);
    if (failures.length > 0) throw failures[0];
    return swept;
  };
}

/** For the export and the erasure of a person. That a user has expired stays. */
export function createExpiryHolding(table: UserExpiryTable): HoldingPart {
  return {
    kind: "expiration",
    exportOf: async (token) => {
      const expiry = await table.find(token);
      return expiry && { exptime: expiry.exptime, expstatus: expiry.expstatus };
    },
    eraseOf: async (token) => {
      const expiry = await table.find(token);
      if (expiry === undefined || expiry.expstatus === "expired") return { count: 0 };
      return { count: 1, changes: table.removal(expiry) };
    },
  };
}

async function sweep(parts: UserExpirySweepParts, due: Due, nowMs: number): Promise<boolean> {
  const { trail, table, directory, documents, inTurn } = parts;
  const { token } = due;
  if ((await directory.keyOf(token)) === undefined) {
    await documents.commit([table.dueRemoval(due)]);
    return false;
  }
  if (await directory.isRestricted(token)) return false;
  const operation = {
    caller: SWEEPER,
    permission: "user.erase",
    title: "expire user record",
  } as const;
  try {
    const finish = await operate(trail, operation, async ({ about, hold }) => {
      about(token, await directory.keyOf(token));
      await hold((act) => inTurn(expiryTurn(token), act));
      const expiry = await table.find(token);
      // The data subject has decided while this waited.
      if (expiry?.expstatus !== "wait" || expiry.exptime * 1000 > nowMs)
        throw new LogveilError("not-found");
      return expire(parts, expiry, (keys) => hold((act) => inTurn(keys, act)));
    });
    await finish?.();
    return true;
  } catch (error) {
    if (hasCode(error, "not-found")) return false;
    throw error;
  }
}
