// One component of a URL: a path segment, a query's key or value. All policies end here.

import { type Piece, cutFindings, cutPseudonyms, joinPieces } from "./cutting.ts";
import type { Detector, Effort } from "./finding.ts";
import { isPlain } from "./plain-text.ts";
import type { Pseudonymise } from "./pseudonym.ts";
import { encodeReading, escapeControls, findReading } from "./reading.ts";

/** What one call of the scrubber works with. */
export type Scrubbing = {
  readonly detectors: readonly Detector[];
  /** Matches our own pseudonyms (global). */
  readonly pseudonyms: RegExp;
  readonly pseudonymise: Pseudonymise;
  readonly effort: Effort;
};

/** The component with everything found in it replaced; byte for byte as it was when nothing is. */
export function scrubComponent(raw: string, scrubbing: Scrubbing): string {
  if (isPlain(raw)) return raw;
  const reading = findReading(raw);
  // SECURITY: fails closed. What we cannot read may be readable to somebody else.
  if (reading === undefined) return scrubbing.pseudonymise("opaque", raw);
  const pieces = cutAll(reading, scrubbing);
  if (!pieces.some((piece) => piece.is === "found")) return escapeControls(raw);
  return joinPieces(
    pieces,
    scrubbing.pseudonymise,
    raw.includes("%") ? encodeReading : escapeControls,
  );
}

/** The component replaced whole: as what a detector says it is, else as `kind`. Empty stays empty. */
export function replaceComponent(raw: string, kind: string, scrubbing: Scrubbing): string {
  if (raw === "") return raw;
  const { pseudonymise } = scrubbing;
  if (!raw.includes("~") && isPlain(raw)) return pseudonymise(kind, raw.replaceAll("+", " "));
  const reading = findReading(raw);
  if (reading === undefined) return pseudonymise("opaque", raw);
  const [first, ...others] = cutAll(reading, scrubbing);
  if ((first?.is === "found" || first?.is === "pseudonym") && others.length === 0) {
    return joinPieces([first], pseudonymise, escapeControls);
  }
  return pseudonymise(kind, reading.replaceAll("+", " "));
}

/** The component replaced whole as `kind`, without asking what else it may be. Empty stays empty, our own pseudonyms stay. */
export function replaceAs(raw: string, kind: string, scrubbing: Scrubbing): string {
  if (raw === "") return raw;
  const reading = findReading(raw);
  if (reading === undefined) return scrubbing.pseudonymise("opaque", raw);
  const [first, ...others] = cutPseudonyms(reading, scrubbing.pseudonyms);
  if (first?.is === "pseudonym" && others.length === 0) return first.text;
  return scrubbing.pseudonymise(kind, reading);
}

/** The text cut by all detectors, in their order. */
export function cutAll(text: string, scrubbing: Scrubbing): readonly Piece[] {
  let pieces = cutPseudonyms(text, scrubbing.pseudonyms);
  for (const detector of scrubbing.detectors) {
    pieces = cutFindings(pieces, detector, scrubbing.effort);
  }
  return pieces;
}
