import type { Detector } from "./finding.ts";

const OBJECT_ID = new RegExp(
  [
    // RFC 9562 section 4.
    "(?<![0-9a-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])",
    // Shorter than a secret, such as MongoDB's 24 digits; letters in three places, so that it is not a number with a word to it.
    "(?<![0-9a-z])(?=\\d*[a-f]+\\d+[a-f]+\\d+[a-f])[0-9a-f]{16,31}(?![0-9a-z])",
  ].join("|"),
  "gi",
);

/**
 * Hexadecimal ids of things. They stay (an operator who finds them personal has path templates), and the digits in them are
 * nobody's phone number.
 */
export const OBJECT_ID_SPARED: Detector = {
  kind: "id",
  spares: true,
  guard: /[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{16}/i,
  find: (text) =>
    Array.from(text.matchAll(OBJECT_ID), (match) => ({
      start: match.index,
      end: match.index + match[0].length,
      canonical: match[0],
    })),
};
