import type { KeyObject } from "node:crypto";
import { canonicalEmail } from "../../identity/email.ts";
import { canonicalPhone } from "../../identity/phone.ts";
import { mac } from "../../keys/mac.ts";
import type { Profile } from "./user-record.ts";

/** The fields by which a user is found, in the order in which a duplicate is reported. */
export const LOOKUP_FIELDS = ["login", "email", "phone", "custom"] as const;

export type LookupField = (typeof LOOKUP_FIELDS)[number];

/** What `custom` and `login` are compared by: trimmed, in either case another one; a number is its whole part in decimal. */
function canonicalName(text: string): string | undefined {
  const trimmed = text.trim();
  return trimmed === "" ? undefined : trimmed;
}

export type UserIndex = {
  /** The keys (table `userIndex`) of those lookup fields that `profile` has; without those that cannot be read. */
  readonly keysOf: (profile: Profile) => ReadonlyMap<LookupField, string>;
  /** The key under which `value` of that field is found; undefined when it cannot be read. */
  readonly keyOf: (field: LookupField, value: unknown) => string | undefined;
};

/**
 * The blind index: a keyed MAC for each lookup field, in which equal values can be found and nothing can be read.
 *
 * @param key `keyring.blindIndexKey`
 * @param defaultCountry ISO 3166-1 alpha-2, of phone numbers without +.
 */
export function createUserIndex(key: KeyObject, defaultCountry: string): UserIndex {
  const canonical: Readonly<Record<LookupField, (text: string) => string | undefined>> = {
    login: canonicalName,
    email: canonicalEmail,
    phone: (text) => canonicalPhone(text, defaultCountry),
    custom: canonicalName,
  };
  const keyOf: UserIndex["keyOf"] = (field, value) => {
    const text = textOf(field, value);
    const found = text === undefined ? undefined : canonical[field](text);
    if (found === undefined) return undefined;
    return `${field}/${mac(key, "user index", field, found).toString("base64url")}`;
  };
  const keysOf: UserIndex["keysOf"] = (profile) => {
    const keys = new Map<LookupField, string>();
    for (const field of LOOKUP_FIELDS) {
      const found = Object.hasOwn(profile, field) ? keyOf(field, profile[field]) : undefined;
      if (found !== undefined) keys.set(field, found);
    }
    return keys;
  };
  return { keyOf, keysOf };
}

/** An e-mail address is never a number; everything else that is neither text nor number is not indexed. */
function textOf(field: LookupField, value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "number" || !Number.isFinite(value) || field === "email") return undefined;
  return String(BigInt(Math.trunc(value)));
}
