// Detectors read what an upstream would read: percent-encoding undone, compatibility forms (full-width digits and the like)
// folded. What is written stays as it was sent unless something was found in it.

// A client may encode twice to get past us when the upstream decodes twice; three layers are no honest request.
const ENCODED_RUN = /(?:%[0-9a-f]{2})+/gi;
const ENCODED = /%[0-9a-f]{2}/i;
// Invisible, or able to end or reorder a line where the log is shown: C0, DEL, C1, U+2028, U+2029, bidirectional marks.
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
const BEYOND_ASCII = /[^\p{ASCII}]/u;

/**
 * The text that a path segment, query key or query value means. Undefined when it has none: percent signs that encode
 * nothing, bytes that are not UTF-8, or still encoded after two rounds (fails private: the caller replaces it whole).
 */
export function findReading(raw: string): string | undefined {
  if (!raw.includes("%")) return fold(raw);
  let once: string;
  try {
    once = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  if (!ENCODED.test(once)) return fold(once);
  const twice = decodeWhatCanBe(once);
  return ENCODED.test(twice) ? undefined : fold(twice);
}

/** Free text may hold percent signs that encode nothing; those stay. */
export function decodeWhatCanBe(text: string): string {
  return text.replace(ENCODED_RUN, (run) => {
    // Not fatal: a byte that is not UTF-8 reads as U+FFFD, so that it cannot shield its neighbours from being decoded.
    return Buffer.from(run.replaceAll("%", ""), "hex").toString("utf8");
  });
}

/** A text as it may stand in a line: unchanged but for controls and lone surrogates, which are percent-encoded. */
export function escapeControls(text: string): string {
  return text.toWellFormed().replace(CONTROLS, (control) => encodeURIComponent(control));
}

/** A piece of a reading as it may stand in a line. */
export function encodeReading(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function fold(text: string): string {
  return BEYOND_ASCII.test(text) ? text.normalize("NFKC") : text;
}
