// Numbers as people write them: groups of digits with a space, hyphen, dot, slash or bracket between. Phone numbers and
// payment cards are looked for in the same runs.

const RUN = /\d(?:[ \u00a0.()/\u2010-\u2015-]{0,3}\d)*/g;
const GROUP = /\d+/g;

export type DigitGroup = { readonly digits: string; readonly start: number; readonly end: number };

/** Each run of `text`, as its groups in order. Linear. */
export function digitRuns(text: string): readonly (readonly DigitGroup[])[] {
  return Array.from(text.matchAll(RUN), (run) =>
    Array.from(run[0].matchAll(GROUP), (group) => {
      const start = run.index + group.index;
      return { digits: group[0], start, end: start + group[0].length };
    }),
  );
}

/**
 * The ends (exclusive indexes) of the windows of groups that begin at `first` and have `minDigits` to `maxDigits` digits,
 * longest first.
 */
export function windowEnds(
  groups: readonly DigitGroup[],
  first: number,
  minDigits: number,
  maxDigits: number,
): readonly number[] {
  const ends: number[] = [];
  let digits = 0;
  for (let index = first; index < groups.length; index++) {
    digits += groups[index]?.digits.length ?? 0;
    if (digits > maxDigits) break;
    if (digits >= minDigits) ends.unshift(index + 1);
  }
  return ends;
}
