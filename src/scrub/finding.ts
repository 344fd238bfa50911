/** What a replaced text was: `[a-z0-9_]{1,32}`. The detectors' kinds, the policies' (scrubber.ts) and the parts of path templates. */
export type FindingKind = string;

/** Personal data or a secret at `start` (inclusive) to `end` (exclusive) of the text that was searched, in UTF-16 code units. */
export type Finding = {
  readonly start: number;
  readonly end: number;
  /** The one spelling that all spellings of the value share, so that equal values get equal pseudonyms. */
  readonly canonical: string;
  readonly kind: FindingKind;
};

/** What a detector says of its text; without a kind of its own it is the detector's. */
export type Match = Omit<Finding, "kind"> & { readonly kind?: FindingKind };

/** What one path, query or text may still cost. Shared by all its parts; when it is used up, what was to be looked at is replaced unseen. */
export type Effort = {
  /** Look-ups of phone numbers, 10 to 20 µs each. */
  phoneParses: number;
  /** Characters of base64 and hexadecimal digits that are undone. */
  decodedCharacters: number;
  /** How many such encodings the text at hand was inside of. */
  depth: number;
};

// One path or query holds a few numbers.
const PHONE_PARSES = 16;
// Four times what the longest text is, for base64 may begin at any of four characters.
const DECODED_CHARACTERS = 32_768;

export function newEffort(): Effort {
  return { phoneParses: PHONE_PARSES, decodedCharacters: DECODED_CHARACTERS, depth: 0 };
}

/**
 * One kind of thing that must not be written. `find` gets texts that `guard` matched only; its matches are in order and do
 * not overlap. Both take time linear in the text, whatever it is.
 */
export type Detector = {
  readonly kind: FindingKind;
  /** True for what stays and must not be taken for something else by the detectors behind it. */
  readonly spares?: boolean;
  readonly guard: RegExp;
  readonly find: (text: string, effort: Effort) => readonly Match[];
};
