import type { Cookie, CookieNames } from "../identity/cookies.ts";
import { createCookieNames } from "../identity/cookies.ts";

/** Where the names are remembered across restarts. */
export type CookieNameStore = {
  readonly list: () => Promise<readonly string[]>;
  readonly add: (name: string) => Promise<void>;
};

/**
 * The cookies that may go on to the upstream: with `auto` those that the upstream itself has set, so that log-ins work and
 * cookies of anybody else (analytics, other applications of the same host) do not arrive.
 */
export type UpstreamCookies = CookieNames & {
  /** Learns the name from a Set-Cookie value of the upstream. */
  readonly learn: (setCookie: string) => void;
};

/** An upstream that sets a new name in every response must not fill memory or the store. */
const MAX_NAMES = 1000;

export async function openUpstreamCookies(
  passCookies: "auto" | readonly string[],
  store: CookieNameStore,
): Promise<UpstreamCookies> {
  if (passCookies !== "auto") {
    return { ...createCookieNames(passCookies), learn: () => undefined };
  }
  const names = new Set(await store.list());
  return {
    includes: (name) => names.has(name),
    learn: (setCookie) => {
      const name = setCookie.slice(0, Math.max(0, setCookie.indexOf("="))).trim();
      if (name === "" || names.has(name) || names.size >= MAX_NAMES) return;
      names.add(name);
      // Not stored means not remembered after a restart, until the upstream sets it again: the log-in that runs now works.
      store.add(name).catch(() => undefined);
    },
  };
}

/**
 * The Cookie field for the upstream: its own cookies as they came, and one `logveil_session` in place of all the others.
 * Undefined when there is nothing to send.
 */
export function cookiesForUpstream(
  cookies: readonly Cookie[],
  names: CookieNames,
  sessionToken: string,
): string | undefined {
  const passing = cookies
    .filter(({ name }) => name !== SESSION_COOKIE && names.includes(name))
    .map(({ text }) => text);
  if (passing.length < cookies.length) passing.push(`${SESSION_COOKIE}=${sessionToken}`);
  return passing.length === 0 ? undefined : passing.join("; ");
}

const SESSION_COOKIE = "logveil_session";
