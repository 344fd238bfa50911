// Identifiers in base64, base64url and hexadecimal digits: a run of such characters is read as what it stands for, and
// replaced when something is found in that.

import type { Detector, Effort, FindingKind, Match } from "./finding.ts";

/** What all detectors find in a text: nothing, one thing that is all of it, or something in it. */
export type LookInside = (
  text: string,
  effort: Effort,
) => { readonly kind: FindingKind; readonly canonical: string } | "something" | undefined;

/** A base64 of a base64; deeper ones are replaced whole. */
export const MAX_DEPTH = 2;

// Six bytes, the shortest mail address: eight characters. Such text always has a capital: 0x20 to 0x3f and @ give one.
const RUN = /[A-Za-z0-9+/_-]{8,}={0,2}/g;
const PART = /[A-Za-z0-9+_-]{8,}={0,2}/g;
const HEXADECIMAL = /(?<![0-9a-z])(?:[0-9a-f]{2}){6,}(?![0-9a-z])/gi;
// RFC 4648 sections 4 and 5.
const DIGITS = new Uint8Array(128);
for (const last of ["+/", "-_"]) {
  const alphabet = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${last}`;
  for (let value = 0; value < 64; value++) DIGITS[alphabet.charCodeAt(value)] = value;
}
// To ask all detectors costs as much as to decode so many characters.
const LOOK_COST = 128;
const CAPITAL = /[A-Z]/;
const READABLE = /[\x21-\x7e]{4}/;
const LONG_READABLE = /^[\x20-\x7e\s]{8,}$/;
const UNREADABLE = /[\p{Cc}\ufffd]+/gu;

/** Runs of encoded text that hold anything which the detectors know, replaced whole: as what it is, else as `encoded`. */
export function createEncodedTextDetector(lookInside: LookInside): Detector {
  return {
    kind: "encoded",
    guard: /[\w+/-]{8}/,
    find: (text, effort) => findEncoded(text, effort, lookInside),
  };
}

function findEncoded(text: string, effort: Effort, lookInside: LookInside): readonly Match[] {
  const matches: Match[] = [];
  for (const { 0: run, index } of text.matchAll(RUN)) {
    const parts = run.includes("/") ? findInParts(run, index, effort, lookInside) : [];
    matches.push(...(parts.length > 0 ? parts : findInRun(run, index, effort, lookInside)));
  }
  return matches;
}

/** A slash separates segments more often than it is a digit of base64. */
function findInParts(
  run: string,
  offset: number,
  effort: Effort,
  lookInside: LookInside,
): readonly Match[] {
  return Array.from(run.matchAll(PART), ({ 0: part, index }) =>
    findInRun(part, offset + index, effort, lookInside),
  ).flat();
}

function findInRun(
  run: string,
  offset: number,
  effort: Effort,
  lookInside: LookInside,
): readonly Match[] {
  const match = findInBase64(run, offset, effort, lookInside);
  return match === undefined ? findInHexadecimal(run, offset, effort, lookInside) : [match];
}

function findInHexadecimal(
  run: string,
  offset: number,
  effort: Effort,
  lookInside: LookInside,
): readonly Match[] {
  return Array.from(run.matchAll(HEXADECIMAL), ({ 0: digits, index }) => {
    const readings = [Buffer.from(digits, "hex")];
    return matchIn(digits, offset + index, readings, effort, lookInside);
  }).filter((match) => match !== undefined);
}

function findInBase64(
  run: string,
  offset: number,
  effort: Effort,
  lookInside: LookInside,
): Match | undefined {
  if (!CAPITAL.test(run)) return undefined;
  // Where the encoding begins is not said: `id-` may stand before it in the same alphabet.
  const shifts = [0, 1, 2, 3].filter((shift) => mayBeText(run, shift));
  if (shifts.length === 0) return undefined;
  const readings = shifts.map((shift) => Buffer.from(run.slice(shift), "base64url"));
  return matchIn(run, offset, readings, effort, lookInside);
}

/** Cheap: false when no run in `text` can be base64 of a text of eight characters and more. Slashes separate. */
export function mayHoldBase64(text: string): boolean {
  return (text.match(PART) ?? []).some(
    (part) => CAPITAL.test(part) && [0, 1, 2, 3].some((shift) => mayBeText(part, shift)),
  );
}

/** Cheap: whether two groups of base64 in a row stand for six printable characters. One word in four hundred does by chance. */
function mayBeText(run: string, shift: number): boolean {
  let groups = 0;
  for (let at = shift; at + 4 <= run.length; at += 4) {
    const bits =
      (digitAt(run, at) << 18) |
      (digitAt(run, at + 1) << 12) |
      (digitAt(run, at + 2) << 6) |
      digitAt(run, at + 3);
    groups =
      isPrintable(bits >> 16) && isPrintable((bits >> 8) & 255) && isPrintable(bits & 255)
        ? groups + 1
        : 0;
    if (groups === 2) return true;
  }
  return false;
}

function digitAt(run: string, index: number): number {
  return DIGITS[run.charCodeAt(index)] ?? 0;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

function matchIn(
  run: string,
  start: number,
  readings: readonly Buffer[],
  effort: Effort,
  lookInside: LookInside,
): Match | undefined {
  const place = { start, end: start + run.length };
  for (const reading of readings) {
    const text = reading.toString("utf8").replace(UNREADABLE, " ");
    if (!READABLE.test(text)) continue;
    // SECURITY: fails closed, when it is encoded too deep and when looking further would cost too much.
    if (effort.depth >= MAX_DEPTH) {
      if (LONG_READABLE.test(text)) return { ...place, kind: "opaque", canonical: run };
      continue;
    }
    const cost = text.length + LOOK_COST;
    if (effort.decodedCharacters < cost) return { ...place, kind: "opaque", canonical: run };
    effort.decodedCharacters -= cost;
    effort.depth++;
    const inside = lookInside(text, effort);
    effort.depth--;
    if (inside === "something") return { ...place, canonical: run };
    if (inside !== undefined) return { ...place, ...inside };
  }
  return undefined;
}
