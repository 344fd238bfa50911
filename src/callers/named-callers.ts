// Callers that root has given a name, a role and an access token. A name stands for one person or one backend, so that the trail says who
// it was. The token is shown once; what stays is its MAC.

import type { KeyObject } from "node:crypto";
import type { Clock } from "../clock.ts";
import { LogveilError } from "../errors.ts";
import type { Change, Documents } from "../store/documents.ts";
import { createAccessToken } from "./access-token.ts";
import { OWN_CALLERS } from "./caller.ts";
import { isGivenRole } from "./role.ts";
import type { GivenRole } from "./role.ts";
import { readSignedRecord, signRecord } from "./signed-record.ts";
import { tokenChange, tokenIdOf, tokenRemoval } from "./token-records.ts";

export type NamedCaller = {
  readonly name: string;
  readonly role: GivenRole;
  /** Milliseconds since 1970, as all times here. */
  readonly createdAtMs: number;
  /** Undefined: never. */
  readonly expiresAtMs: number | undefined;
};

export type NewCaller = Omit<NamedCaller, "createdAtMs">;

/** What has to be stored, in one batch with the audit event, so that `token` means somebody. */
export type IssuedToken = { readonly token: string; readonly changes: readonly Change[] };

/** Changes are prepared here and committed by whoever audits them; preparing and committing must not interleave with another change. */
export type NamedCallers = {
  /** Rejects `caller-exists`, and `callers-full` past 1000 names. A name that has expired is free again. */
  readonly prepare: (caller: NewCaller) => Promise<IssuedToken>;
  /** All that have not expired, by name. */
  readonly list: () => Promise<readonly NamedCaller[]>;
  /** Undefined when there is nobody of that name. */
  readonly findRemoval: (name: string) => Promise<readonly Change[] | undefined>;
  /** Undefined unless this token is the caller's present one. Expired ones are found too. */
  readonly findByToken: (name: string, tokenId: string) => Promise<NamedCaller | undefined>;
  readonly removalsOfExpired: () => Promise<readonly Change[]>;
};

export type CallersParts = {
  readonly documents: Documents;
  /** `keyring.callersKey`. */
  readonly key: KeyObject;
  /** One that never goes back. */
  readonly clock: Clock;
};

const NAME = /^[a-z][a-z0-9._-]{0,63}$/;
/** So that nobody signs as who is not in the table. */
const RESERVED: readonly string[] = OWN_CALLERS.map(({ name }) => name);
/** One read lists them all. */
const MAX_CALLERS = 1000;

/** Throws `caller-invalid` for what is not `^[a-z][a-z0-9._-]{0,63}$`. */
export function parseCallerName(value: unknown): string {
  if (typeof value !== "string" || !NAME.test(value)) throw new LogveilError("caller-invalid");
  return value;
}

/** Throws `caller-invalid` for what is no name, and for names that logveil uses itself. */
export function parseGivenName(value: unknown): string {
  const name = parseCallerName(value);
  if (RESERVED.includes(name)) throw new LogveilError("caller-invalid");
  return name;
}

/** Throws `caller-invalid` for what is not one of `GIVEN_ROLES`. */
export function parseGivenRole(value: unknown): GivenRole {
  if (typeof value !== "string" || !isGivenRole(value)) throw new LogveilError("caller-invalid");
  return value;
}

export function createNamedCallers({ documents, key, clock }: CallersParts): NamedCallers {
  const isExpired = ({ expiresAtMs }: StoredCaller) =>
    expiresAtMs !== undefined && expiresAtMs <= clock.now();
  const find = async (name: string) => {
    const record = await documents.find("caller", name);
    return record === undefined ? undefined : decodeCaller(key, name, record);
  };
  const listAll = async () => {
    const stored = await documents.list("caller", { limit: MAX_CALLERS });
    return stored.map((document) => decodeCaller(key, document.key, document.value));
  };
  return {
    prepare: async (caller) => {
      const existing = await find(caller.name);
      if (existing !== undefined && !isExpired(existing)) throw new LogveilError("caller-exists");
      if (existing === undefined && (await listAll()).length >= MAX_CALLERS)
        throw new LogveilError("callers-full");
      const token = createAccessToken();
      const tokenId = tokenIdOf(key, token);
      const changes = [
        ...(existing === undefined ? [] : removalsOf(existing)),
        callerChange(key, { ...caller, createdAtMs: clock.now(), tokenId }),
        tokenChange(key, tokenId, ["named", caller.name]),
      ];
      return { token, changes };
    },
    list: async () => (await listAll()).filter((caller) => !isExpired(caller)).map(withoutToken),
    findRemoval: async (name) => {
      const existing = await find(name);
      return existing === undefined ? undefined : removalsOf(existing);
    },
    findByToken: async (name, tokenId) => {
      const existing = await find(name);
      return existing?.tokenId === tokenId ? withoutToken(existing) : undefined;
    },
    removalsOfExpired: async () => (await listAll()).filter(isExpired).flatMap(removalsOf),
  };
}

type StoredCaller = NamedCaller & { readonly tokenId: string };

type Fields = readonly [
  role: GivenRole,
  createdAtMs: number,
  expiresAtMs: number | null,
  tokenId: string,
];

function callerChange(
  key: KeyObject,
  { name, role, createdAtMs, expiresAtMs, tokenId }: StoredCaller,
): Change {
  const fields: Fields = [role, createdAtMs, expiresAtMs ?? null, tokenId];
  return { table: "caller", key: name, value: signRecord(key, placeOf(name), fields) };
}

function decodeCaller(key: KeyObject, name: string, record: Uint8Array): StoredCaller {
  // Signed: `callerChange` has written it, so it has this shape.
  const fields = readSignedRecord(key, placeOf(name), record) as Fields;
  const [role, createdAtMs, expiresAtMs, tokenId] = fields;
  return { name, role, createdAtMs, expiresAtMs: expiresAtMs ?? undefined, tokenId };
}

function removalsOf({ name, tokenId }: StoredCaller): readonly Change[] {
  return [{ table: "caller", key: name, value: undefined }, tokenRemoval(tokenId)];
}

function withoutToken({ name, role, createdAtMs, expiresAtMs }: StoredCaller): NamedCaller {
  return { name, role, createdAtMs, expiresAtMs };
}

function placeOf(name: string): string {
  return `caller/${name}`;
}
