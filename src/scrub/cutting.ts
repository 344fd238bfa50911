// A text cut into what stays and what is to be replaced.

import type { Detector, Effort, FindingKind } from "./finding.ts";
import type { Pseudonymise } from "./pseudonym.ts";

export type Piece =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "pseudonym" | "spared"; readonly text: string }
  | { readonly is: "found"; readonly kind: FindingKind; readonly canonical: string };

/** Cuts out the pseudonyms that a text already has, so that scrubbing twice is scrubbing once. `pattern` is global. */
export function cutPseudonyms(text: string, pattern: RegExp): readonly Piece[] {
  if (!text.includes("~")) return [{ is: "text", text }];
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    pushText(pieces, text.slice(from, match.index));
    pieces.push({ is: "pseudonym", text: match[0] });
    from = match.index + match[0].length;
  }
  pushText(pieces, text.slice(from));
  return pieces;
}

/** Cuts what `detector` finds out of the pieces that are still text. */
export function cutFindings(
  pieces: readonly Piece[],
  detector: Detector,
  effort: Effort,
): readonly Piece[] {
  if (!pieces.some((piece) => mayHold(piece, detector))) return pieces;
  return pieces.flatMap((piece) => {
    if (piece.is !== "text" || !mayHold(piece, detector)) return [piece];
    // As sent first: in `bob+news@` a plus is itself.
    const asSent = cutText(piece.text, piece.text, detector, effort);
    return asSent.flatMap((rest) =>
      rest.is === "text" && rest.text.includes("+")
        ? cutText(rest.text, spaced(rest.text), detector, effort)
        : [rest],
    );
  });
}

/** The text with pseudonyms for what was found; what stays goes through `keep`. */
export function joinPieces(
  pieces: readonly Piece[],
  pseudonymise: Pseudonymise,
  keep: (text: string) => string,
): string {
  let joined = "";
  for (const piece of pieces) {
    if (piece.is === "found") joined += pseudonymise(piece.kind, piece.canonical);
    else joined += piece.is === "text" ? keep(piece.text) : piece.text;
  }
  return joined;
}

function mayHold(piece: Piece, detector: Detector): boolean {
  if (piece.is !== "text") return false;
  if (detector.guard.test(piece.text)) return true;
  return piece.text.includes("+") && detector.guard.test(spaced(piece.text));
}

/** In forms and many paths a plus is a space (`call+07911+123456`), but hardly the one that a phone number begins with. */
function spaced(text: string): string {
  return text.replace(/(?<=[\p{L}\p{N})])\+/gu, " ");
}

/** `view` is what `text` looks like to the detector, character by character. */
function cutText(text: string, view: string, detector: Detector, effort: Effort): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const { start, end, canonical } of detector.find(view, effort)) {
    pushText(pieces, text.slice(from, start));
    if (detector.spares === true) pieces.push({ is: "spared", text: text.slice(start, end) });
    else pieces.push({ is: "found", kind: detector.kind, canonical });
    from = end;
  }
  pushText(pieces, text.slice(from));
  return pieces;
}

function pushText(pieces: Piece[], text: string): void {
  if (text !== "") pieces.push({ is: "text", text });
}
