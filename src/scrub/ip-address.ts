import ipaddr from "ipaddr.js";
import { findAddress } from "../identity/address.ts";
import type { Detector, Match } from "./finding.ts";

const IPV4 = /(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)/g;
const IPV6_RUN = /[0-9a-f:.]+/gi;
// `0xc0.0x0.0x2.0x1` and `0300.0000.0002.0001`, which inet_aton(3) takes; nothing else is written so.
const BASED =
  /(?<![\w.])(?:0x[0-9a-f]{1,2}(?:\.0x[0-9a-f]{1,2}){3}|0[0-3][0-7]{2}(?:\.0[0-3][0-7]{2}){3})(?![\w]|\.\w)/gi;
// RFC 3596 section 2.5: 32 nibbles, last first.
const REVERSED = /(?<![0-9a-z])(?:[0-9a-f]\.){32}(?=ip6\.arpa)/gi;
const NUMERIC =
  /^(?:0x[0-9a-f]{1,8}|[0-9]{8,12}|(?:0x[0-9a-f]{1,8}|[0-9]{1,10})(?:\.(?:0x[0-9a-f]{1,6}|[0-9]{1,8})){1,3})\.?$/i;
const ZONE = /^%25[\w.-]{1,32}|^%[\w.-]{1,32}/;
const DASHED = /(?<!\d)\d{1,3}(?:-\d{1,3}){3}(?!\d|-\d)/g;
const IN_NAME =
  /(?<=(?<![a-z])(?:ip|ec2|host|dsl|adsl|dhcp|pool|static|dyn|dynamic|client|cpe|customer|user|ppp)-)\d{1,3}(?:-\d{1,3}){3}(?!\d|-\d)/gi;
const WORD = /[a-z0-9_]/i;

/** IPv6 (also with an IPv4 tail) before IPv4, which may be that tail. */
export const IPV6: Detector = { kind: "ip", guard: /:[^:]*:/, find: findIpv6 };

export const IPV4_DOTTED: Detector = {
  kind: "ip",
  guard: /\d\.\d{1,3}\.\d/,
  find: (text) => findIpv4(text, IPV4, "."),
};

export const IPV4_BASED: Detector = {
  kind: "ip",
  guard: /0x[0-9a-f]{1,2}\.|0[0-3][0-7]{2}\.0/i,
  find: (text) =>
    Array.from(text.matchAll(BASED), ({ 0: spelt, index }) => {
      const canonical = findNumericAddress(spelt) ?? spelt;
      return { start: index, end: index + spelt.length, canonical };
    }).filter(({ canonical }) => !isLoopback(canonical)),
};

/** `1.0.0. … .8.b.d.0.1.0.0.2.ip6.arpa`, the name under which resolvers look an IPv6 address up. */
export const IPV6_REVERSED: Detector = {
  kind: "ip",
  guard: /ip6\.arpa/i,
  find: (text) =>
    Array.from(text.matchAll(REVERSED), ({ 0: spelt, index }) => {
      const nibbles = spelt.toLowerCase().split(".").toReversed().join("");
      const groups = nibbles.match(/.{4}/g)?.join(":") ?? "";
      return {
        start: index,
        end: index + spelt.length - 1,
        canonical: findAddress(groups) ?? nibbles,
      };
    }),
};

/** `ec2-192-0-2-1.example`: how providers name hosts. In host names only, elsewhere four short numbers may be anything. */
export const IPV4_DASHED: Detector = {
  kind: "ip",
  guard: /\d-\d{1,3}-\d/,
  find: (text) => findIpv4(text, DASHED, "-"),
};

/** The same in free text, behind what providers begin such names with. */
export const IPV4_IN_NAME: Detector = {
  kind: "ip",
  guard: /-\d{1,3}-\d{1,3}-\d/,
  find: (text) => findIpv4(text, IN_NAME, "-"),
};

/** The address of the machine itself, which tells nothing about anybody. */
export function isLoopback(address: string): boolean {
  return address === "127.0.0.1" || address === "::1";
}

/**
 * The IPv4 address that inet_aton(3) reads in one to four decimal, hexadecimal or octal numbers (`3221225985`, `0xc0000201`,
 * `0300.2.1`). Such a number may be anything: ask only where an address is expected.
 */
export function findNumericAddress(text: string): string | undefined {
  if (!NUMERIC.test(text)) return undefined;
  const bare = text.replace(/\.$/, "");
  return ipaddr.IPv4.isValid(bare) ? ipaddr.IPv4.parse(bare).toString() : undefined;
}

function findIpv4(text: string, pattern: RegExp, separator: string): readonly Match[] {
  const findings: Match[] = [];
  for (const match of text.matchAll(pattern)) {
    // Leading zeros are refused by parsers and typed by people; octal was never meant.
    const octets = match[0].split(separator).map(Number);
    const canonical = octets.join(".");
    if (octets.some((octet) => octet > 255) || isLoopback(canonical)) continue;
    findings.push({ start: match.index, end: match.index + match[0].length, canonical });
  }
  return findings;
}

function findIpv6(text: string): readonly Match[] {
  const findings: Match[] = [];
  for (const match of text.matchAll(IPV6_RUN)) {
    // Most runs are letters of words, times and sizes.
    if (!hasTwoColons(match[0])) continue;
    const run = trimRun(match[0], match.index);
    const canonical = findAddress(run.text);
    if (canonical === undefined ? !isOverfull(run.text) : isLoopback(canonical)) continue;
    if (isPartOfName(text, run)) continue;
    // A zone (RFC 4007 section 11) names a network card, and belongs to the address.
    const zone = ZONE.exec(text.slice(run.start + run.text.length))?.[0].length ?? 0;
    const end = run.start + run.text.length + zone;
    findings.push({ start: run.start, end, canonical: canonical ?? run.text.toLowerCase() });
  }
  return findings;
}

function hasTwoColons(text: string): boolean {
  const first = text.indexOf(":");
  return first !== -1 && text.includes(":", first + 1);
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
