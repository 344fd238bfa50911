// A text cut into what stays and what is to be replaced.

import type { Detector, Effort, FindingKind } from "./finding.ts";

/** A stretch of the text that was cut, `start` (inclusive) to `end` (exclusive). */
export type Piece =
  | { readonly is: "text" | "pseudonym" | "spared"; readonly start: number; readonly end: number }
  | FoundPiece;

export type FoundPiece = {
  readonly is: "found";
  readonly start: number;
  readonly end: number;
  readonly kind: FindingKind;
  readonly canonical: string;
};

/** Cuts out the pseudonyms that a text already has, so that scrubbing twice is scrubbing once. `pattern` is global. */
export function cutPseudonyms(text: string, pattern: RegExp): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  if (text.includes("~")) {
    for (const match of text.matchAll(pattern)) {
      pushText(pieces, from, match.index);
      from = match.index + match[0].length;
      pieces.push({ is: "pseudonym", start: match.index, end: from });
    }
  }
  pushText(pieces, from, text.length);
  return pieces;
}

/** Cuts what `detector` finds out of the pieces of `text` that are still text. The same array when it finds nothing. */
export function cutFindings(
  text: string,
  pieces: readonly Piece[],
  detector: Detector,
  effort: Effort,
): readonly Piece[] {
  let cut: Piece[] | undefined;
  pieces.forEach((piece, index) => {
    const parts = piece.is === "text" ? cutPiece(text, piece, detector, effort) : undefined;
    if (parts === undefined) cut?.push(piece);
    else (cut ??= pieces.slice(0, index)).push(...parts);
  });
  return cut ?? pieces;
}

type Stretch = { readonly start: number; readonly end: number };

/** Undefined when nothing is found. */
function cutPiece(
  text: string,
  { start, end }: Stretch,
  detector: Detector,
  effort: Effort,
): readonly Piece[] | undefined {
  const piece = text.slice(start, end);
  if (!piece.includes("+")) return cutView(piece, start, detector, effort);
  // As sent first: in `bob+news@` a plus is itself.
  const asSent = cutView(piece, start, detector, effort);
  const rest = asSent ?? [{ is: "text", start, end }];
  let isCut = asSent !== undefined;
  const pieces = rest.flatMap((each) => {
    if (each.is !== "text") return [each];
    const view = spaced(text.slice(each.start, each.end));
    const parts = cutView(view, each.start, detector, effort);
    isCut ||= parts !== undefined;
    return parts ?? [each];
  });
  return isCut ? pieces : undefined;
}

/** In forms and many paths a plus is a space (`call+07911+123456`), but hardly the one that a phone number begins with. */
function spaced(text: string): string {
  return text.replace(/(?<=[\p{L}\p{N})])\+/gu, " ");
}

/** `view` is what the text from `offset` on looks like to the detector, character by character. */
function cutView(
  view: string,
  offset: number,
  detector: Detector,
  effort: Effort,
): readonly Piece[] | undefined {
  if (!detector.guard.test(view)) return undefined;
  const pieces: Piece[] = [];
  let from = 0;
  for (const { start, end, kind = detector.kind, canonical } of detector.find(view, effort)) {
    pushText(pieces, offset + from, offset + start);
    const place = { start: offset + start, end: offset + end };
    if (detector.spares === true) pieces.push({ is: "spared", ...place });
    else pieces.push({ is: "found", kind, canonical, ...place });
    from = end;
  }
  if (pieces.length === 0) return undefined;
  pushText(pieces, offset + from, offset + view.length);
  return pieces;
}

function pushText(pieces: Piece[], start: number, end: number): void {
  if (start < end) pieces.push({ is: "text", start, end });
}
