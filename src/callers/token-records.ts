import type { KeyObject } from "node:crypto";
import { mac } from "../keys/mac.ts";
import type { Change, Documents } from "../store/documents.ts";
import { readSignedRecord, signRecord } from "./signed-record.ts";

/** Whom an access token stands for, as the table `accessToken` keeps it. */
export type TokenRecord =
  | readonly [kind: "named", name: string]
  | readonly [kind: "log-in", subject: string, expiresAtMs: number];

/**
 * What stays of an access token: its MAC under `keyring.callersKey`, in hex. Records are found by it, so no comparison of secrets can
 * be timed. `token` is in lower case.
 */
export function tokenIdOf(key: KeyObject, token: string): string {
  return mac(key, "access token", token).toString("hex");
}

export async function findTokenRecord(
  documents: Documents,
  key: KeyObject,
  id: string,
): Promise<TokenRecord | undefined> {
  const record = await documents.find("accessToken", placeOf(id));
  if (record === undefined) return undefined;
  return readSignedRecord(key, placeOf(id), record) as TokenRecord; // signed: `tokenChange` has written it
}

export function tokenChange(key: KeyObject, id: string, record: TokenRecord): Change {
  return { table: "accessToken", key: placeOf(id), value: signRecord(key, placeOf(id), record) };
}

export function tokenRemoval(id: string): Change {
  return { table: "accessToken", key: placeOf(id), value: undefined };
}

function placeOf(id: string): string {
  return `mac/${id}`;
}
