// Paths: the parts of the operator's templates are replaced, path parameters lose their values, so does what follows a segment
// that means a secret, and the rest goes to the detectors.

import { type Search, findAs, findInComponent, findWhole, wholeOf } from "./component.ts";
import type { Finding } from "./finding.ts";
import type { PathTemplates } from "./path-template.ts";
import { isPlain } from "./plain-text.ts";

// What routers take; no honest path is longer.
const MAX_PATH_CHARACTERS = 4096;

// What a segment before a secret is called: of APIs, and of links that are sent by mail. First, as cheap tests, what looks like
// a code at all, and the words.
const MAY_BE_CODE = /\d[a-z]|\d{5}|[~+=%]/i;
const MAY_ANNOUNCE =
  /token|secret|passw|session|sid|api[-_]?key|reset|verif|confirm|invit|activat|unsubscribe|magic|otp|auth|signature/i;
const ANNOUNCING =
  /^(?:(?:\w{1,20}[-_])?(?:tokens?|secret|session|sessionid|sid|api[-_]?key|signature|otp|auth)|(?:(?:e-?mail|password|account|user)[-_]?)?(?:reset|verify|verification|confirm|confirmation|invite|invites|invitation|invitations|activate|activation|unsubscribe)|(?:reset|forgot|verify|confirm)[-_]?(?:password|email|account)|magic(?:[-_]?(?:link|login))?)$/i;
const CODE = /^[\w.~+=%-]{6,}$/;
const READABLE_PART = /^(?:v?\d{1,4}|[a-z]*\d{0,4})$/i;
// The matrix parameters of RFC 3986 section 3.3; the end of a character reference is no separator.
const PARAMETER = /(?<!&(?:#\d{1,7}|#x[\da-f]{1,6}|commat|period));/i;

/** What is to be replaced in a path. What is beyond 4 KiB, from the segment on in which that is, is one `rest`. */
export function findInPath(
  path: string,
  templates: PathTemplates,
  search: Search,
): readonly Finding[] {
  if (path.length <= MAX_PATH_CHARACTERS) return findInSegments(path, templates, search);
  const cut = Math.max(path.lastIndexOf("/", MAX_PATH_CHARACTERS), 0);
  const after = path.startsWith("/", cut) ? cut + 1 : cut;
  const rest = wholeOf(path.slice(after), after, "rest", path.slice(cut));
  return [...findInSegments(path.slice(0, cut), templates, search), rest];
}

/** True for most paths: nothing can be found in them and no template can match. Costs less than a microsecond. */
export function isOrdinaryPath(path: string, templates: PathTemplates): boolean {
  return (
    path.length <= MAX_PATH_CHARACTERS &&
    isPlain(path, "path") &&
    !mayHoldCode(path) &&
    !templates.mayMatch(path)
  );
}

function findInSegments(
  path: string,
  templates: PathTemplates,
  search: Search,
): readonly Finding[] {
  const segments = path.split("/");
  const kinds = templates.mayMatch(path) ? templates.match(segments) : [];
  const isAnnouncing = mayHoldCode(path);
  const findings: Finding[] = [];
  let offset = 0;
  segments.forEach((segment, index) => {
    const announced =
      isAnnouncing && isAnnounced(segments[index - 1], segment) ? "value" : undefined;
    findings.push(...findInSegment(segment, offset, kinds[index], announced, search));
    offset += segment.length + 1;
  });
  return findings;
}

function findInSegment(
  segment: string,
  offset: number,
  templated: string | undefined,
  announced: string | undefined,
  search: Search,
): readonly Finding[] {
  const [name = "", ...parameters] = segment.split(PARAMETER);
  const findings = [...findInName(name, offset, templated, announced, search)];
  let at = offset + name.length + 1;
  for (const parameter of parameters) {
    findings.push(...findInParameter(parameter, at, search));
    at += parameter.length + 1;
  }
  return findings;
}

function findInName(
  name: string,
  offset: number,
  templated: string | undefined,
  announced: string | undefined,
  search: Search,
): readonly Finding[] {
  if (templated !== undefined) return findAs(name, offset, templated, search);
  if (announced !== undefined) return findWhole(name, offset, announced, search);
  return findInComponent(name, offset, search);
}

function mayHoldCode(path: string): boolean {
  return MAY_BE_CODE.test(path) && MAY_ANNOUNCE.test(path);
}

/** `/reset/4f9a2c71`, `/token/k3f9a2xq`: short secrets, which only the segment before them gives away. */
function isAnnounced(before: string | undefined, segment: string): boolean {
  if (before === undefined || before === "") return false;
  if (before.length > 64 || !ANNOUNCING.test(before)) return false;
  // Words and numbers to them are names (`v2-settings`, `step-2`, `2026-11-20`).
  return CODE.test(segment) && !segment.split(/[-_.]/).every((part) => READABLE_PART.test(part));
}

/** `jsessionid=…` and its like (RFC 3986 section 3.3). */
function findInParameter(parameter: string, offset: number, search: Search): readonly Finding[] {
  const equals = parameter.indexOf("=");
  if (equals === -1) return findInComponent(parameter, offset, search);
  return [
    ...findInComponent(parameter.slice(0, equals), offset, search),
    ...findWhole(parameter.slice(equals + 1), offset + equals + 1, "value", search),
  ];
}
