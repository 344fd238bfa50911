// The ways in which one value can be written down. A leak is a leak in every one of them.

import { BlockList, isIPv6 } from "node:net";

export type Trait = {
  readonly kind: "text" | "ipv4" | "ipv6" | "phone";
  readonly value: string;
};

/** What to look for: bytes as a latin1 string, compared with or without regard to case; or a pattern. */
export type Needle = {
  readonly spelling: string;
  readonly bytes: string | RegExp;
  readonly isCaseSensitive: boolean;
};

/** Every spelling of a trait that a search without regard to case, in raw and percent-decoded bytes, would not find by itself. */
export function needlesOf(trait: Trait): readonly Needle[] {
  const texts = SPELLINGS[trait.kind](trait.value);
  return Object.entries(texts).flatMap(([spelling, text]) => [
    anyCase(spelling, Buffer.from(text).toString("latin1")),
    anyCase(`${spelling}, \\u escapes`, escapeNonAscii(text)),
    anyCase(`${spelling}, + for space`, Buffer.from(text.replaceAll(" ", "+")).toString("latin1")),
    anyCase(`${spelling}, hex`, Buffer.from(text).toString("hex")),
    ...base64Cores(Buffer.from(text)).map((core) => exact(`${spelling}, base64`, core)),
    ...patternsOf(trait),
  ]);
}

const SPELLINGS = {
  text: (value: string) => ({ plain: value }),
  ipv4: (value: string) => ({
    plain: value,
    "mapped hex": `::ffff:${mappedGroups(value)}`,
    number: String(ipv4Number(value)),
  }),
  ipv6: (value: string) => ({ short: shortIpv6(value), long: longIpv6(value) }),
  phone: (value: string) => ({ plain: value, digits: value.replace(/\D/g, "") }),
} as const satisfies Record<Trait["kind"], (value: string) => Readonly<Record<string, string>>>;

function patternsOf({ kind, value }: Trait): readonly Needle[] {
  if (kind === "ipv6") {
    const groups = longIpv6(value).replaceAll(":", "");
    return [exact("16 bytes", Buffer.from(groups, "hex").toString("latin1"))];
  }
  if (kind !== "phone") return [];
  // The national number, however it is grouped: that is what every international or domestic spelling ends with.
  const digits = value.replace(/\D/g, "").slice(-10);
  const pattern = new RegExp(digits.split("").join(String.raw`[\s().+/-]{0,3}`));
  return [{ spelling: "grouped digits", bytes: pattern, isCaseSensitive: true }];
}

function anyCase(spelling: string, bytes: string): Needle {
  return { spelling, bytes: bytes.toLowerCase(), isCaseSensitive: false };
}

function exact(spelling: string, bytes: string): Needle {
  return { spelling, bytes, isCaseSensitive: true };
}

/**
 * The characters of the base64 of any text that contains `bytes` which depend on `bytes` alone: one string for each of the three
 * positions at which it can begin, in both alphabets (RFC 4648 sections 4 and 5).
 */
export function base64Cores(bytes: Buffer): readonly string[] {
  const cores = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
  });
  return [...new Set([...cores, ...cores.map(toUrlAlphabet)])];
}

function toUrlAlphabet(base64: string): string {
  return base64.replaceAll("+", "-").replaceAll("/", "_");
}

function escapeNonAscii(text: string): string {
  return text.replace(/[^\0-\x7F]/g, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function ipv4Number(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function mappedGroups(address: string): string {
  const hex = ipv4Number(address).toString(16).padStart(8, "0");
  return `${trimGroup(hex.slice(0, 4))}:${trimGroup(hex.slice(4))}`;
}

function trimGroup(group: string): string {
  return group.replace(/^0{1,3}/, "");
}

/** RFC 5952 spelling, by way of the URL parser. */
function shortIpv6(address: string): string {
  assertIpv6(address);
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

function longIpv6(address: string): string {
  const [head = "", tail] = shortIpv6(address).split("::");
  const before = head.split(":").filter(Boolean);
  const after = (tail ?? "").split(":").filter(Boolean);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join(":");
}

function assertIpv6(address: string): void {
  if (!isIPv6(address)) throw new TypeError("not an IPv6 address");
}

/** Whether `address` is one that RFC 5737 or RFC 3849 sets aside for documentation, so that nobody real is planted. */
export function isForDocumentation(address: string): boolean {
  return DOCUMENTATION.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

const DOCUMENTATION = new BlockList();
DOCUMENTATION.addSubnet("192.0.2.0", 24, "ipv4");
DOCUMENTATION.addSubnet("198.51.100.0", 24, "ipv4");
DOCUMENTATION.addSubnet("203.0.113.0", 24, "ipv4");
DOCUMENTATION.addSubnet("2001:db8::", 32, "ipv6");
