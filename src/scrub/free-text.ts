// Text of which nothing is known: lines that could not be parsed. Searched as it stands, then part by part as URLs are.

import { type Scrubbing, cutAll, scrubComponent } from "./component.ts";
import { joinPieces } from "./cutting.ts";
import { decodeWhatCanBe, encodeReading, escapeControls } from "./reading.ts";
import { scrubQuery } from "./query-policy.ts";

const MAX_TEXT_CHARACTERS = 8192;
const WORD = /[^\s"'<>|]+/g;
const COMPONENT = /[^\s"'<>|/?&;=]+/g;

/** The scrubbed text. What is beyond 8 KiB, from the word on in which that is, is replaced by one `~rest` pseudonym. */
export function scrubText(text: string, keep: ReadonlySet<string>, scrubbing: Scrubbing): string {
  if (text.length <= MAX_TEXT_CHARACTERS) return scrubBoundedText(text, keep, scrubbing);
  const cut = startOfWord(text, MAX_TEXT_CHARACTERS);
  const rest = scrubbing.pseudonymise("rest", text.slice(cut));
  return scrubBoundedText(text.slice(0, cut), keep, scrubbing) + rest;
}

function scrubBoundedText(text: string, keep: ReadonlySet<string>, scrubbing: Scrubbing): string {
  // Queries first: afterwards their values would no longer be whole.
  const unqueried = text.replace(WORD, (word) => scrubQueryOfWord(word, keep, scrubbing));
  return joinPieces(cutAll(unqueried, scrubbing), scrubbing.pseudonymise, (rest) =>
    escapeControls(rest.replace(COMPONENT, (component) => scrubEncoded(component, scrubbing))),
  );
}

function scrubQueryOfWord(word: string, keep: ReadonlySet<string>, scrubbing: Scrubbing): string {
  const mark = word.indexOf("?");
  if (mark === -1) return word;
  return `${word.slice(0, mark + 1)}${scrubQuery(word.slice(mark + 1), keep, scrubbing)}`;
}

function scrubEncoded(component: string, scrubbing: Scrubbing): string {
  if (!component.includes("%")) return component;
  // Not a URL by certainty, so a lone percent sign is no reason to replace it; what is still encoded is.
  const reading = decodeWhatCanBe(decodeWhatCanBe(component));
  if (/%[0-9a-f]{2}/i.test(reading)) return scrubComponent(component, scrubbing);
  const pieces = cutAll(reading, scrubbing);
  if (!pieces.some((piece) => piece.is === "found")) return component;
  return joinPieces(pieces, scrubbing.pseudonymise, encodeReading);
}

function startOfWord(text: string, from: number): number {
  const gap = text.slice(0, from).search(/\s\S*$/);
  return gap === -1 ? 0 : gap + 1;
}
