// `password=…`, `"email": "…"`, `Authorization: Bearer …`: values that say nothing of themselves but have a name that does.

import { findNumericAddress } from "./ip-address.ts";
import type { Detector, Effort, Match } from "./finding.ts";
import { type NameMeaning, meaningOf } from "./parameter-name.ts";

/** The whole of a value, when it is something that a detector knows by its looks. */
export type Recognise = (
  value: string,
  effort: Effort,
) => { readonly kind: string; readonly canonical: string } | undefined;

// A name, its separator, and the beginning of the value. All parts are bounded, and a name begins where a word does.
const NAMED =
  /(?<![\w.-])(\\?["'])?([A-Za-z_][\w.\-[\]]{0,63})(\\?["'])?(\s{0,2}(?:=>|[:=])\s{0,2})(?=\S)/g;
const QUOTED = /\\?(["'])((?:[^"'\\\n]|\\[^"'\n]|(?!\1)["']){0,2048})/y;
const BARE = /[^\s&;,"'<>|(){}\\]{1,2048}/y;
const AUTHORIZATION = /^(?:proxy-)?authorization$/i;
const SCHEME_AND_CREDENTIALS = /(?:[A-Za-z][\w-]{1,20}\s{1,2})?[^\s"'<>|]{1,4096}/y;
const COOKIES = /^(?:set-)?cookies?$/i;
const TO_END_OF_LINE = /[^"'\r\n]{1,4096}/y;
export const HARMLESS_VALUE =
  /^(?:true|false|yes|no|on|off|null|none|nil|undefined|required|missing|invalid|expired|empty|denied|failed|ok|basic|bearer|digest|negotiate|\*+|\W?(?:redacted|filtered|masked)\W?|[-.]+)$/i;
// What a random code looks like: letters and digits mixed, and some length.
const OPAQUE = /^(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[\w.~+/=%-]{10,}$/;
/** `user "bob": password mismatch` as nginx and Apache write it. */
const USER = /(?<!\w)user (?:"([^"\n]{1,256})"|(\S{1,256})(?=(?: not found|: authentication)))/g;

/**
 * Values of names that mean secrets or personal data, in prose, logs, JSON (also escaped) and forms. Names in prose that
 * are personal (`name: x`) need an equals sign or quotes around them; `code=` and `state=` a value that looks random.
 */
export function createNamedValueDetector(recognise: Recognise): Detector {
  return {
    kind: "value",
    guard: /[A-Za-z_\]][\\"']{0,2}\s{0,2}[:=]|user /,
    find: (text, effort) => {
      const known: Known = (value) => recognise(value, effort);
      return mergeInOrder(findNamed(text, known), findUsers(text, known));
    },
  };
}

type Known = (value: string) => ReturnType<Recognise>;

function findNamed(text: string, recognise: Known): readonly Match[] {
  const matches: Match[] = [];
  let from = 0;
  for (const match of text.matchAll(NAMED)) {
    if (match.index < from) continue;
    const [whole, , name = "", quote, separator = ""] = match;
    const meaning = meaningOf(name);
    if (meaning === undefined) continue;
    const place = placeOfValue(text, match.index + whole.length, name);
    if (place === undefined) continue;
    const value = text.slice(place.start, place.end);
    const isForm = separator.includes("=") || quote !== undefined;
    if (!means(meaning, value, isForm) || HARMLESS_VALUE.test(value)) continue;
    from = place.end;
    matches.push(matchOf(value, place.start, meaning, recognise));
  }
  return matches;
}

function findUsers(text: string, recognise: Known): readonly Match[] {
  return Array.from(text.matchAll(USER), (match) => {
    const value = match[1] ?? match[2] ?? "";
    return matchOf(value, match.index + match[0].indexOf(value, 5), "personal", recognise);
  });
}

function mergeInOrder(a: readonly Match[], b: readonly Match[]): readonly Match[] {
  if (b.length === 0) return a;
  const merged: Match[] = [];
  for (const match of [...a, ...b].sort((one, other) => one.start - other.start)) {
    if (match.start >= (merged.at(-1)?.end ?? 0)) merged.push(match);
  }
  return merged;
}

function means(meaning: NameMeaning, value: string, isForm: boolean): boolean {
  if (meaning === "code") return OPAQUE.test(value);
  return meaning === "secret" || isForm;
}

function placeOfValue(
  text: string,
  index: number,
  name: string,
): { readonly start: number; readonly end: number } | undefined {
  const quoted = matchAt(QUOTED, text, index);
  if (quoted !== undefined) {
    const [whole, , value = ""] = quoted;
    const end = index + whole.length;
    return value === "" ? undefined : { start: end - value.length, end };
  }
  const pattern = COOKIES.test(name)
    ? TO_END_OF_LINE
    : AUTHORIZATION.test(name)
      ? SCHEME_AND_CREDENTIALS
      : BARE;
  const bare = matchAt(pattern, text, index);
  return bare === undefined ? undefined : { start: index, end: index + bare[0].length };
}

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | undefined {
  pattern.lastIndex = index;
  return pattern.exec(text) ?? undefined;
}

function matchOf(value: string, start: number, meaning: NameMeaning, recognise: Known): Match {
  const place = { start, end: start + value.length };
  const address = meaning === "address" ? findNumericAddress(value) : undefined;
  if (address !== undefined) return { ...place, kind: "ip", canonical: address };
  return { ...place, ...(recognise(value) ?? { canonical: value }) };
}
