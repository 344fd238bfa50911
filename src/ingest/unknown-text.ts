// What may be written of a text of which nothing is known: a line that no parser took, the message of an error log. The scrubber finds
// what can be known by its shape; a name, a login or a user agent cannot, so what such texts usually quote is replaced unseen.

import type { Pseudonymise } from "../scrub/pseudonym.ts";
import type { Scrubber } from "../scrub/scrubber.ts";
import { findAddress } from "../identity/address.ts";

/** What the scrubber reads of a text too (docs/scrubbing.md). */
const MAX_CHARACTERS = 8192;

export type ScrubUnknown = (text: string, pseudonymise: Pseudonymise) => string;

/** Takes bytes in Latin-1. What is not UTF-8, or holds control characters, is replaced whole: nobody could tell what a reader makes of it. */
export function createUnknownTextScrubber(
  scrubber: Pick<Scrubber, "path" | "query" | "text">,
): ScrubUnknown {
  return (bytes, pseudonymise) => {
    const text = decode(bytes);
    if (text === undefined) return pseudonymise("opaque", bytes);
    const withoutHead = replaceHead(text.slice(0, MAX_CHARACTERS), pseudonymise);
    const parted = replaceQuoted(withoutHead, scrubber, pseudonymise);
    const isCut = text.length > MAX_CHARACTERS;
    const rest = isCut ? ` ${pseudonymise("rest", text.slice(MAX_CHARACTERS))}` : "";
    return scrubber.text(parted, pseudonymise) + rest;
  };
}

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROLS = /[\0-\x08\x0a-\x1f\x7f]/;

function decode(bytes: string): string | undefined {
  if (CONTROLS.test(bytes)) return undefined;
  if (/^[\0-\x7f]*$/.test(bytes)) return bytes;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(bytes, "latin1"));
  } catch {
    return undefined; // not UTF-8
  }
}

/** An access log that could not be read still begins with an address and two names. */
function replaceHead(text: string, pseudonymise: Pseudonymise): string {
  const end = text.search(/[["]/);
  const head = end === -1 ? text.slice(0, 256) : text.slice(0, end);
  const isHead = head
    .split(" ", 3)
    .some((word) => findAddress(word.replace(/[,:;]$/, "")) !== undefined);
  if (!isHead || head.length > 1024) return text;
  return `${pseudonymise("value", head.trim())} ${end === -1 ? text.slice(256) : text.slice(end)}`;
}

/** Nothing before the quote that opens, or the text ends with it unclosed: then everything behind it is quoted. */
const QUOTED = /"((?:[^"\\]|\\.)*)(?:"|$)/gs;
/**
 * nginx and Apache name the user unquoted or between other quotes. A header that somebody has written as `Name: value` has no end that could
 * be relied on, and neither has a user agent: all that follows goes with it.
 */
const NAMED =
  /\bMozilla\/\d.*$|\b(?:(?:set-)?cookie|authorization|user-agent)\b["' :=]+(?!~).*$|\b(?:user(?:name)?|login|password|passwd|pwd)\b[ :=]+(?!~)(?:"[^"]*"|[^\s,;"]+)|\b(?:Basic|Bearer|Digest) [\w+/=.~-]{4,}/gis;

function replaceQuoted(
  text: string,
  scrubber: Pick<Scrubber, "path" | "query">,
  pseudonymise: Pseudonymise,
): string {
  const named = text.replace(NAMED, (found) => {
    const mark = /^(?:[a-z-]+["' :=]+)?/i.exec(found)?.[0] ?? "";
    // A quote that the name opened stays closed: else what follows would change places with what is quoted.
    const end = mark.endsWith('"') && found.endsWith('"') ? found.length - 1 : found.length;
    return `${mark}${pseudonymise("value", found.slice(mark.length, end))}${found.slice(end)}`;
  });
  return named.replace(QUOTED, (_, quoted: string) => {
    if (quoted === "" || quoted === "-" || /^~[a-z_0-9]+\.[a-z2-7]{8}$/.test(quoted))
      return `"${quoted}"`;
    // A file or a URL's path: what the scrubber reads as one.
    if (/^\/[^\s"?]*$/.test(quoted)) return `"${scrubber.path(quoted, pseudonymise)}"`;
    return `"${pseudonymise("value", quoted)}"`;
  });
}
