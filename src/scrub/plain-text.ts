// The cheap test that decides for most paths and queries that no detector can find anything in them: one pass over the
// characters with a few counters, five times as fast as the same test as a regular expression.

const REJECT = 0;
const LETTER = 1;
const DIGIT = 2;
const DASH = 3;
const DOT = 4;
const BRACKET = 5;
const BREAK = 6;

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

/**
 * True when nothing can be found in `text`: no character outside `CLASSES` (an @, a colon, a percent sign, white space …) and
 * less than every detector needs: 7 digits with separators (phone, card), four numbers with dots (IPv4), 15 word characters with
 * two digits (IBAN), 24 of them with two digits or six capitals (secret), `eyJ` (JWT). False promises nothing. A new detector must be provided for here.
 * A slash separates the segments of a path; elsewhere it may be part of base64.
 */
export function isPlain(text: string, slash: "separates" | "may-be-part" = "may-be-part"): boolean {
  if (text.includes("eyJ") || (slash === "may-be-part" && text.includes("/"))) return false;
  let word = 0;
  let wordDigits = 0;
  let wordCapitals = 0;
  let digits = 0;
  let dots = 0;
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
    if (word >= 15 && (wordDigits >= 2 || (word >= 24 && wordCapitals >= 6))) return false;
  }
  return true;
}
