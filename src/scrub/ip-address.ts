import { findAddress } from "../identity/address.ts";
import type { Detector, Finding } from "./finding.ts";

const IPV4 = /(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)/g;
const IPV6_RUN = /[0-9a-f:.]+/gi;
const DASHED = /(?<!\d)\d{1,3}(?:-\d{1,3}){3}(?!\d|-\d)/g;
const WORD = /[a-z0-9_]/i;

/** IPv6 (also with an IPv4 tail) before IPv4, which may be that tail. */
export const IPV6: Detector = { kind: "ip", guard: /:[^:]*:/, find: findIpv6 };

export const IPV4_DOTTED: Detector = {
  kind: "ip",
  guard: /\d\.\d{1,3}\.\d/,
  find: (text) => findIpv4(text, IPV4, "."),
};

/** `ec2-192-0-2-1.example`: how providers name hosts. In host names only, elsewhere four short numbers may be anything. */
export const IPV4_DASHED: Detector = {
  kind: "ip",
  guard: /\d-\d{1,3}-\d/,
  find: (text) => findIpv4(text, DASHED, "-"),
};

/** The address of the machine itself, which tells nothing about anybody. */
export function isLoopback(address: string): boolean {
  return address === "127.0.0.1" || address === "::1";
}

function findIpv4(text: string, pattern: RegExp, separator: string): readonly Finding[] {
  const findings: Finding[] = [];
  for (const match of text.matchAll(pattern)) {
    // Leading zeros are refused by parsers and typed by people; octal was never meant.
    const octets = match[0].split(separator).map(Number);
    const canonical = octets.join(".");
    if (octets.some((octet) => octet > 255) || isLoopback(canonical)) continue;
    findings.push({ start: match.index, end: match.index + match[0].length, canonical });
  }
  return findings;
}

function findIpv6(text: string): readonly Finding[] {
  const findings: Finding[] = [];
  for (const match of text.matchAll(IPV6_RUN)) {
    const run = trimRun(match[0], match.index);
    const canonical = findAddress(run.text);
    if (canonical === undefined ? !isOverfull(run.text) : isLoopback(canonical)) continue;
    if (isPartOfName(text, run)) continue;
    const end = run.start + run.text.length;
    findings.push({ start: run.start, end, canonical: canonical ?? run.text.toLowerCase() });
  }
  return findings;
}

type Run = { readonly text: string; readonly start: number };

/** Without the punctuation of the sentence around it: one colon before, one colon or dots behind. */
function trimRun(text: string, start: number): Run {
  const skipped = /^\.*(?::(?!:))?/.exec(text)?.[0].length ?? 0;
  let end = text.length;
  while (end > skipped && text[end - 1] === ".") end--;
  if (text[end - 1] === ":" && text[end - 2] !== ":") end--;
  return { text: text.slice(skipped, end), start: start + skipped };
}

/** An address with more hexadecimal text stuck to it (`id:2001:db8::1:80`) is no address and holds one all the same. */
function isOverfull(run: string): boolean {
  const colons = run.split(":").length - 1;
  return colons >= 7 || (colons >= 2 && run.includes("::") && (run.match(/\d/g)?.length ?? 0) >= 4);
}

/** `std::string` holds `d::`, which is an address by its looks. */
function isPartOfName(text: string, run: Run): boolean {
  const isAttached =
    WORD.test(text.charAt(run.start - 1)) || WORD.test(text.charAt(run.start + run.text.length));
  const groups = run.text.split(":").filter((group) => group !== "");
  return groups.length === 0 || (isAttached && groups.length < 3 && !/\d/.test(run.text));
}
