// Where events lie: in the order of their sequence, found by their own UUID and by whom they are about.

import type { Change, Document, Documents } from "../store/documents.ts";
import { decodeEvent } from "./event.ts";
import type { AuditRecord } from "./event.ts";

/** Bytes of the MAC in front of each event. */
const LINK_BYTES = 32;

/** Fifteen digits: a million events a second for thirty years. */
export function sequenceKey(sequence: number): string {
  return String(sequence).padStart(15, "0");
}

/** `link` is the event's MAC in the chain, `body` its bytes. */
export function insertionOf(
  { sequence, atoken, subject }: Pick<AuditRecord, "sequence" | "atoken" | "subject">,
  link: Uint8Array,
  body: Uint8Array,
): readonly Change[] {
  const key = sequenceKey(sequence);
  const value = Buffer.concat([link, body]);
  const pointers = pointersOf(atoken, subject, key);
  return [
    { table: "audit", key, value },
    ...pointers.map((pointer) => ({ ...pointer, value: Buffer.from(key) })),
  ];
}

export function removalOf({ key, value }: Document): readonly Change[] {
  const { atoken, subject } = decodeEvent(bodyOf(value));
  const places = [{ table: "audit", key } as const, ...pointersOf(atoken, subject, key)];
  return places.map((place) => ({ ...place, value: undefined }));
}

function pointersOf(atoken: string, subject: string | undefined, key: string) {
  const token = { table: "auditIndex", key: tokenKey(atoken) } as const;
  if (subject === undefined) return [token];
  return [token, { table: "auditIndex", key: subjectKey(subject, key) } as const];
}

export function linkOfStored(stored: Uint8Array): Uint8Array {
  return stored.subarray(0, LINK_BYTES);
}

export function bodyOf(stored: Uint8Array): Uint8Array {
  return stored.subarray(LINK_BYTES);
}

/** Rejects `audit-corrupt` for bytes that are no event. */
export async function findEventAt(
  documents: Documents,
  sequence: number,
): Promise<AuditRecord | undefined> {
  const stored = await documents.find("audit", sequenceKey(sequence));
  return stored && decodeEvent(bodyOf(stored));
}

export async function findEvent(
  documents: Documents,
  atoken: string,
): Promise<AuditRecord | undefined> {
  const pointer = await documents.find("auditIndex", tokenKey(atoken));
  if (pointer === undefined) return undefined;
  const record = await findEventAt(documents, sequenceOf(pointer));
  // The index is not chained: what it points to says itself which event it is.
  return record?.atoken === atoken ? record : undefined;
}

/** Of an index entry. */
export function sequenceOf(pointer: Uint8Array): number {
  return Number(Buffer.from(pointer).toString());
}

/** Encoded, so that no subject's keys begin with another's. */
export function subjectKey(subject: string, sequence: string): string {
  return `s/${encodeURIComponent(subject)}/${sequence}`;
}

function tokenKey(atoken: string): string {
  return `t/${atoken}`;
}
