// What a line still holds: the scrubber's findings in its fields, whole user agents and names of users, without what logveil itself writes.

import { LRUCache } from "lru-cache";
import { describeUserAgent, reducedUserAgent } from "../identity/user-agent.ts";
import type { Finding } from "../scrub/finding.ts";
import { findNumericAddress } from "../scrub/ip-address.ts";
import { HARMLESS_VALUE } from "../scrub/named-value.ts";
import { isPlain } from "../scrub/plain-text.ts";
import type { Scrubber } from "../scrub/scrubber.ts";
import { type JsonField, NameMeanings, jsonFieldsOf } from "./json-fields.ts";
import { type LineField, fieldsOf } from "./line-fields.ts";
import type { LogPart } from "./log-parts.ts";
import { isOwn, isPartOfSerial } from "./own-text.ts";
import { ownCopyOf } from "./own-copy.ts";
import { shapeOf } from "./value-shape.ts";

/** Personal data or a secret that stands in a log. */
export type Leftover = {
  /** Characters (UTF-16 code units) of the line before it, and up to its end. */
  readonly start: number;
  readonly end: number;
  readonly kind: string;
  /** What may be said of the value (value-shape.ts). SECURITY: never the value. */
  readonly shape: string;
};

/** A request that a line tells of: path and query as they were written, and what was found in them, by place. */
export type LoggedTarget = { readonly text: string; readonly findings: readonly Finding[] };

export type LineAudit = {
  /** In order of their beginnings. */
  readonly leftovers: readonly Leftover[];
  readonly targets: readonly LoggedTarget[];
};

export type LeftoverFinder = (part: LogPart) => LineAudit;

// Hosts, user agents and referers come again and again. 8192 fields of 512 characters at most: some 10 MiB.
const MAX_KNOWN_FIELDS = 8192;
const MAX_KNOWN_CHARACTERS = 512;
/** A product with what runs it in brackets: `Mozilla/5.0 (…; …) …`. What follows belongs to it, up to a quote. */
const USER_AGENT = /[A-Z][\w.-]{0,40}\/\d[\w.]{0,20} \([^()"\n]{0,400};[^"\n]{0,512}/g;
// A name or a port, which say where something is and not who.
const HOST_AND_PORT = /^[\w.-]{1,255}(?::\d{1,5})?$|^unix:/;

export type LeftoverOptions = {
  /** With `trustsHarmlessNames`, unless every query value off the keep list is to be told. */
  readonly scrubber: Scrubber;
  /** Canonical addresses that are nobody's. */
  readonly ignoresAddress: (address: string) => boolean;
};

export function createLeftoverFinder(options: LeftoverOptions): LeftoverFinder {
  const known = new LRUCache<string, readonly Found[]>({ max: MAX_KNOWN_FIELDS });
  const meanings = new NameMeanings();
  const findInText = (text: string): readonly Found[] => {
    if (isPlain(text) || isOwn("value", text, text)) return NONE;
    const before = known.get(text);
    if (before !== undefined) return before;
    const found = findInUnknownText(text, options);
    if (text.length <= MAX_KNOWN_CHARACTERS) known.set(ownCopyOf(text), found);
    return found;
  };
  return (part) => auditPart(part, { ...options, meanings, findInText });
}

type Found = Pick<Finding, "start" | "end" | "kind"> & { readonly shape: string };
type Tools = LeftoverOptions & {
  readonly meanings: NameMeanings;
  readonly findInText: (text: string) => readonly Found[];
};

const NONE: readonly Found[] = [];

function auditPart(part: LogPart, tools: Tools): LineAudit {
  const audit = { leftovers: [] as Leftover[], targets: [] as LoggedTarget[] };
  const json = part.isWholeLine ? jsonFieldsOf(part.text, tools.meanings) : undefined;
  if (json !== undefined) for (const field of json) auditField(field, part, tools, audit);
  else
    for (const field of part.isWholeLine ? fieldsOf(part.text) : [wholeField(part)])
      auditField({ ...field, end: field.start + field.text.length }, part, tools, audit);
  if (audit.leftovers.length > 1) audit.leftovers.sort((a, b) => a.start - b.start);
  return audit;
}

function wholeField({ text }: LogPart): LineField {
  return { is: "text", start: 0, text };
}

type Audit = { readonly leftovers: Leftover[]; readonly targets: LoggedTarget[] };

function auditField(field: JsonField, part: LogPart, tools: Tools, audit: Audit): void {
  // As it stands in the line, places in the field are places in the line; unescaped, only the field has one.
  const isAsWritten = field.end - field.start === field.text.length;
  for (const { start, end, kind, shape } of findInField(field, tools, audit)) {
    const isRepeated = end <= part.repeated;
    if (isRepeated) continue;
    const from = part.before + field.start;
    const place = isAsWritten
      ? { start: from + start, end: from + end }
      : { start: from, end: part.before + field.end };
    audit.leftovers.push({ ...place, kind, shape });
  }
}

function findInField(field: JsonField, tools: Tools, audit: Audit): readonly Found[] {
  const { is, text } = field;
  if (is === "text") return tools.findInText(text);
  if (is === "target") return findInTarget(text, 0, tools, audit);
  if (is === "query") return findInTarget(`/?${text}`, 2, tools, audit);
  if (is === "user") return [wholeOf(text, "user")];
  return findInNamed(is, text, tools);
}

function findInTarget(
  target: string,
  skipped: number,
  tools: Tools,
  audit: Audit,
): readonly Found[] {
  const findings = tools.scrubber.findingsInTarget(target);
  audit.targets.push({ text: target, findings });
  return foundOf(target, findings, tools).map((one) => ({
    ...one,
    start: one.start - skipped,
    end: one.end - skipped,
  }));
}

function findInNamed(is: "named" | "address", text: string, tools: Tools): readonly Found[] {
  const found = tools.findInText(text);
  if (found.length > 0 || HARMLESS_VALUE.test(text) || isOwn("value", text, text)) return found;
  if (is === "named") return [wholeOf(text, "value")];
  if (findNumericAddress(text) !== undefined) return [wholeOf(text, "ip")];
  return HOST_AND_PORT.test(text) ? found : [wholeOf(text, "value")];
}

/** User agents as a whole, for what is in one (versions like addresses) is part of it. */
function findInUnknownText(text: string, options: LeftoverOptions): readonly Found[] {
  const found: Found[] = [];
  let from = 0;
  for (const { 0: agent, index } of text.matchAll(USER_AGENT)) {
    found.push(...findBetween(text, from, index, options));
    from = index + agent.length;
    if (!isCoarse(agent)) found.push({ start: index, end: from, ...said(agent, "user-agent") });
  }
  return [...found, ...findBetween(text, from, text.length, options)];
}

function findBetween(
  text: string,
  start: number,
  end: number,
  options: LeftoverOptions,
): readonly Found[] {
  const between = text.slice(start, end);
  return foundOf(between, options.scrubber.findings(between), options).map((one) => ({
    ...one,
    start: one.start + start,
    end: one.end + start,
  }));
}

/** What logveil makes of a user agent, and browsers that have frozen theirs send: no more than family, version and platform. */
function isCoarse(agent: string): boolean {
  return reducedUserAgent(describeUserAgent(agent)) === agent;
}

function foundOf(
  text: string,
  findings: readonly Finding[],
  { ignoresAddress }: LeftoverOptions,
): readonly Found[] {
  if (findings.length === 0) return NONE;
  return findings
    .filter(({ kind, canonical, start, end }) => !isOwn(kind, canonical, text.slice(start, end)))
    .filter(({ kind, start, end }) => kind !== "phone" || !isPartOfSerial(text, start, end))
    .filter(({ kind, canonical }) => kind !== "ip" || !ignoresAddress(canonical))
    .map(({ start, end, kind }) => ({ start, end, ...said(text.slice(start, end), kind) }));
}

function wholeOf(text: string, kind: string): Found {
  return { start: 0, end: text.length, ...said(text, kind) };
}

function said(value: string, kind: string): { readonly kind: string; readonly shape: string } {
  return { kind, shape: shapeOf(kind, value) };
}
