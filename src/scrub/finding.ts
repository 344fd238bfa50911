/** What a replaced text was: `[a-z0-9_]{1,32}`. The detectors' kinds, the policies' (`value`, `opaque`, `host`, `rest`) and the parts of path templates. */
export type FindingKind = string;

/** Personal data or a secret at `start` (inclusive) to `end` (exclusive) of the text that was searched. */
export type Finding = {
  readonly start: number;
  readonly end: number;
  /** The one spelling that all spellings of the value share, so that equal values get equal pseudonyms. */
  readonly canonical: string;
};

/** How many costly look-ups (a phone number's is 10 to 20 µs) one path or query may still cause. Shared by all its parts. */
export type Effort = { phoneParses: number };

/**
 * One kind of thing that must not be written. `find` gets texts that `guard` matched only; its findings are in order and do
 * not overlap. Both take time linear in the text, whatever it is.
 */
export type Detector = {
  readonly kind: FindingKind;
  /** True for what stays and must not be taken for something else by the detectors behind it. */
  readonly spares?: boolean;
  readonly guard: RegExp;
  readonly find: (text: string, effort: Effort) => readonly Finding[];
};
