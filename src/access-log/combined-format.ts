import { combinedUserAgent } from "./combined-user-agent.ts";
import type { Exchange } from "./exchange.ts";
import type { Format, FormatOptions } from "./format.ts";
import { createApacheTime } from "./utc-time.ts";

/** What stands for a field that is absent, as Apache writes it. */
const ABSENT = "-";

/**
 * The host field of a line without a token. Not `-`: GoAccess and fail2ban refuse a line whose first field is no address. The
 * unspecified address (RFC 4291 section 2.5.2) belongs to nobody.
 */
const NO_ADDRESS = "::";

/**
 * Apache's combined log format with the token's address spelling as the host, the coarse user agent, and the token as a last
 * quoted field (SPEC section 5), then the sealed identity when there is to be one. Times are UTC; a body of no bytes is `-`, as `%b` has it.
 */
export function createCombinedFormat(options: FormatOptions): Format {
  const apacheTime = createApacheTime();
  return (exchange) => {
    // SECURITY: the only two places where a token enters a line are behind this choice.
    const token = options.identity === "none" ? undefined : exchange.session;
    const userAgent = options.userAgent === "family" ? exchange.session?.userAgent : undefined;
    const sealed = options.identity === "sealed" ? ` "${exchange.sealedIdentity ?? ABSENT}"` : "";
    return (
      `${token?.address ?? NO_ADDRESS} - - [${apacheTime(exchange.startedAtMs)}] "${requestLineOf(exchange)}" ` +
      `${exchange.statusCode} ${exchange.responseBodyBytes || ABSENT} "${quotable(exchange.referer)}" ` +
      `"${quotable(userAgent && combinedUserAgent(userAgent))}" "${token?.uuid ?? ABSENT}"${sealed}\n`
    );
  };
}

/** Always three words: a space within the method or the target is escaped too, which Apache does not do. */
function requestLineOf({ method, path, query, protocolVersion }: Exchange): string {
  const target = query === undefined ? path : `${path}?${query}`;
  return `${word(method)} ${word(target)} HTTP/${word(protocolVersion ?? "")}`;
}

// SECURITY: all that could end a quoted field or a line, or reach a terminal, becomes \xhh of its UTF-8 bytes: quotes, backslashes,
// control characters, everything beyond ASCII. Apache writes \" and \\ for the first two; \x22 and \x5c mean the same to those who
// unescape and do not mislead those who split at quotes.
const UNSAFE = /["\\]|[^\x20-\x7e]/;
const EACH_UNSAFE = /["\\]|[^\x20-\x7e]/gu;
const UNSAFE_OR_SPACE = /["\\]|[^\x21-\x7e]/;
const EACH_UNSAFE_OR_SPACE = /["\\]|[^\x21-\x7e]/gu;

function quotable(text: string | undefined): string {
  if (text === undefined || text === "") return ABSENT;
  return UNSAFE.test(text) ? text.replace(EACH_UNSAFE, escaped) : text;
}

function word(text: string): string {
  if (text === "") return ABSENT;
  return UNSAFE_OR_SPACE.test(text) ? text.replace(EACH_UNSAFE_OR_SPACE, escaped) : text;
}

function escaped(character: string): string {
  return Array.from(
    Buffer.from(character),
    (byte) => `\\x${byte.toString(16).padStart(2, "0")}`,
  ).join("");
}
