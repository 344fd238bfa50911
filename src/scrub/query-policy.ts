// Queries: the values of the keys on the keep list go to the detectors, all others are replaced. Keys and their order stay.

import { type Search, findInComponent, findWhole, wholeOf } from "./component.ts";
import type { Finding } from "./finding.ts";
import { findNumericAddress } from "./ip-address.ts";
import { type NameMeaning, meaningOf } from "./parameter-name.ts";
import { isPlain } from "./plain-text.ts";
import { decodeWhatCanBe } from "./reading.ts";

const MAX_QUERY_CHARACTERS = 8192;
const MAX_PARAMETERS = 200;
// A semicolon was a separator once (HTML 4, appendix B.2.2) and still is one for some upstreams.
const SEPARATOR = /[&;]/g;

/** The names whose values may be written: decoded, in the case in which they are sent. */
export type KeepList = { readonly has: (name: string) => boolean };

export function createKeepList(names: readonly string[]): KeepList {
  // SECURITY: a password in a log is never what an operator meant.
  return new Set(names.filter((name) => meaningOf(name) !== "secret"));
}

/** Beside `kept`, all names that mean nothing personal: for those who report what a log holds, and write nothing. */
export function createHarmlessList(kept: KeepList): KeepList {
  return { has: (name) => kept.has(name) || !TELLING.has(meaningOf(name)) };
}

const TELLING: ReadonlySet<NameMeaning | undefined> = new Set(["secret", "personal", "address"]);

/**
 * What is to be replaced in a query that begins at `offset`. What is beyond 8 KiB or 200 parameters, from the parameter on in
 * which that is, is one `rest`.
 */
export function findInQuery(
  query: string,
  offset: number,
  keep: KeepList,
  search: Search,
): readonly Finding[] {
  const findings: Finding[] = [];
  let start = 0;
  for (let count = 0; start <= query.length; count++) {
    SEPARATOR.lastIndex = start;
    const end = SEPARATOR.exec(query)?.index ?? query.length;
    if (count >= MAX_PARAMETERS || end > MAX_QUERY_CHARACTERS) {
      const rest = query.slice(start);
      if (rest !== "") findings.push(wholeOf(rest, offset + start, "rest", rest));
      return findings;
    }
    findings.push(...findInParameter(query.slice(start, end), offset + start, keep, search));
    start = end + 1;
  }
  return findings;
}

/** True when all keys are on the keep list and nothing can be found in any value: the query stays as it is. */
export function isOrdinaryQuery(query: string, keep: KeepList): boolean {
  if (query.length > 256 || !isPlain(query, "query")) return false;
  let start = 0;
  while (start <= query.length) {
    const ampersand = query.indexOf("&", start);
    const end = ampersand === -1 ? query.length : ampersand;
    const equals = query.indexOf("=", start);
    if (equals !== -1 && equals < end) {
      if (!keep.has(query.slice(start, equals))) return false;
      const second = query.indexOf("=", equals + 1);
      if (second !== -1 && second < end) return false;
    }
    start = end + 1;
  }
  return true;
}

function findInParameter(
  parameter: string,
  offset: number,
  keep: KeepList,
  search: Search,
): readonly Finding[] {
  const equals = parameter.indexOf("=");
  if (equals === -1) return findInComponent(parameter, offset, search);
  const key = parameter.slice(0, equals);
  const value = parameter.slice(equals + 1);
  const place = offset + equals + 1;
  const name = decodeWhatCanBe(key);
  const inKey = findInComponent(key, offset, search);
  const found =
    findNumeric(value, place, name) ??
    (keep.has(name)
      ? findInComponent(value, place, search)
      : findWhole(value, place, "value", search));
  return inKey.length === 0 ? found : [...inKey, ...found];
}

/** `ip=3221225985`: only its name tells that the number is an address. */
function findNumeric(value: string, offset: number, name: string): readonly Finding[] | undefined {
  if (!/^[0-9]/.test(value)) return undefined;
  const address = findNumericAddress(value);
  if (address === undefined || meaningOf(name) !== "address") return undefined;
  return [wholeOf(value, offset, "ip", address)];
}
