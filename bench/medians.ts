/** The middle one, or the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return middle.reduce((total, number) => total + number, 0) / middle.length;
}

/** Median of the quotients of what was measured in the same round, so that a slow moment of the machine hits both sides. */
export function medianRatio(above: readonly number[], below: readonly number[]): number {
  return median(above.map((number, round) => number / (below[round] ?? Number.NaN)));
}
