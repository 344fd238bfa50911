/** What a request tells of its client; all strings canonical. */
export type Client = {
  readonly address: string;
  /** Empty when none was sent. The same for those below. */
  readonly userAgent: string;
  /** The cookies that count for the session, by name and value, in canonical order. */
  readonly sessionCookies: string;
  /** The whole Cookie header: sealed with the session's first request, and part of no token. */
  readonly cookieHeader: string;
  readonly host: string;
};

export type IdentityPart = "address" | "userAgent" | "cookies";

/**
 * The one text of an identity, the input of its token. Each part is marked and has its length in front, so no two
 * identities share a text; a part that does not count is absent.
 */
export function identityText(
  parts: readonly IdentityPart[],
): (client: Pick<Client, "address" | "userAgent" | "sessionCookies">) => string {
  const counts = {
    address: parts.includes("address"),
    userAgent: parts.includes("userAgent"),
    cookies: parts.includes("cookies"),
  };
  return ({ address, userAgent, sessionCookies }) =>
    (counts.address ? `a${address.length}:${address},` : "") +
    (counts.userAgent ? `u${userAgent.length}:${userAgent},` : "") +
    (counts.cookies ? `c${sessionCookies.length}:${sessionCookies},` : "");
}

/** The text of what many identities share once their scope is past its cap. */
export function scopeText(scope: string): string {
  return `s${scope.length}:${scope},`;
}
