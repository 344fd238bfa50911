// Cookies as a client sends them (RFC 6265 section 4.2.1), kept byte for byte: what passes to the upstream must not be decoded
// and written anew.

export type Cookie = {
  readonly name: string;
  /** `name=value` exactly as sent, without surrounding white space. */
  readonly text: string;
};

/** The pairs of a Cookie header in their order. A pair without `=` has its whole text as its name, as browsers mean it. */
export function splitCookies(header: string): readonly Cookie[] {
  const cookies: Cookie[] = [];
  for (const part of header.split(";")) {
    const text = part.trim();
    if (text === "") continue;
    const equals = text.indexOf("=");
    cookies.push({ name: equals === -1 ? text : text.slice(0, equals).trimEnd(), text });
  }
  return cookies;
}

/** Names that mean "this browser's session" in the common frameworks; a trailing `*` stands for any ending. */
export const FRAMEWORK_SESSION_COOKIES: readonly string[] = [
  "PHPSESSID",
  "JSESSIONID",
  "SESSION",
  "ASP.NET_SessionId",
  ".AspNetCore.Session",
  "connect.sid",
  "koa.sess",
  "sessionid",
  "laravel_session",
  "ci_session",
  "_session_id",
  "rack.session",
  "session",
  "sid",
  "PLAY_SESSION",
  "CFID",
  "SSESS*",
  "wordpress_logged_in_*",
];

export type CookieNames = { readonly includes: (name: string) => boolean };

/** Cookie names are case-sensitive (RFC 6265 section 4.1.1 with RFC 9110's tokens), so they are compared as they are. */
export function createCookieNames(patterns: readonly string[]): CookieNames {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith("*")));
  const prefixes = patterns.filter((pattern) => pattern.endsWith("*")).map((p) => p.slice(0, -1));
  return {
    includes: (name) => exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix)),
  };
}

/** The cookies that count for a session's identity, in an order of our own: a browser may send them in any. */
export function sessionCookiesOf(cookies: readonly Cookie[], names: CookieNames): string {
  const counted = cookies.filter((cookie) => names.includes(cookie.name)).map(({ text }) => text);
  return counted.length < 2 ? (counted[0] ?? "") : counted.sort().join("; ");
}
