import { LogveilError } from "../errors.ts";

/** Enough for a sentence and a ticket number; the audit trail keeps every one. */
const MAX_REASON_LENGTH = 512;

/**
 * Why somebody looks a token up, trimmed; undefined when nothing was said. Throws `reason-invalid` when it is longer than 512
 * characters or holds control characters, with which it could forge a line of a report.
 */
export function parseReason(text: string | undefined): string | undefined {
  const reason = text?.trim() ?? "";
  if (reason === "") return undefined;
  if (reason.length > MAX_REASON_LENGTH || /\p{Cc}/u.test(reason)) {
    throw new LogveilError("reason-invalid");
  }
  return reason;
}
