// Path templates such as `/users/:id`: what the operator knows to be personal in a path and no detector can see.

import type { FindingKind } from "./finding.ts";
import { decodeWhatCanBe } from "./reading.ts";

/** For each segment of a path the kind that it is replaced as, or undefined when it stays to the detectors. */
export type PartKinds = readonly (FindingKind | undefined)[];

export type PathTemplates = {
  /** The kinds of all parts, for recognising their pseudonyms. */
  readonly kinds: readonly FindingKind[];
  /** False when no template can match, found out without splitting the path. */
  readonly mayMatch: (path: string) => boolean;
  readonly match: (segments: readonly string[]) => PartKinds;
};

type Template = readonly Step[];
type Step = { readonly literal: string } | { readonly part: FindingKind };

/**
 * The first template that matches a path whole decides; when none does, the first of those with most segments that match its
 * beginning, for what is below `/users/42` still tells who 42 is. Matched as a lenient router would: letters in either case,
 * percent-encoding undone, empty and dot segments resolved, path parameters (`;v=1`) aside.
 */
export function createPathTemplates(texts: readonly string[]): PathTemplates {
  const templates = texts.map(parseTemplate).filter((template) => template.length > 0);
  const longestFirst = [...templates].sort((a, b) => b.length - a.length);
  const parts = templates.flatMap((template) => template.flatMap(kindOf));
  const likely = likelyPattern(templates);
  return {
    kinds: parts,
    mayMatch: (path) => likely.test(path),
    match: (segments) => {
      const route = resolveDots(segments);
      const whole = templates.find((one) => one.length === route.length && isPrefix(one, route));
      const template = whole ?? longestFirst.find((one) => isPrefix(one, route));
      return kindsOfSegments(segments.length, template ?? [], route);
    },
  };
}

function parseTemplate(text: string): Template {
  return text
    .split("/")
    .filter((segment) => segment !== "")
    .map((segment) =>
      segment.startsWith(":") ? { part: partKind(segment) } : { literal: segment.toLowerCase() },
    );
}

function partKind(segment: string): FindingKind {
  const name = segment.toLowerCase().replace(/[^a-z0-9_]/g, "");
  return name === "" ? "part" : name.slice(0, 32);
}

function kindOf(step: Step): readonly FindingKind[] {
  return "part" in step ? [step.part] : [];
}

/** Matches all paths that a template may match: those whose first segment fits one, and those that are not in normal form. */
function likelyPattern(templates: readonly Template[]): RegExp {
  if (templates.length === 0) return /(?!)/;
  const beginnings = templates.map(([first]) =>
    first !== undefined && "literal" in first ? escapeRegExp(first.literal) : "[^/]",
  );
  return new RegExp(`^/?(?:${[...new Set(beginnings)].join("|")})|//|/\\.|%`, "iu");
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

type RouteSegment = { readonly index: number; readonly text: string };

/** The segments a router would see, each with its place in the path (RFC 3986 section 5.2.4, with `//` read as `/`). */
function resolveDots(segments: readonly string[]): readonly RouteSegment[] {
  const route: RouteSegment[] = [];
  segments.forEach((segment, index) => {
    const [name = ""] = segment.split(";", 1);
    const text = decodeWhatCanBe(decodeWhatCanBe(name)).toLowerCase();
    if (text === "..") route.pop();
    else if (text !== "" && text !== ".") route.push({ index, text });
  });
  return route;
}

function isPrefix(template: Template, route: readonly RouteSegment[]): boolean {
  return (
    template.length <= route.length &&
    template.every((step, at) => "part" in step || step.literal === route[at]?.text)
  );
}

function kindsOfSegments(
  count: number,
  template: Template,
  route: readonly RouteSegment[],
): PartKinds {
  const kinds = Array.from<FindingKind | undefined>({ length: count });
  template.forEach((step, at) => {
    const segment = route[at];
    if (segment !== undefined && "part" in step) kinds[segment.index] = step.part;
  });
  return kinds;
}
