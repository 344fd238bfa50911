const YES_WORDS: ReadonlySet<string> = new Set([
  "1",
  "accept",
  "active",
  "agree",
  "approve",
  "given",
  "good",
  "ok",
  "on",
  "true",
  "y",
  "yes",
]);

/**
 * Whether a value out of a body means yes: one of the dialect's twelve words in any letter case, `true`, or 1. Everything else means no,
 * because consent that nobody understands is none (GDPR article 4(11)).
 */
export function isYes(value: unknown): boolean {
  if (typeof value !== "string") return value === true || value === 1;
  return YES_WORDS.has(value.trim().toLowerCase());
}
