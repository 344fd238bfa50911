const ESCAPE = /\\(?:x([0-9A-Fa-f]{2})|([nrtvbf"\\]))/g;
const LETTERS: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
  ["b", "\b"],
  ["f", "\f"],
]);

/** Undoes what nginx and Apache do to quoted fields (`\x22`, `\"`, `\n`), so that a user agent is what the client sent, byte for byte. */
export function unescapeField(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(ESCAPE, (_, hex: string | undefined, letter: string | undefined) =>
    hex === undefined
      ? (LETTERS.get(letter ?? "") ?? letter ?? "")
      : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Where the quoted field that begins at `from` ends: the index of its closing quote, or -1. */
export function endOfQuoted(line: string, from: number): number {
  let at = line.indexOf('"', from);
  while (at !== -1 && isEscaped(line, at, from)) at = line.indexOf('"', at + 1);
  return at;
}

function isEscaped(line: string, at: number, from: number): boolean {
  let backslashes = 0;
  for (let index = at - 1; index >= from && line.charCodeAt(index) === 92; index--) backslashes++;
  return backslashes % 2 === 1;
}

/** What servers write for a field that the request did not have. */
export function orEmpty(text: string): string {
  return text === "-" ? "" : text;
}
