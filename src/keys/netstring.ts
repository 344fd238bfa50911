/** One field of something that is hashed, authenticated or bound. Text counts as its UTF-8 bytes. */
export type Part = string | Uint8Array;

/**
 * Joins parts as netstrings (`length:bytes,`, cr.yp.to/proto/netstrings.txt), so that no two lists of parts give the same
 * bytes: ("a", "bc") and ("ab", "c") differ.
 */
export function encodeParts(parts: readonly Part[]): Buffer {
  return Buffer.concat(parts.map(encodePart));
}

function encodePart(part: Part): Buffer {
  const bytes = typeof part === "string" ? Buffer.from(part) : part;
  return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(",")]);
}
