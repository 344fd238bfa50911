/**
 * Where the data plane says whose a session is, once the upstream has told (`X-Databunker-User`), so that erasing the person erases
 * the session. A part of the seam between the planes: it takes two names and gives nothing back about either.
 */
export type SessionLinks = {
  /**
   * Both in lower case. Never rejects; false when the link was not stored (no such user record, too many waiting, an outage): whoever
   * learns it again says it again.
   */
  readonly link: (sessionUuid: string, userToken: string) => Promise<boolean>;
};

/** Any hexadecimal digits: Databunker's UUIDs carry neither version nor variant. */
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** A user token in its one spelling, or undefined for anything else. */
export function findUserToken(text: string): string | undefined {
  const token = text.trim().toLowerCase();
  return UUID.test(token) ? token : undefined;
}
