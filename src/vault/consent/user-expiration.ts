// User records that end: started by a caller, decided by the data subject, who gets a token for it (by whatever way the caller sends it),
// and carried out by the sweeper when nobody has decided in time.

import type { KeyObject } from "node:crypto";
import type { AuditTrail } from "../../audit/trail.ts";
import type { Caller } from "../../callers/caller.ts";
import type { Permission } from "../../callers/role.ts";
import type { Clock } from "../../clock.ts";
import { LogveilError } from "../../errors.ts";
import { mac } from "../../keys/mac.ts";
import { randomUuid } from "../../keys/secure-random.ts";
import { parseExpiration } from "../expiration.ts";
import { textOf } from "../fields.ts";
import type { Fields, ReadFields } from "../fields.ts";
import { operate } from "../operation.ts";
import type { OperationContext, Outcome } from "../operation.ts";
import type { PreparedChange } from "../users/prepared-change.ts";
import type { RequestActions } from "./requests.ts";
import type { TakeTurn } from "../turns.ts";
import { findIdentityMode, parseIdentityMode, parseUserToken } from "../users/user-directory.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import type { UserExpiry, UserExpiryTable } from "./user-expiry.ts";
import { titleBy } from "../users/user-location.ts";
import type { NamedUser } from "../users/user-location.ts";
import type { Hold } from "../users/user-parts.ts";
import { userTurn } from "../users/user-turn.ts";

export type ExpirationStatus = {
  /** Unix seconds, 0 for none. */
  readonly exptime: number;
  /** Empty for none. */
  readonly expstatus: string;
};

/** What a data subject decides about the own record. */
export type Decision = "retain" | "delete";

type AskedToken = { readonly caller: Caller | undefined; readonly exptoken: string };

/**
 * Everything rejects `access-denied` first, then `mode-invalid`, `uuid-invalid`; `not-found` for a data subject who is not known, and
 * `audit-unavailable` in an outage.
 */
export type UserExpiration = {
  /** Resolves the token with which the data subject decides; one given before is worth nothing then. Rejects `expiration-invalid`, `status-invalid`. */
  readonly start: (asked: NamedUser & { readonly fields: ReadFields }) => Promise<string>;
  /** Of an erased user too, by user token, when it was the expiration that erased it. */
  readonly status: (asked: NamedUser) => Promise<ExpirationStatus>;
  readonly cancel: (asked: NamedUser) => Promise<void>;
  /** Nothing but an entry in the trail: the token is not looked at. */
  readonly ask: (decision: Decision, asked: AskedToken) => Promise<void>;
  /** Whoever has the token may. Rejects `exptoken-unknown`, and what an erasure rejects with. */
  readonly decide: (decision: Decision, asked: AskedToken) => Promise<void>;
};

export type UserExpirationParts = {
  readonly trail: AuditTrail;
  readonly clock: Clock;
  readonly table: UserExpiryTable;
  readonly directory: UserDirectory;
  readonly inTurn: TakeTurn;
  /** `keyring.callersKey`. */
  readonly tokenKey: KeyObject;
  /** Default and cap of the time that a record waits. */
  readonly maxMs: number;
  readonly eraseUser: RequestActions["eraseUser"];
};

const STATUS = /^[a-z][a-z0-9_-]{0,30}$/;

export function createUserExpiration(parts: UserExpirationParts): UserExpiration {
  const { trail, table } = parts;
  return {
    start: (asked) => {
      const title = "initiate user record expiration";
      return operate(trail, operationOf(asked, title, "expiry.manage"), async (context) => {
        const token = await holdUser(parts, context, asked);
        return startExpiry(parts, token, (await asked.fields()) ?? {});
      });
    },
    status: (asked) => {
      const operation = operationOf(asked, "get expiration status", "expiry.read");
      return operate(trail, operation, async ({ about }) => {
        const token = await findToken(parts, asked, "expired too");
        about(token, await parts.directory.keyOf(token));
        const { exptime = 0, expstatus = "" } = (await table.find(token)) ?? {};
        return { result: { exptime, expstatus } };
      });
    },
    cancel: (asked) => {
      const operation = operationOf(asked, "clear user expiration", "expiry.cancel");
      return operate(trail, operation, async (context) => {
        const expiry = await table.find(await holdUser(parts, context, asked));
        return { result: undefined, changes: expiry === undefined ? [] : table.removal(expiry) };
      });
    },
    ask: (decision, { caller, exptoken }) => {
      const title = `show form to ${decision} user data by exptoken`;
      return operate(trail, { caller, permission: undefined, title }, () => {
        parseUserToken(exptoken);
        return Promise.resolve({ result: undefined });
      });
    },
    decide: async (decision, { caller, exptoken }) => {
      const title = `${decision} user data by exptoken`;
      const finish = await operate(trail, { caller, permission: undefined, title }, (context) =>
        decide(parts, context, decision, parseUserToken(exptoken)),
      );
      await finish?.();
    },
  };
}

/** The turn of a user's expiration, which comes before the user's own. */
export function expiryTurn(token: string): string {
  return `expiry/${token}`;
}

/** To be called after the operation (prepared-change.ts). */
type Finish = PreparedChange["finish"];

/** What erases the user of `expiry`, and says that it has expired. */
export async function expire(
  { table, eraseUser }: Pick<UserExpirationParts, "table" | "eraseUser">,
  expiry: UserExpiry,
  hold: Hold,
): Promise<Outcome<Finish>> {
  const { changes = [], personal = {}, finish } = await eraseUser(expiry.token, hold);
  const expired = { ...expiry, expstatus: "expired", tokenMac: undefined };
  return { result: finish, changes: [...changes, ...table.storing(expired, expiry)], personal };
}

function operationOf(asked: NamedUser, title: string, permission: Permission) {
  const { caller, mode, id, reason } = asked;
  const named = { mode: findIdentityMode(mode), who: id };
  return { caller, permission, title: titleBy(title, asked), reason, ...named };
}

async function holdUser(
  parts: UserExpirationParts,
  { about, hold }: OperationContext,
  asked: NamedUser,
): Promise<string> {
  const token = await findToken(parts, asked);
  about(token, await parts.directory.keyOf(token));
  await hold((act) => parts.inTurn(expiryTurn(token), act));
  // An erasure takes along what is stored before it, so nothing may be stored behind it.
  await hold((act) => parts.inTurn(userTurn(token), act));
  if ((await parts.directory.keyOf(token)) === undefined) throw new LogveilError("not-found");
  return token;
}

async function findToken(
  { directory, table }: UserExpirationParts,
  { mode: text, id }: NamedUser,
  which?: "expired too",
): Promise<string> {
  const mode = parseIdentityMode(text);
  const named = mode === "token" ? parseUserToken(id) : id;
  const token = await directory.resolve(mode, named);
  if (token !== undefined) return token;
  const isExpired = async () => (await table.find(named))?.expstatus === "expired";
  if (which === "expired too" && mode === "token" && (await isExpired())) return named;
  throw new LogveilError("not-found");
}

async function startExpiry(
  { table, clock, maxMs, tokenKey }: UserExpirationParts,
  token: string,
  fields: Fields,
): Promise<Outcome<string>> {
  const expstatus = textOf(fields, "status") || "wait";
  // SECURITY: these two say what has happened, and nobody may claim it.
  const isReserved = expstatus === "expired" || expstatus === "retain";
  if (!STATUS.test(expstatus) || isReserved) throw new LogveilError("status-invalid");
  const { expiresAtMs } = parseExpiration(fields["expiration"], clock.now(), maxMs);
  const exptoken = randomUuid();
  const exptime = Math.ceil(expiresAtMs / 1000);
  const expiry = { token, exptime, expstatus, tokenMac: macOf(tokenKey, exptoken) };
  return { result: exptoken, changes: table.storing(expiry, await table.find(token)) };
}

async function decide(
  parts: UserExpirationParts,
  { about, hold }: OperationContext,
  decision: Decision,
  exptoken: string,
): Promise<Outcome<Finish>> {
  const { table, directory, inTurn, tokenKey } = parts;
  const tokenMac = macOf(tokenKey, exptoken);
  const found = await table.findByMac(tokenMac);
  if (found === undefined) throw new LogveilError("exptoken-unknown");
  about(found.token, await directory.keyOf(found.token));
  await hold((act) => inTurn(expiryTurn(found.token), act));
  const expiry = await table.findByMac(tokenMac);
  if (expiry === undefined) throw new LogveilError("exptoken-unknown");
  if (decision === "delete")
    return expire(parts, expiry, (keys) => hold((act) => inTurn(keys, act)));
  const retained = { ...expiry, expstatus: "retain", tokenMac: undefined };
  return { result: undefined, changes: table.storing(retained, expiry) };
}

function macOf(key: KeyObject, exptoken: string): string {
  return mac(key, "expiration token", exptoken).toString("hex");
}
