// The scrubber decides what of a URL, a referer or a host name may be written. A policy for each (path-policy, query-policy,
// host-policy, free-text) says what is replaced whatever it is; everything else goes through one table of detectors
// (detectors.ts), and what they find is written as a pseudonym (pseudonym.ts). Most requests hold nothing that could be found:
// one pass over the characters (plain-text.ts) says so, and they pay for nothing else.
//
// Nothing is remembered between calls: a cache of scrubbed paths would be a store of personal data.

import type { Scrubbing } from "./component.ts";
import { createDetectors, createHostDetectors } from "./detectors.ts";
import type { Detector, FindingKind } from "./finding.ts";
import { scrubText } from "./free-text.ts";
import { scrubHost, scrubReferer } from "./host-policy.ts";
import { isOrdinaryPath, scrubPath } from "./path-policy.ts";
import { createPathTemplates } from "./path-template.ts";
import { type Pseudonymise, pseudonymPattern } from "./pseudonym.ts";
import { isOrdinaryQuery, scrubQuery } from "./query-policy.ts";

/** All take what a client sent and the pseudonymiser of the request's epoch, and never throw. Nothing they return holds a control character. */
export type Scrubber = {
  readonly path: (path: string, pseudonymise: Pseudonymise) => string;
  /** Without the question mark. */
  readonly query: (query: string, pseudonymise: Pseudonymise) => string;
  /** The origin; undefined when there is none. */
  readonly referer: (value: string, pseudonymise: Pseudonymise) => string | undefined;
  /** Without the port. */
  readonly host: (value: string, pseudonymise: Pseudonymise) => string;
  /** For text of which nothing is known. */
  readonly text: (value: string, pseudonymise: Pseudonymise) => string;
};

export type ScrubberOptions = {
  /** Names of query parameters whose values may be written, if no detector minds. */
  readonly keepQuery: readonly string[];
  /** Such as `/users/:id`; the parts are replaced. */
  readonly pathTemplates: readonly string[];
  /** ISO 3166-1 alpha-2: where phone numbers without + are dialled. */
  readonly defaultCountry: string;
};

// One path or query holds a few numbers; each costs 10 to 40 µs to look up.
const PHONE_PARSES = 16;
const POLICY_KINDS: readonly FindingKind[] = ["value", "opaque", "host", "rest"];

export function createScrubber(options: ScrubberOptions): Scrubber {
  const keep: ReadonlySet<string> = new Set(options.keepQuery);
  const templates = createPathTemplates(options.pathTemplates);
  const detectors = createDetectors(options.defaultCountry);
  const hostDetectors = createHostDetectors(detectors);
  const pseudonyms = pseudonymPattern([
    ...POLICY_KINDS,
    ...detectors.map((detector) => detector.kind),
    ...templates.kinds,
  ]);
  const begin = (pseudonymise: Pseudonymise, table: readonly Detector[] = detectors): Scrubbing => {
    return { detectors: table, pseudonyms, pseudonymise, effort: { phoneParses: PHONE_PARSES } };
  };
  return {
    path: (path, pseudonymise) =>
      isOrdinaryPath(path, templates) ? path : scrubPath(path, templates, begin(pseudonymise)),
    query: (query, pseudonymise) =>
      isOrdinaryQuery(query, keep) ? query : scrubQuery(query, keep, begin(pseudonymise)),
    referer: (value, pseudonymise) => scrubReferer(value, begin(pseudonymise, hostDetectors)),
    host: (value, pseudonymise) => scrubHost(value, begin(pseudonymise, hostDetectors)),
    text: (value, pseudonymise) => scrubText(value, keep, begin(pseudonymise)),
  };
}
