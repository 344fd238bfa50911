// One component of a URL: a path segment, a query's key or value. All policies end here.

import { type FoundPiece, type Piece, cutFindings, cutPseudonyms } from "./cutting.ts";
import type { Detector, Effort, Finding } from "./finding.ts";
import { isPlain } from "./plain-text.ts";
import { type Reading, escapeUnprintable, findReading, placeOf } from "./reading.ts";
import type { Pseudonymise } from "./pseudonym.ts";

/** What one call of the scrubber works with. */
export type Search = {
  readonly detectors: readonly Detector[];
  /** Matches our own pseudonyms (global). */
  readonly pseudonyms: RegExp;
  readonly effort: Effort;
};

// Each round finds something more, or is the last; what is left after so many is no honest text.
const MAX_ROUNDS = 8;

/** What is to be replaced in `raw`, a component that begins at `offset` of the text that the findings are for. */
export function findInComponent(raw: string, offset: number, search: Search): readonly Finding[] {
  if (isPlain(raw)) return [];
  const reading = findReading(raw);
  // SECURITY: fails closed. What we cannot read may be readable to somebody else.
  if (reading === undefined) return [wholeOf(raw, offset, "opaque", raw)];
  return findInReading(reading, offset, search);
}

/** What is to be replaced in a reading of something that begins at `offset`. */
export function findInReading(
  reading: Reading,
  offset: number,
  search: Search,
): readonly Finding[] {
  return cutAll(reading.text, search)
    .filter((piece) => piece.is === "found")
    .map(({ start, end, kind, canonical }) => {
      const place = placeOf(reading, start, end);
      return { start: place.start + offset, end: place.end + offset, kind, canonical };
    });
}

/** The component replaced whole: as what a detector says it is, else as `kind`. Empty stays empty, our own pseudonyms stay. */
export function findWhole(
  raw: string,
  offset: number,
  kind: string,
  search: Search,
): readonly Finding[] {
  if (raw === "") return [];
  if (!raw.includes("~") && isPlain(raw)) {
    return [wholeOf(raw, offset, kind, raw.replaceAll("+", " "))];
  }
  const reading = findReading(raw);
  if (reading === undefined) return [wholeOf(raw, offset, "opaque", raw)];
  const [first, ...others] = cutAll(reading.text, search);
  if (others.length === 0 && first?.is === "pseudonym") return [];
  if (others.length === 0 && first?.is === "found") {
    return [wholeOf(raw, offset, first.kind, first.canonical)];
  }
  return [wholeOf(raw, offset, kind, reading.text.replaceAll("+", " "))];
}

/** The component replaced whole as `kind`, without asking what else it may be. Empty stays empty, our own pseudonyms stay. */
export function findAs(
  raw: string,
  offset: number,
  kind: string,
  search: Search,
): readonly Finding[] {
  if (raw === "") return [];
  const reading = findReading(raw);
  if (reading === undefined) return [wholeOf(raw, offset, "opaque", raw)];
  const [first, ...others] = cutPseudonyms(reading.text, search.pseudonyms);
  if (first?.is === "pseudonym" && others.length === 0) return [];
  return [wholeOf(raw, offset, kind, reading.text)];
}

/** One finding that is all of `raw`. */
export function wholeOf(raw: string, offset: number, kind: string, canonical: string): Finding {
  return { start: offset, end: offset + raw.length, kind, canonical };
}

/**
 * The text cut by all detectors, in their order, until nothing more is found: what one has cut out may have hidden something, and
 * what is written must hold nothing for a second look.
 */
export function cutAll(text: string, search: Search): readonly Piece[] {
  let pieces = cutPseudonyms(text, search.pseudonyms);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = pieces;
    for (const detector of search.detectors) {
      pieces = cutFindings(text, pieces, detector, search.effort);
    }
    if (pieces === before || !hasNewFindings(before, pieces)) return pieces;
  }
  return pieces.map((piece) => (piece.is === "text" ? opaquePiece(text, piece) : piece));
}

/** The text with pseudonyms for what was found, everything else printable. Findings in order. */
export function writeFindings(
  text: string,
  findings: readonly Finding[],
  pseudonymise: Pseudonymise,
): string {
  let written = "";
  let from = 0;
  for (const { start, end, kind, canonical } of findings) {
    written += escapeUnprintable(text.slice(from, start)) + pseudonymise(kind, canonical);
    from = end;
  }
  return written + escapeUnprintable(text.slice(from));
}

function hasNewFindings(before: readonly Piece[], after: readonly Piece[]): boolean {
  return countFound(after) > countFound(before);
}

function countFound(pieces: readonly Piece[]): number {
  return pieces.filter((piece) => piece.is === "found").length;
}

function opaquePiece(text: string, { start, end }: Piece): FoundPiece {
  return { is: "found", start, end, kind: "opaque", canonical: text.slice(start, end) };
}
