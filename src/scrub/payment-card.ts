import { type DigitGroup, digitRuns, windowEnds } from "./digit-run.ts";
import type { Detector, Match } from "./finding.ts";

// What issuers' numbers begin with, by length (ISO/IEC 7812-1 lists industries; 1 is airlines, 2 to 6 are cards and banks).
const ISSUED =
  /^(?:4\d{12}|3[0689]\d{12}|(?:1|3[47]|2131)\d{11,14}(?<=^\d{15})|[2-6]\d{15}|[4-6]\d{16,18})$/;
const MIN_DIGITS = 13;
const MAX_DIGITS = 19;

/** Primary account numbers (ISO/IEC 7812): 13 to 19 digits that begin as issuers' do and pass the Luhn check, in one piece or in groups. */
export const PAYMENT_CARD: Detector = {
  kind: "card",
  guard: /\d(?:[^\w:]{0,3}\d){12}/,
  find: (text) => digitRuns(text).flatMap((groups) => findCards(groups)),
};

function findCards(groups: readonly DigitGroup[]): readonly Match[] {
  const findings: Match[] = [];
  let first = 0;
  while (first < groups.length) {
    const end = windowEnds(groups, first, MIN_DIGITS, MAX_DIGITS).find((end) =>
      isCard(groups.slice(first, end)),
    );
    if (end !== undefined) findings.push(findingOf(groups.slice(first, end)));
    first = end ?? first + 1;
  }
  return findings;
}

function isCard(groups: readonly DigitGroup[]): boolean {
  // Groups of two are dates and times, a tenth of which would pass the check by chance.
  if (!groups.slice(0, -1).every((group) => group.digits.length >= 3)) return false;
  const digits = join(groups);
  return ISSUED.test(digits) && passesLuhn(digits);
}

function findingOf(groups: readonly DigitGroup[]): Match {
  return {
    start: groups[0]?.start ?? 0,
    end: groups.at(-1)?.end ?? 0,
    canonical: join(groups),
  };
}

function join(groups: readonly DigitGroup[]): string {
  return groups.map((group) => group.digits).join("");
}

/** ISO/IEC 7812-1 annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
