import { LogveilError } from "../../errors.ts";
import { findSessionToken, formatUuid } from "../../token/session-token.ts";

/** Any hexadecimal digits: Databunker's UUIDs carry neither version nor variant. */
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/**
 * The one spelling under which a session is kept: a UUID in lower case. Takes a UUID or the address spelling of a session token,
 * in either letter case. Throws `session-invalid`.
 */
export function parseSessionId(text: string): string {
  const id = text.toLowerCase();
  if (UUID.test(id)) return id;
  const token = findSessionToken(text);
  if (token === undefined) throw new LogveilError("session-invalid");
  return formatUuid(token);
}
