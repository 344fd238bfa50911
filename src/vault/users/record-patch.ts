// Changes to a JSON object as callers state them: a merge patch (RFC 7386), or a JSON Patch (RFC 6902) when it is a list. Neither
// touches what it was given.

import { isDeepStrictEqual } from "node:util";
import { Pointer, applyPatch } from "rfc6902";
import type { Operation } from "rfc6902";
import { LogveilError } from "../../errors.ts";
import type { Profile } from "./user-record.ts";

export type RecordPatch = Profile | readonly unknown[];

/** Each change is kept twice in the audit trail, so a record stays within what a person fills in. */
const MAX_RECORD_BYTES = 256 * 1024;
const MAX_DEPTH = 64;
/** Each copy can double a record: more of them are no edit but an attack. */
const MAX_COPIES = 100;
const INDEX = /^(?:0|[1-9]\d*)$/;
const OPERATIONS: ReadonlySet<unknown> = new Set([
  "add",
  "copy",
  "move",
  "remove",
  "replace",
  "test",
]);

/** What was stored as a patch, as one. Throws `body-invalid` for anything but an object or a list. */
export function parseRecordPatch(value: unknown): RecordPatch {
  if (!isList(value) && !isObject(value)) throw new LogveilError("body-invalid");
  return value;
}

/** Undefined when a JSON Patch cannot be applied to the last operation. Throws `record-too-large`. */
export function findPatched(record: Profile, patch: RecordPatch): Profile | undefined {
  const patched = isList(patch) ? findEdited(record, patch) : merge(record, patch);
  if (!isObject(patched)) return undefined;
  requireBounded(patched);
  return patched;
}

/** Throws `record-too-large` beyond 256 KiB of JSON or 64 levels. */
export function requireBounded(record: Profile): void {
  // Depth first: it keeps the stack of JSON.stringify within bounds.
  const isBounded =
    isFlat(record, MAX_DEPTH) && Buffer.byteLength(JSON.stringify(record)) <= MAX_RECORD_BYTES;
  if (!isBounded) throw new LogveilError("record-too-large");
}

/** RFC 7386 section 2. Members are defined and never assigned, so `__proto__` is a name like any other. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const members = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, merge(members.get(name), value));
  }
  return Object.fromEntries(members);
}

function findEdited(record: Profile, patch: readonly unknown[]): unknown {
  const edited: unknown = structuredClone(record);
  let copies = 0;
  for (const operation of patch) {
    if (!isApplicable(edited, operation)) return undefined;
    if (operation.op !== "test" && !isApplied(edited, operation)) return undefined;
    if (operation.op !== "copy") continue;
    copies += 1;
    if (copies > MAX_COPIES) throw new LogveilError("record-too-large");
    if (isObject(edited)) requireBounded(edited);
  }
  return edited;
}

function isApplied(document: unknown, operation: Operation): boolean {
  return applyPatch(document, [operation]).every((failure) => failure === null);
}

/**
 * Asked before the library is: it takes inherited members for values, any word for the index of an array, and for `test` it computes
 * a difference whose cost grows with the square of what is compared.
 */
function isApplicable(document: unknown, operation: unknown): operation is Operation {
  if (!isObject(operation) || !OPERATIONS.has(operation["op"])) return false;
  const { op, from, path } = operation;
  const isFromNeeded = op === "copy" || op === "move";
  if (isFromNeeded && !hasValue(document, from)) return false;
  if (op === "add" || isFromNeeded) return hasPlace(document, path);
  if (op !== "test") return path !== "" && hasValue(document, path);
  return hasValue(document, path) && isDeepStrictEqual(valueAt(document, path), operation["value"]);
}

function hasPlace(document: unknown, path: unknown): boolean {
  const tokens = findTokens(path);
  const last = tokens?.at(-1);
  if (tokens === undefined || last === undefined) return false;
  const parent = walk(document, tokens.slice(0, -1));
  if (isList(parent)) return last === "-" || (INDEX.test(last) && Number(last) <= parent.length);
  return isObject(parent);
}

function hasValue(document: unknown, path: unknown): boolean {
  return valueAt(document, path) !== undefined;
}

function valueAt(document: unknown, path: unknown): unknown {
  const tokens = findTokens(path);
  return tokens === undefined ? undefined : walk(document, tokens);
}

/**
 * SECURITY: rfc6902 passes over these tokens on its way, so an operation on `/constructor/a` would change `/a`. Such members can be
 * stored, and changed by a merge patch, but not by a JSON Patch.
 */
const PASSED_OVER: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** The reference tokens of a JSON Pointer (RFC 6901 section 4); empty for the whole document. */
function findTokens(path: unknown): readonly string[] | undefined {
  if (typeof path !== "string" || (path !== "" && !path.startsWith("/"))) return undefined;
  const tokens = Pointer.fromJSON(path).tokens.slice(1);
  return tokens.some((token) => PASSED_OVER.has(token)) ? undefined : tokens;
}

/** Undefined where nothing is: JSON has no undefined. */
function walk(value: unknown, tokens: readonly string[]): unknown {
  let found = value;
  for (const token of tokens) {
    const isReachable = isList(found) ? INDEX.test(token) : isObject(found);
    if (!isReachable || !Object.hasOwn(Object(found), token)) return undefined;
    found = (found as Readonly<Record<string, unknown>>)[token]; // an object or a list, asked above
  }
  return found;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFlat(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isFlat(member, depth - 1));
}
