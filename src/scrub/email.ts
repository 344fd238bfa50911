import { isIPv4 } from "node:net";
import type { Detector, Match } from "./finding.ts";

// Around an address. Narrower than RFC 5322 allows on purpose: "=" and ":" may stand in a local part (bounce+bob=example.org@…),
// so `mailto:bob@example.org` is replaced with its prefix rather than a recipient left over.
const BEFORE = /[\s/?#&,;<>()[\]{}"\\|]/;
const DOMAIN_CHARACTER = /[\p{L}\p{M}\p{N}.@_-]/u;
const DOMAIN = /[^.@]\.(?:\p{L}{2}|xn--)/u;
// `react@18.3.0-rc.1` and `logo@2x.png` are a package's version and an image's density.
const VERSION = /^\d+\.\d+\.\d+(?:[-+][\w.+-]*)?$/;
const DENSITY = /^\d(?:\.\d)?x\.(?:png|jpe?g|gif|webp|avif|svg)$/i;

/** Addresses with a dotted domain (also IDN and address literals), each as the whole run of characters around its @. */
export const EMAIL: Detector = { kind: "email", guard: /@/, find: findEmails };

function findEmails(text: string): readonly Match[] {
  const findings: Match[] = [];
  let from = 0;
  let at = text.indexOf("@");
  while (at !== -1) {
    const start = startOfLocalPart(text, at, from);
    // Each character is walked over once: the next search begins where this run ends (`@bob@example.org` has two).
    const end = start === at ? at + 1 : endOfDomain(text, at + 1);
    if (isMailDomain(text.slice(at + 1, end))) {
      findings.push({ start, end, canonical: canonicalEmail(text.slice(start, end)) });
    }
    from = end;
    at = text.indexOf("@", from);
  }
  return findings;
}

function startOfLocalPart(text: string, at: number, from: number): number {
  if (at > from && text[at - 1] === '"') {
    const quote = text.lastIndexOf('"', at - 2);
    if (quote >= from) return quote;
  }
  let start = at;
  while (start > from && !BEFORE.test(text.charAt(start - 1))) start--;
  return start;
}

function endOfDomain(text: string, from: number): number {
  if (text[from] === "[") {
    const close = text.indexOf("]", from);
    // RFC 5321 section 4.5.3.1.2: a domain has 255 octets at most.
    return close === -1 || close - from > 255 ? from : close + 1;
  }
  let end = from;
  while (end < text.length && DOMAIN_CHARACTER.test(characterAt(text, end))) {
    end += characterAt(text, end).length;
  }
  while (end > from && ".-_".includes(text.charAt(end - 1))) end--;
  return end;
}

function characterAt(text: string, index: number): string {
  return String.fromCodePoint(text.codePointAt(index) ?? 0);
}

function isMailDomain(domain: string): boolean {
  if (domain.startsWith("[")) return true;
  if (domain.startsWith(".")) return false;
  if (VERSION.test(domain) || DENSITY.test(domain)) return false;
  return DOMAIN.test(domain) || isIPv4(domain);
}

function canonicalEmail(run: string): string {
  return run.slice(Math.max(run.lastIndexOf(":"), run.lastIndexOf("=")) + 1).toLowerCase();
}
