// Host names, which can hold anything a client likes, and referers, of which only the origin is ever written.

import { findAddress } from "../identity/address.ts";
import { type Search, findInReading, writeFindings } from "./component.ts";
import { findNumericAddress, isLoopback } from "./ip-address.ts";
import { isPlain } from "./plain-text.ts";
import type { Pseudonymise } from "./pseudonym.ts";

// RFC 1035 section 2.3.4, and underscores, which names in use do have.
const NAME =
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;
const MAX_NAME_CHARACTERS = 254;
const WORDS = /^[a-z]+(?:[.-][a-z]+)*$/i;
const PORT = /:\d{0,5}$/;
// Others have no host, or one that is nobody's business: a scheme can be made up too.
const SCHEMES: ReadonlySet<string> = new Set(["http:", "https:", "android-app:", "ios-app:"]);
const MAX_REFERER_CHARACTERS = 8192;

/**
 * A Host header's name without its port. IP addresses are replaced, but for loopback; what is not a host name is replaced
 * whole as `~host`. Takes detectors for host names.
 */
export function scrubHost(value: string, search: Search, pseudonymise: Pseudonymise): string {
  if (value === "") return value;
  const host = value.replace(PORT, "");
  if (host.length < 64 && WORDS.test(host) && isPlain(host)) return host;
  const address = findHostAddress(host);
  if (address !== undefined) {
    return isLoopback(address) ? address : pseudonymise("ip", address);
  }
  if (!isName(host.replace(search.pseudonyms, "x"))) {
    return pseudonymise("host", value.toLowerCase());
  }
  return writeFindings(host, findInReading({ text: host }, 0, search), pseudonymise);
}

/** Scheme, scrubbed host and port of a Referer header; undefined when it has none. */
export function scrubReferer(
  value: string,
  search: Search,
  pseudonymise: Pseudonymise,
): string | undefined {
  if (value.length > MAX_REFERER_CHARACTERS) return undefined;
  const url = URL.parse(value);
  if (url === null || url.hostname === "" || !SCHEMES.has(url.protocol)) return undefined;
  const port = url.port === "" ? "" : `:${url.port}`;
  const host = scrubHost(url.hostname, search, pseudonymise);
  return `${url.protocol}//${host.includes(":") ? `[${host}]` : host}${port}`;
}

function isName(host: string): boolean {
  return host.length <= MAX_NAME_CHARACTERS && NAME.test(host);
}

/** Also `3221225985`, `0xc0.2.1` and the like, which resolvers take for IPv4. */
function findHostAddress(host: string): string | undefined {
  return findAddress(host) ?? findNumericAddress(host);
}
