import {
  type CountryCode,
  Metadata,
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
} from "libphonenumber-js/max";
import { type DigitGroup, digitRuns, windowEnds } from "./digit-run.ts";
import type { Detector, Effort, Match } from "./finding.ts";

const MIN_DIGITS = 7;
// E.164 has 15 at most; "00" may stand before them.
const MAX_DIGITS = 17;
// Dates are in many paths, and some are somebody's number.
const DATE = /(?<![\d+])(?:19|20)\d\d([-/.])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!\d)/g;
// So are times in seconds or milliseconds since 1970 (from 2017 to 2033) and fractions of one; nobody leaves out the 0 or + there.
const TIME = /(?<![\d+][ .()-]{0,2}|\+)1[5-9]\d{8}(?:\d{3})?(?![ .()-]{0,2}\d)/g;
const FRACTION = /(?<![\d.])0\.\d+(?![\d.])/g;

/**
 * Phone numbers as libphonenumber knows them, those without + as dialled in `defaultCountry` (ISO 3166-1 alpha-2) and, from 11
 * digits on, as E.164 without its plus (`wa.me/12025550147`). What is written as a number (with +, 0 or the country's own code
 * before it) only needs a possible length, for ranges are opened faster than tables are.
 */
export function createPhoneDetector(defaultCountry: string): Detector {
  const dialling = diallingIn(defaultCountry);
  return {
    kind: "phone",
    guard: /\d(?:[^\w:]{0,3}\d){6}/,
    find: (text, effort) => {
      const blank = (found: string): string => "x".repeat(found.length);
      const undated = [DATE, TIME, FRACTION].reduce((left, one) => left.replace(one, blank), text);
      return digitRuns(undated).flatMap((groups) => findPhones(undated, groups, dialling, effort));
    },
  };
}

// Of random numbers with 11 digits a fifth is valid somewhere, with 12 a twelfth; with 10 and fewer it would be too many.
const MIN_BARE_E164 = 11;

type Dialling = {
  readonly country: CountryCode | undefined;
  readonly callingCode: string | undefined;
  /** Cheap: false when so many digits, with these before them, are no number here. */
  readonly mayBeNumber: (digits: string) => boolean;
};

/** Most long numbers in paths are ids; their length tells so for a hundredth of what parsing costs. */
function diallingIn(country: string): Dialling {
  const isBareE164 = (digits: string): boolean => digits.length >= MIN_BARE_E164;
  if (!isSupportedCountry(country)) {
    return { country: undefined, callingCode: undefined, mayBeNumber: isBareE164 };
  }
  const metadata = new Metadata();
  metadata.selectNumberingPlan(country);
  const lengths: ReadonlySet<number> = new Set(metadata.numberingPlan?.possibleLengths());
  const callingCode = getCountryCallingCode(country);
  return {
    country,
    callingCode,
    mayBeNumber: (digits) =>
      lengths.has(digits.length) ||
      isBareE164(digits) ||
      // 0 in most countries, 1 or 8 in some: the prefix of calls within the country.
      (/^[018]/.test(digits) && lengths.has(digits.length - 1)) ||
      (digits.startsWith(callingCode) && lengths.has(digits.length - callingCode.length)),
  };
}

function findPhones(
  text: string,
  groups: readonly DigitGroup[],
  dialling: Dialling,
  effort: Effort,
): readonly Match[] {
  const findings: Match[] = [];
  let first = 0;
  while (first < groups.length) {
    let next = first + 1;
    for (const end of candidates(text, groups, first)) {
      const finding = findPhone(text, groups.slice(first, end), dialling, effort);
      if (finding === undefined) continue;
      findings.push(finding);
      next = end;
      break;
    }
    first = next;
  }
  return findings;
}

/** Where a number that begins with group `first` may end: anywhere when it looks like a beginning, else only alone or as the rest. */
function candidates(text: string, groups: readonly DigitGroup[], first: number): readonly number[] {
  const ends = windowEnds(groups, first, MIN_DIGITS, MAX_DIGITS);
  const group = groups[first];
  if (group === undefined || startOfNumber(text, group) < group.start) return ends;
  if (group.digits.startsWith("0")) return ends;
  return ends.filter((end) => end === first + 1 || (first === 0 && end === groups.length));
}

/** A number begins with its plus sign and an opening bracket. */
function startOfNumber(text: string, group: DigitGroup): number {
  let start = group.start;
  while (start > 0 && group.start - start < 3 && "+( ".includes(text.charAt(start - 1))) start--;
  while (start < group.start && text[start] === " ") start++;
  return start;
}

function findPhone(
  text: string,
  groups: readonly DigitGroup[],
  dialling: Dialling,
  effort: Effort,
): Match | undefined {
  const first = groups[0];
  if (first === undefined) return undefined;
  const start = startOfNumber(text, first);
  const end = groups.at(-1)?.end ?? start;
  const digits = groups.map((group) => group.digits).join("");
  const isInternational = /^\(?\+/.test(text.slice(start, start + 2));
  if (!isInternational && !dialling.mayBeNumber(digits)) return undefined;
  // Fails private: who makes us search too long gets every long number replaced.
  if (effort.phoneParses <= 0) return { start, end, canonical: digits };
  effort.phoneParses--;
  const canonical = findE164(digits, isInternational, dialling);
  return canonical === undefined ? undefined : { start, end, canonical };
}

function findE164(digits: string, hasPlus: boolean, dialling: Dialling): string | undefined {
  const { country, callingCode } = dialling;
  const isDialled = /^0(?:0|[1-9]\d{8})/.test(digits);
  const isOwn = callingCode !== undefined && digits.startsWith(callingCode);
  return (
    (hasPlus ? parsePhone(`+${digits}`, undefined, "possible") : undefined) ??
    // A plus may also be a space in a form's spelling, with a national number behind it.
    parsePhone(digits, country, isDialled ? "possible" : "valid") ??
    (digits.length >= MIN_BARE_E164
      ? parsePhone(`+${digits}`, undefined, isOwn ? "possible" : "valid")
      : undefined)
  );
}

function parsePhone(
  text: string,
  country: CountryCode | undefined,
  must: "possible" | "valid",
): string | undefined {
  const number = parsePhoneNumberFromString(text, {
    ...(country === undefined ? {} : { defaultCountry: country }),
    extract: false,
  });
  const isPhone = must === "valid" ? number?.isValid() : number?.isPossible();
  return isPhone === true ? number?.number : undefined;
}
