import type { KeyObject } from "node:crypto";
import type { Role } from "../../callers/role.ts";
import { aeadKey, associatedData, openWith, sealWith } from "../../keys/aead.ts";
import { mac } from "../../keys/mac.ts";

/** A temporary identity: what the bearer of a random UUID gets to see of somebody, until when and how often. */
export type SharedRecord = {
  /**
   * Names the record to whoever lists or revokes it: a MAC of the bearer token under `keyring.callersKey`, in the form of a UUID.
   * SECURITY: the bearer token itself is told once and stored nowhere.
   */
  readonly id: string;
  readonly createdMs: number;
  readonly expiresAtMs: number;
  /** User token and session id, as far as there are any: the erasure of either takes the record away. Not empty. */
  readonly subjects: readonly string[];
  readonly shown: Shown;
  /** Paths (field-selection.ts); undefined: everything that the creator's role sees. */
  readonly fields?: readonly string[] | undefined;
  readonly creator: { readonly name: string; readonly role: Role };
  readonly reason?: string | undefined;
  /** Whom it was meant for, in the creator's words; stored and told, nothing else. */
  readonly partner?: string | undefined;
  /** Undefined: as often as the bearer likes. */
  readonly usesLeft?: number | undefined;
};

/** Of whom what: the profile of a user record, one of its apps, or a session. */
export type Shown =
  | { readonly kind: "profile"; readonly token: string }
  | { readonly kind: "app"; readonly token: string; readonly app: string }
  | { readonly kind: "session"; readonly session: string; readonly token?: string | undefined };

/** What the indexes are made of; readable without a key, so that a record whose key has died can be removed. */
export type SharedRecordPlaces = Pick<
  SharedRecord,
  "id" | "createdMs" | "expiresAtMs" | "subjects"
>;

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * The id of the record that `bearer` opens, in either letter case; undefined when it is no UUID.
 * SECURITY: 128 bits of a MAC under a key that is not in the store; nobody gets from it to the bearer token.
 */
export function findRecordId(key: KeyObject, bearer: string): string | undefined {
  if (!UUID.test(bearer)) return undefined;
  const hex = mac(key, "shared record", bearer.toLowerCase()).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
}

/** The name of a record's own key in the keyring. It dies with the record, or at its expiry. */
export function keyNameOf(id: string): string {
  return `shared:${id}`;
}

/** JSON: `[version, createdMs, expiresAtMs, subjects, sealed description in base64]`. What is readable is bound to what is sealed. */
export function encodeSharedRecord(record: SharedRecord, key: Buffer): Buffer {
  const { id, createdMs, expiresAtMs, subjects, ...description } = record;
  const aad = bindingOf({ id, createdMs, expiresAtMs, subjects });
  const sealed = sealWith(aeadKey(key), Buffer.from(JSON.stringify(description)), aad);
  const encoded = sealed.toString("base64");
  return Buffer.from(JSON.stringify([1, createdMs, expiresAtMs, subjects, encoded]));
}

export function decodePlaces(id: string, stored: Uint8Array): SharedRecordPlaces {
  const [, createdMs, expiresAtMs, subjects] = parse(stored);
  return { id, createdMs, expiresAtMs, subjects };
}

/** Throws `open-failed` when the record was altered, or stands under another id. */
export function openSharedRecord(id: string, stored: Uint8Array, key: Buffer): SharedRecord {
  const places = decodePlaces(id, stored);
  const sealed = Buffer.from(parse(stored)[4], "base64");
  const opened = openWith(aeadKey(key), sealed, bindingOf(places));
  // Authenticated: `encodeSharedRecord` has written it, so it has this shape.
  return { ...places, ...JSON.parse(opened.toString("utf8")) } as SharedRecord;
}

type Stored = readonly [1, number, number, readonly string[], string];

function parse(stored: Uint8Array): Stored {
  return JSON.parse(Buffer.from(stored).toString("utf8")) as Stored; // what is wrong in it fails its tag
}

function bindingOf({ id, createdMs, expiresAtMs, subjects }: SharedRecordPlaces): Buffer {
  const times = [String(createdMs), String(expiresAtMs)];
  return associatedData("shared record", "1", keyNameOf(id), ...times, ...subjects);
}
