/** DEL and everything beyond ASCII. */
const UNSAFE = /[\u007f-\uffff]/g;

/**
 * A line of JSON in printable ASCII.
 * SECURITY: JSON escapes control characters up to U+001F only. DEL, the C1 controls (a terminal obeys U+009B) and U+0085, U+2028
 * and U+2029 (line ends to many readers) would let a client forge a line; all that is not printable ASCII is escaped as
 * RFC 8259 section 7 has it. Looked for by length and not by a pattern, which would cost a seventh of the line.
 */
export function asciiOnly(line: string): string {
  const isAscii = Buffer.byteLength(line) === line.length && !line.includes("\u007f");
  return isAscii ? line : line.replace(UNSAFE, escaped);
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
