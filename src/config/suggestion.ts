// Which name somebody meant. Small on purpose: names are short, candidates are about a hundred.

// Past this many characters a name is not a slip of the finger, and comparing it costs for nothing.
const MAX_LENGTH = 64;

/** The candidate nearest to `name`, when it is near: one slip in three characters, upper case and separators aside. */
export function findNearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  let nearest: string | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    const slips = distance(plain(name), plain(candidate));
    if (slips < least && slips <= Math.ceil(candidate.length / 3))
      [nearest, least] = [candidate, slips];
  }
  return nearest;
}

function plain(name: string): string {
  return name.replaceAll(/[_-]/g, "").toLowerCase();
}

/** Levenshtein: insertions, deletions and substitutions that turn one into the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const substituted = (row[column - 1] ?? 0) + (from[line - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
