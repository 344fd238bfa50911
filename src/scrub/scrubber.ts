// The scrubber decides what of a URL, a referer or a host name may be written. A policy for each (path-policy, query-policy,
// host-policy, free-text) says what is replaced whatever it is; everything else goes through one table of detectors
// (detectors.ts), which read what a component means (reading.ts), and what they find is written as a pseudonym (pseudonym.ts).
// Most requests hold nothing that could be found: one pass over the characters (plain-text.ts) says so, and they pay for
// nothing else. docs/scrubbing.md says what is found, how deep, how well, and what is not.
//
// Nothing is remembered between calls: a cache of scrubbed paths would be a store of personal data.

import { type Search, writeFindings } from "./component.ts";
import { createDetectorTable, createHostDetectors, createTextDetectors } from "./detectors.ts";
import { type Detector, type Finding, type FindingKind, newEffort } from "./finding.ts";
import { findInText } from "./free-text.ts";
import { scrubHost, scrubReferer } from "./host-policy.ts";
import { findInPath, isOrdinaryPath } from "./path-policy.ts";
import { createPathTemplates } from "./path-template.ts";
import type { Pseudonymise } from "./pseudonym.ts";
import {
  createHarmlessList,
  createKeepList,
  findInQuery,
  isOrdinaryQuery,
} from "./query-policy.ts";

/** All but those that only report take what a client sent and the pseudonymiser of the request's epoch. None throws; all that they return is printable ASCII. */
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
  /** What `text` would replace, where it stands and what it is, in order, not overlapping: for those who report instead of replacing. */
  readonly findings: (value: string) => readonly Finding[];
  /** The same of a request target: what `path` and `query` would replace. What does not begin with a slash is a text. */
  readonly findingsInTarget: (target: string) => readonly Finding[];
};

export type ScrubberOptions = {
  /** Names of query parameters whose values may be written, if no detector minds. Those that mean a secret are not heeded. */
  readonly keepQuery: readonly string[];
  /** Such as `/users/:id`; the parts are replaced. */
  readonly pathTemplates: readonly string[];
  /** ISO 3166-1 alpha-2: where phone numbers without + are dialled. */
  readonly defaultCountry: string;
  /** Leaves query values off the keep list to the detectors, unless their name means something: to report what a log holds. */
  readonly trustsHarmlessNames?: boolean;
};

/** `value`: its name or place says so. `opaque`: unreadable. `host`: no host name. `rest`: too long. */
const POLICY_KINDS: readonly FindingKind[] = ["value", "opaque", "host", "rest"];
const MAX_PASSES = 4;

export function createScrubber(options: ScrubberOptions): Scrubber {
  const kept = createKeepList(options.keepQuery);
  const keep = options.trustsHarmlessNames === true ? createHarmlessList(kept) : kept;
  const templates = createPathTemplates(options.pathTemplates);
  const { detectors, pseudonyms } = createDetectorTable(options.defaultCountry, [
    ...POLICY_KINDS,
    ...templates.kinds,
  ]);
  const hostDetectors = createHostDetectors(detectors);
  const textDetectors = createTextDetectors(detectors);
  const begin = (table: readonly Detector[] = detectors): Search => {
    return { detectors: table, pseudonyms, effort: newEffort() };
  };
  const findings = (value: string): readonly Finding[] =>
    findInText(value, keep, begin(textDetectors));
  return {
    path: (path, pseudonymise) =>
      isOrdinaryPath(path, templates)
        ? path
        : writeFindings(path, findInPath(path, templates, begin()), pseudonymise),
    query: (query, pseudonymise) =>
      isOrdinaryQuery(query, keep)
        ? query
        : writeFindings(query, findInQuery(query, 0, keep, begin()), pseudonymise),
    referer: (value, pseudonymise) => scrubReferer(value, begin(hostDetectors), pseudonymise),
    host: (value, pseudonymise) => scrubHost(value, begin(hostDetectors), pseudonymise),
    text: (value, pseudonymise) => scrubText(value, findings, pseudonymise),
    findings,
    findingsInTarget: (target) => {
      if (!target.startsWith("/")) return findings(target);
      const mark = target.indexOf("?");
      const path = mark === -1 ? target : target.slice(0, mark);
      const query = mark === -1 ? "" : target.slice(mark + 1);
      const inPath = isOrdinaryPath(path, templates) ? [] : findInPath(path, templates, begin());
      if (isOrdinaryQuery(query, keep)) return inPath;
      return [...inPath, ...findInQuery(query, mark + 1, keep, begin())];
    },
  };
}

/** Until nothing is found: what was replaced may have parted words from one another. */
function scrubText(
  value: string,
  find: (value: string) => readonly Finding[],
  pseudonymise: Pseudonymise,
): string {
  let written = value;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const found = find(written);
    written = writeFindings(written, found, pseudonymise);
    if (found.length === 0 || found.at(-1)?.kind === "rest") break;
  }
  return written;
}
