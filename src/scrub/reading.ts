// Detectors read what an upstream would read: percent-encoding, character references of HTML and escapes of JSON undone,
// compatibility forms (full-width digits and the like) folded. Each character of a reading knows where it was sent, so that
// what is found in it is replaced there and everything around stays as it was.

import { isUtf8 } from "node:buffer";

/** What a text means. `starts` and `ends`: of each of its code units the place in the raw text; absent when they are the same. */
export type Reading = {
  readonly text: string;
  readonly places?: { readonly starts: readonly number[]; readonly ends: readonly number[] };
};

// A client may encode twice to get past us when the upstream decodes twice; three layers are no honest request.
const ROUNDS = 2;
const NAMED_REFERENCES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    amp: "&", apos: "'", colon: ":", comma: ",", commat: "@", dash: "-", equals: "=", gt: ">", hyphen: "-",
    lowbar: "_", lpar: "(", lt: "<", nbsp: " ", num: "#", percnt: "%", period: ".", plus: "+", quot: '"', rpar: ")", sol: "/",
  }), // prettier-ignore
);
const ESCAPE = new RegExp(
  [
    "(?:%[0-9a-f]{2})+",
    "&#(?:[0-9]{1,7}|x[0-9a-f]{1,6});",
    `&(?:${[...NAMED_REFERENCES.keys()].join("|")});`,
    String.raw`\\u[0-9a-f]{4}`,
    String.raw`\\x[0-9a-f]{2}`,
  ].join("|"),
  "gi",
);
const MAY_ESCAPE = /[%&\\]/;
const PERCENT = /%(?![0-9a-f]{2})/i;
const NOT_PRINTABLE_ASCII = /[^\x20-\x7e]/;
const BEYOND_ASCII = /[^\p{ASCII}]/u;
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u;

/**
 * The reading of a path segment, query key or query value. Undefined when it has none: percent signs that encode
 * nothing, bytes that are not UTF-8, or still encoded after two rounds (fails private: the caller replaces it whole).
 */
export function findReading(raw: string): Reading | undefined {
  if (!MAY_ESCAPE.test(raw)) return fold({ text: raw });
  if (PERCENT.test(raw) || hasForeignBytes(raw)) return undefined;
  const reading = decode({ text: raw }, ROUNDS);
  return isEscaped(reading.text) ? undefined : fold(reading);
}

/** The reading of free text, which may hold percent signs that encode nothing; those stay. What is encoded deeper stays encoded. */
export function readLeniently(raw: string): Reading {
  return fold(decode({ text: raw }, ROUNDS));
}

/** The text after two rounds, without its places. */
export function decodeWhatCanBe(text: string): string {
  return decode({ text }, ROUNDS).text;
}

/** Whether something is left to decode. */
export function isEscaped(text: string): boolean {
  return MAY_ESCAPE.test(text) && text.search(ESCAPE) !== -1;
}

/** Where `start` to `end` of a reading was sent. */
export function placeOf(
  { places }: Reading,
  start: number,
  end: number,
): { readonly start: number; readonly end: number } {
  if (places === undefined) return { start, end };
  return { start: places.starts[start] ?? 0, end: places.ends[end - 1] ?? 0 };
}

/** A text as it may stand in a line: printable ASCII, all else percent-encoded. */
export function escapeUnprintable(text: string): string {
  if (!NOT_PRINTABLE_ASCII.test(text)) return text;
  return text.toWellFormed().replace(/[^\x20-\x7e]+/g, (run) => encodeURIComponent(run));
}

function hasForeignBytes(raw: string): boolean {
  if (!raw.includes("%")) return false;
  return (raw.match(/(?:%[0-9a-f]{2})+/gi) ?? []).some((run) => !isUtf8(bytesOf(run)));
}

function bytesOf(run: string): Buffer {
  return Buffer.from(run.replaceAll("%", ""), "hex");
}

function decode(reading: Reading, rounds: number): Reading {
  let read = reading;
  for (let round = 0; round < rounds && MAY_ESCAPE.test(read.text); round++) {
    const next = decodeOnce(read);
    if (next === read) break;
    read = next;
  }
  return read;
}

function decodeOnce(reading: Reading): Reading {
  const { text } = reading;
  const rewriting = new Rewriting(reading);
  let from = 0;
  for (const match of text.matchAll(ESCAPE)) {
    rewriting.copy(from, match.index);
    from = match.index + match[0].length;
    if (match[0].startsWith("%")) decodePercent(match[0], match.index, rewriting);
    else rewriting.write(characterOf(match[0]), match.index, from);
  }
  if (from === 0) return reading;
  rewriting.copy(from, text.length);
  return rewriting.reading();
}

function decodePercent(run: string, index: number, rewriting: Rewriting): void {
  const bytes = bytesOf(run);
  // A byte that is not UTF-8 reads as U+FFFD, so that it cannot shield its neighbours from being decoded.
  const characters = isUtf8(bytes)
    ? bytes.toString("utf8")
    : bytes.toString("latin1").replace(/[^\p{ASCII}]/gu, "\ufffd");
  let at = index;
  for (const character of characters) {
    const length = isUtf8(bytes) ? Buffer.byteLength(character) : 1;
    rewriting.write(character, at, at + length * 3);
    at += length * 3;
  }
}

function characterOf(escape: string): string {
  const named = NAMED_REFERENCES.get(escape.slice(1, -1).toLowerCase());
  if (named !== undefined) return named;
  const isDecimal = escape.startsWith("&#") && !/^&#x/i.test(escape);
  const code = Number.parseInt(escape.replace(/^(?:&#x?|\\[ux])/i, ""), isDecimal ? 10 : 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
}

/** Compatibility forms as what they stand for, without what cannot be seen (soft hyphens, zero-width spaces). */
function fold(reading: Reading): Reading {
  if (!BEYOND_ASCII.test(reading.text)) return reading;
  const rewriting = new Rewriting(reading);
  let at = 0;
  for (const character of reading.text) {
    const end = at + character.length;
    if (!INVISIBLE.test(character)) rewriting.write(character.normalize("NFKC"), at, end);
    at = end;
  }
  return rewriting.reading();
}

/** A reading made out of another one. */
class Rewriting {
  readonly #from: Reading;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #text = "";

  constructor(from: Reading) {
    this.#from = from;
  }

  /** What stands at `start` to `end` of the former reading, as it is. */
  copy(start: number, end: number): void {
    for (let at = start; at < end; at++) this.#place(at, at + 1);
    this.#text += this.#from.text.slice(start, end);
  }

  /** `characters` in place of what stands at `start` to `end` of the former reading. */
  write(characters: string, start: number, end: number): void {
    for (let count = 0; count < characters.length; count++) this.#place(start, end);
    this.#text += characters;
  }

  reading(): Reading {
    return { text: this.#text, places: { starts: this.#starts, ends: this.#ends } };
  }

  #place(start: number, end: number): void {
    const { places } = this.#from;
    this.#starts.push(places?.starts[start] ?? start);
    this.#ends.push(places?.ends[end - 1] ?? end);
  }
}
