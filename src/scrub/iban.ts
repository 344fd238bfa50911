import type { Detector, Match } from "./finding.ts";

const COUNTRY_AND_CHECK_DIGITS = /(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}/g;
const HEAD_LENGTH = 4;
// ISO 13616: what follows the country and the check digits, from Norway's 11 to the longest allowed.
const MIN_BODY = 11;
const MAX_BODY = 30;

/** International bank account numbers (ISO 13616): 15 to 34 characters, in groups or not, whose check digits fit. */
export const IBAN: Detector = {
  kind: "iban",
  guard: /[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11}/,
  find: findIbans,
};

function findIbans(text: string): readonly Match[] {
  const findings: Match[] = [];
  let from = 0;
  for (const { index: start } of text.matchAll(COUNTRY_AND_CHECK_DIGITS)) {
    const end = start < from ? undefined : findEnd(text, start);
    if (end === undefined) continue;
    const canonical = text.slice(start, end).replace(/[ -]/g, "").toUpperCase();
    findings.push({ start, end, canonical });
    from = end;
  }
  return findings;
}

/**
 * Where the longest number that begins at `start`, ends with its group and passes the check ends; lengths differ from country
 * to country. The check (ISO 7064 MOD 97-10) takes the body first and the head behind it, so one pass tries all lengths.
 */
function findEnd(text: string, start: number): number | undefined {
  const head = remainder(0, text.slice(start, start + HEAD_LENGTH));
  let body = 0;
  let length = 0;
  let end: number | undefined;
  for (let index = start + HEAD_LENGTH; length < MAX_BODY; index++) {
    if (!isAlphanumeric(text, index)) {
      if (!" -".includes(text.charAt(index)) || !isAlphanumeric(text, index + 1)) break;
      continue;
    }
    body = remainder(body, text.charAt(index));
    length++;
    // Two letters and two digits: six decimal places.
    const isIban = length >= MIN_BODY && (body * 1_000_000 + head) % 97 === 1;
    if (isIban && !isAlphanumeric(text, index + 1)) end = index + 1;
  }
  return end;
}

/** Letters stand for 10 to 35. */
function remainder(before: number, characters: string): number {
  let after = before;
  for (const character of characters) {
    const value = Number.parseInt(character, 36);
    after = (after * (value > 9 ? 100 : 10) + value) % 97;
  }
  return after;
}

function isAlphanumeric(text: string, index: number): boolean {
  return !Number.isNaN(Number.parseInt(text.charAt(index), 36));
}
