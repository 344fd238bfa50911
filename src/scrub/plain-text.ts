// The cheap test that decides for most paths and queries that no detector can find anything in them: one pass over the
// characters with a few counters, five times as fast as the same test as a regular expression.

import { mayHoldBase64 } from "./encoded-text.ts";

const REJECT = 0;
const LETTER = 1;
const DIGIT = 2;
const DASH = 3;
const DOT = 4;
const BRACKET = 5;
const BREAK = 6;

const ZERO = 48;
const SMALL_X = 120;
const CAPITAL_X = 88;

const CLASSES = classes();

function classes(): Uint8Array {
  const table = new Uint8Array(128);
  const assign = (characters: string, kind: number): void => {
    for (const character of characters) table[character.charCodeAt(0)] = kind;
  };
  assign("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", LETTER);
  assign("0123456789", DIGIT);
  assign("-+", DASH);
  assign(".", DOT);
  assign("()", BRACKET);
  assign("/=&,!$'*~", BREAK);
  return table;
}

/** Where the text stands: a slash separates the segments of a path and an equals sign the parameters of a query; elsewhere they may be part of what is looked for. */
export type PlainContext = "path" | "query" | "part";

/**
 * True when nothing can be found in `text`: no character outside `CLASSES` (an @, a colon, a percent sign, white space …) and
 * less than every detector needs: 7 digits with separators (phone, card), four numbers with dots or `0x` (IPv4), 15 word
 * characters with two digits or only capitals (IBAN, API key), 24 of them with two digits or six capitals (secret), 8 with a capital that can be base64 of a text, 12
 * with six digits (hexadecimal), `eyJ` (JWT), a name before an equals sign. False promises nothing. A new detector must be
 * provided for here.
 */
export function isPlain(text: string, context: PlainContext = "part"): boolean {
  if (text.includes("eyJ")) return false;
  if (context !== "path" && text.includes("/")) return false;
  if (context !== "query" && text.includes("=")) return false;
  let word = 0;
  let wordDigits = 0;
  let wordCapitals = 0;
  let digits = 0;
  let dots = 0;
  let before = 0;
  let mayBeEncoded = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const kind = code < 128 ? (CLASSES[code] ?? REJECT) : REJECT;
    if (kind === REJECT) return false;
    if (kind <= DASH) word++;
    else word = wordDigits = wordCapitals = 0;
    if (kind === DIGIT) {
      wordDigits++;
      digits++;
      if (digits >= 7 || dots >= 3) return false;
    } else if (kind === DOT) dots++;
    else if (kind === LETTER || kind === BREAK) digits = dots = 0;
    if (code <= 90 && kind === LETTER) wordCapitals++;
    if (word >= 15 && (wordDigits >= 2 || wordCapitals >= 15)) return false;
    if (word >= 24 && wordCapitals >= 6) return false;
    if (word >= 8 && wordCapitals > 0) mayBeEncoded = true;
    if (wordDigits >= 6 && word >= 12) return false;
    if (before === ZERO && (code === SMALL_X || code === CAPITAL_X)) return false;
    before = code;
  }
  return !mayBeEncoded || !mayHoldBase64(text);
}
