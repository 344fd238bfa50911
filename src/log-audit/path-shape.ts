import type { Finding } from "../scrub/finding.ts";

/** A path with what differs from request to request named: `/users/:id`. */
export type PathShape = {
  readonly shape: string;
  /** The segments that the shape has names for, as they were. */
  readonly values: string;
  /** Whether such segments are somebody's, by what is before them or by what was found in them. */
  readonly isPersonal: boolean;
};

const MAX_SEGMENTS = 8;
const NUMBER_OR_ID =
  /^(?:\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[^\d]*\d)[0-9a-f]{8,}|(?:[a-z]{1,6}[-_])?(?=(?:[a-z]*\d){3})[a-z0-9]{8,})$/i;
/** `/2026/11/20`; elsewhere such numbers are ids. */
const YEAR = /^(?:19|20)\d\d$/;
const DAY_OR_MONTH = /^\d{1,2}$/;
const DATE_PART = /^(?:(?:19|20)\d\d|\d{1,2})$/;
const PSEUDONYM = /^~([a-z0-9_]{1,32})\.[a-z2-7]{8}$/;
/** SECURITY: segments that are shown as they are. Others may be anything that a client sent. */
const WORD = /^[a-z][a-z0-9._-]{0,31}$/i;
const PEOPLE =
  /^(?:users?|members?|people|persons?|profiles?|customers?|clients?|accounts?|patients?|employees?|contacts?|authors?|students?|candidates?|applicants?|subscribers?|guests?|staff|u)$/i;
/** What sites have below such segments beside people. */
const PAGES =
  /^(?:login|logout|signin|signup|register|new|search|me|self|settings|edit|list|index|profile|password|account|home|about|all|export|import|admin)(?:\.\w{1,5})?$/i;

/**
 * Undefined for paths in which nothing differs. What comes after the last differing segment is left out: a template matches what is below it. `findings`:
 * by their places in `path`.
 */
export function shapeOfPath(path: string, findings: readonly Finding[]): PathShape | undefined {
  const parts: string[] = [];
  const values: string[] = [];
  let isPersonal = false;
  let end = 0;
  let offset = 0;
  let before = "";
  for (const segment of path.split("/", MAX_SEGMENTS + 1)) {
    const name = segment === "" ? undefined : nameOf(segment, before, offset, findings);
    if (segment !== "") parts.push(name === undefined ? wordOf(segment) : `:${name}`);
    if (name !== undefined) {
      end = parts.length;
      values.push(segment);
      isPersonal ||= PEOPLE.test(before) || !NAMELESS.has(name);
    }
    offset += segment.length + 1;
    before = segment;
  }
  if (end === 0) return undefined;
  return { shape: `/${parts.slice(0, end).join("/")}`, values: values.join("/"), isPersonal };
}

const NAMELESS: ReadonlySet<string> = new Set(["id", "part", "path", "date"]);

/** What a segment that differs is called; undefined for the words of a site. */
function nameOf(
  segment: string,
  before: string,
  offset: number,
  findings: readonly Finding[],
): string | undefined {
  const pseudonym = PSEUDONYM.exec(segment)?.[1];
  if (pseudonym !== undefined) return pseudonym;
  const found = findings.find(({ start, end }) => start < offset + segment.length && end > offset);
  if (found !== undefined) return /^[a-z0-9_]{1,32}$/.test(found.kind) ? found.kind : "part";
  if (PEOPLE.test(before)) return PAGES.test(segment) ? undefined : "id";
  if (YEAR.test(segment) || (DAY_OR_MONTH.test(segment) && DATE_PART.test(before)))
    return undefined;
  return NUMBER_OR_ID.test(segment) ? "id" : undefined;
}

function wordOf(segment: string): string {
  return WORD.test(segment) ? segment : ":part";
}
