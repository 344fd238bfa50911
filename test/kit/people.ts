// People who do not exist, planted wherever a real person could show up, and the search that finds them again: in what reached
// the upstream, in every log, in error answers and in the raw files of the store.

import { needlesOf } from "./spellings.ts";
import type { Needle, Trait } from "./spellings.ts";

export type Person = {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly userAgent: string;
  /** Cookies by name; the first one is a session cookie that counts for the identity, the rest do not. */
  readonly cookies: Readonly<Record<string, string>>;
  readonly email: string;
  /** International spelling with spaces. */
  readonly phone: string;
  readonly login: string;
  readonly password: string;
  readonly jwt: string;
};

const ADA: Person = {
  name: "Ada Featherstonehaugh",
  ipv4: "198.51.100.237",
  ipv6: "2001:db8:ada:1::c0de",
  userAgent:
    "Mozilla/5.0 (Linux; Android 14; SM-G998B/DS) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.139 Mobile Safari/537.36",
  cookies: { PHPSESSID: "ada7k2m9q4x1v8c3b6n5", _ga: "GA1.2.1734567890.1701234567" },
  email: "ada.featherstonehaugh@example.org",
  phone: "+44 7700 900123",
  login: "adafeather",
  password: "Tr0ub4dor&Ada-3",
  jwt: jwtOf({ sub: "ada-48151623", email: "ada.featherstonehaugh@example.org" }, "ada"),
};

const BORIS: Person = {
  name: "Boris Żółkiewski",
  ipv4: "203.0.113.89",
  ipv6: "2001:db8:b0:0:15::7",
  userAgent:
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7_2) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2.91 Safari/605.1.15",
  cookies: { JSESSIONID: "B0R15F00DFACE5EED4217", wordpress_test: "boris-tracker-0097531" },
  email: "Boris.Zolkiewski+shop@example.net",
  phone: "+1 202 555 0147",
  login: "boris_zolk",
  password: "hunter2-boris!",
  jwt: jwtOf({ sub: "boris-23571113", name: "Boris Żółkiewski" }, "boris"),
};

const CHLOE: Person = {
  name: "Chloë Quillfeather",
  ipv4: "192.0.2.154",
  ipv6: "2001:db8:c410:e::abcd:42",
  userAgent:
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.7) Gecko/20100101 Firefox/133.7 CHLOE-KIOSK/0815",
  cookies: { sessionid: "chl0e-zz91-yy82-xx73", uid: "chloe-device-55aa77bb" },
  email: "chloe@quillfeather.example",
  phone: "+49 30 23125 042",
  login: "chloequill",
  password: "korrektpferdchloe",
  jwt: jwtOf({ sub: "chloe-31415926", phone: "+493023125042" }, "chloe"),
};

/** Each from other address ranges, agent families and spellings of the same things. No trait of one contains one of another. */
export const PEOPLE: readonly [Person, Person, Person] = [ADA, BORIS, CHLOE];

/** `Authorization: Basic` of a person (RFC 7617). */
export function basicAuthorizationOf({ login, password }: Person): string {
  return `Basic ${Buffer.from(`${login}:${password}`).toString("base64")}`;
}

/** The value of a `Cookie` header (RFC 6265 section 4.2.1). */
export function cookieHeaderOf({ cookies }: Person): string {
  return Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join("; ");
}

/**
 * Everything of the planted people that `bytes` contains, as "name: trait (spelling)": plain, in either case, percent-encoded
 * (also twice, and needlessly), base64 in either alphabet at any position, hex, IPv6 short, long and as 16 bytes, IPv4 mapped
 * and as a number, phone numbers however grouped. Empty when nothing leaked.
 */
export function findPerson(bytes: Uint8Array | string): string[] {
  const haystacks = spellingsOfHaystack(Buffer.from(bytes).toString("latin1"));
  return SOUGHT.filter(({ needle }) =>
    haystacks.some((haystack) => contains(haystack, needle)),
  ).map(({ label }) => label);
}

type Haystack = { readonly exact: string; readonly lower: string };

function spellingsOfHaystack(raw: string): readonly Haystack[] {
  const once = percentDecode(raw);
  return [...new Set([raw, once, percentDecode(once)])].map((exact) => ({
    exact,
    lower: exact.toLowerCase(),
  }));
}

function percentDecode(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function contains({ exact, lower }: Haystack, { bytes, isCaseSensitive }: Needle): boolean {
  if (typeof bytes !== "string") return bytes.test(exact);
  return (isCaseSensitive ? exact : lower).includes(bytes);
}

function traitsOf(person: Person): Readonly<Record<string, Trait>> {
  const [, payload = "", signature = ""] = person.jwt.split(".");
  const cookies = Object.entries(person.cookies).map(
    ([name, value]) => [`cookie ${name}`, text(value)] as const,
  );
  return {
    name: text(person.name),
    ipv4: { kind: "ipv4", value: person.ipv4 },
    ipv6: { kind: "ipv6", value: person.ipv6 },
    "user agent": text(person.userAgent),
    "user agent's detail": text(userAgentDetail(person.userAgent)),
    ...Object.fromEntries(cookies),
    email: text(person.email),
    phone: { kind: "phone", value: person.phone },
    login: text(person.login),
    password: text(person.password),
    "basic authorization": text(basicAuthorizationOf(person)),
    "jwt payload": text(payload),
    "jwt signature": text(signature),
  };
}

/** The part of a user agent that no coarse description may keep: model, minor version or odd product. */
function userAgentDetail(userAgent: string): string {
  const [detail] = /SM-G998B|14_7_2|CHLOE-KIOSK/.exec(userAgent) ?? [];
  if (detail === undefined) throw new TypeError("a planted user agent without a telling detail");
  return detail;
}

function text(value: string): Trait {
  return { kind: "text", value };
}

function jwtOf(claims: Readonly<Record<string, string>>, secret: string): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signature = Buffer.from(`${secret}-signature-of-32-bytes-xxxx`).toString("base64url");
  return `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}.${signature}`;
}

const SOUGHT: readonly { readonly label: string; readonly needle: Needle }[] = PEOPLE.flatMap(
  (person) =>
    Object.entries(traitsOf(person)).flatMap(([trait, value]) =>
      needlesOf(value).map((needle) => ({
        label: `${person.name}: ${trait} (${needle.spelling})`,
        needle,
      })),
    ),
);
