// Queries: the values of the keys on the keep list go to the detectors, all others are replaced. Keys and their order stay.

import { type Scrubbing, replaceComponent, scrubComponent } from "./component.ts";
import { isPlain } from "./plain-text.ts";
import { decodeWhatCanBe } from "./reading.ts";

const MAX_QUERY_CHARACTERS = 8192;
const MAX_PARAMETERS = 200;
// A semicolon was a separator once (HTML 4, appendix B.2.2) and still is one for some upstreams.
const SEPARATOR = /[&;]/g;

/**
 * The scrubbed query. What is beyond 8 KiB or 200 parameters, from the parameter on in which that is, is replaced by one
 * `~rest` pseudonym. `keep` holds decoded names, in the case in which they are sent.
 */
export function scrubQuery(query: string, keep: ReadonlySet<string>, scrubbing: Scrubbing): string {
  let scrubbed = "";
  let start = 0;
  for (let count = 0; start <= query.length; count++) {
    SEPARATOR.lastIndex = start;
    const end = SEPARATOR.exec(query)?.index ?? query.length;
    if (count >= MAX_PARAMETERS || end > MAX_QUERY_CHARACTERS) {
      return scrubbed + replaceRest(query.slice(start), scrubbing);
    }
    scrubbed += scrubParameter(query.slice(start, end), keep, scrubbing) + query.charAt(end);
    start = end + 1;
  }
  return scrubbed;
}

/** True when all keys are on the keep list and nothing can be found in any value: the query stays as it is. */
export function isOrdinaryQuery(query: string, keep: ReadonlySet<string>): boolean {
  if (query.length > 256 || !isPlain(query)) return false;
  let start = 0;
  while (start <= query.length) {
    const ampersand = query.indexOf("&", start);
    const end = ampersand === -1 ? query.length : ampersand;
    const equals = query.indexOf("=", start);
    if (equals !== -1 && equals < end && !keep.has(query.slice(start, equals))) return false;
    start = end + 1;
  }
  return true;
}

function scrubParameter(
  parameter: string,
  keep: ReadonlySet<string>,
  scrubbing: Scrubbing,
): string {
  const equals = parameter.indexOf("=");
  if (equals === -1) return scrubComponent(parameter, scrubbing);
  const key = parameter.slice(0, equals);
  const value = parameter.slice(equals + 1);
  const kept = keep.has(decodeWhatCanBe(key))
    ? scrubComponent(value, scrubbing)
    : replaceComponent(value, "value", scrubbing);
  return `${scrubComponent(key, scrubbing)}=${kept}`;
}

function replaceRest(rest: string, scrubbing: Scrubbing): string {
  return rest === "" ? rest : scrubbing.pseudonymise("rest", rest);
}
