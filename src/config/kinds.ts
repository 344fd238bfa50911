// What each kind of text in the configuration must be, in words and as a function. The words are all that a problem says:
// it never repeats the text, which may be a secret that stands in the wrong place.

import ipaddr from "ipaddr.js";
import { isIP } from "node:net";
import { findHostName, findListenAddress, findUpstream } from "./listen-address.ts";
import { findDuration, findRate, findSize } from "./quantity.ts";
import type { Kind, SchemaNode } from "./schema-node.ts";
import { Secret } from "./secret.ts";

type KindMeaning = {
  /** The value that the text stands for; undefined when it stands for none. */
  readonly find: (text: string, node: SchemaNode) => unknown;
  readonly allowed: (node: SchemaNode) => string;
  readonly example: string;
};

const KINDS: Readonly<Record<Kind, KindMeaning>> = {
  cookie: {
    find: (text) => matching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/, text), // RFC 6265 section 4.1.1
    allowed: () => "a cookie name",
    example: "sessionid",
  },
  country: {
    find: findCountry,
    allowed: () => "a country code (ISO 3166), two capital letters",
    example: "GB",
  },
  duration: {
    find: (text, node) => within(findDuration, text, node),
    allowed: (node) => `a duration${range(node)}`,
    example: "30s",
  },
  host: {
    find: findHostName,
    allowed: () => "a host name",
    example: "app.example",
  },
  listen: {
    find: findListenAddress,
    allowed: () => "host:port",
    example: "127.0.0.1:8080",
  },
  path: {
    // SECURITY: a placeholder that is not known must not become a folder with a funny name that nobody protects.
    find: (text) => matching(/^(<dataDir>\/)?[^<\0][^\0]{0,4095}$/, text),
    allowed: () => "a path",
    example: "./data",
  },
  rate: {
    find: findRate,
    allowed: () => "so many a second, minute or hour",
    example: "600/m",
  },
  secret: {
    find: (text) => (isLine(text) ? new Secret(text) : undefined),
    allowed: () => "one line of text",
    example: "a long random text",
  },
  size: {
    find: (text, node) =>
      node.none === true && text === "none" ? Infinity : within(findSize, text, node),
    allowed: (node) => `a size${range(node)}${node.none === true ? ", or none" : ""}`,
    example: "1MiB",
  },
  template: {
    find: (text) => matching(/^(\/[^/\s?#]*)+$/, text.length > 2048 ? "" : text),
    allowed: () => "a path template that begins with a slash",
    example: "/users/:id",
  },
  text: {
    find: (text) => (isLine(text) ? text : undefined),
    allowed: () => "one line of text",
    example: "name",
  },
  trusted: {
    find: (text) => (text === "unix" ? text : findNetwork(text)),
    allowed: () => "a network in CIDR notation or unix",
    example: "10.0.0.0/8",
  },
  upstream: {
    find: findUpstream,
    allowed: () =>
      "http://host:port, https://host:port or unix:/path, without a path on the server",
    example: "http://127.0.0.1:8000",
  },
  url: {
    find: findUrl,
    allowed: ({ schemes = [] }) =>
      `a URL that begins with ${schemes.map((s) => `${s}://`).join(" or ")}`,
    example: "https://logs.example.org",
  },
};

/** What `text` stands for at `node`; undefined when it is not allowed there. */
export function findMeaning(node: SchemaNode, text: string): unknown {
  return node.kind === undefined ? text : KINDS[node.kind].find(text, node);
}

/** What may stand at `node`, in words: "a duration from 1s to 24h". */
export function allowedAt(node: SchemaNode): string {
  if (node.anyOf !== undefined) return node.anyOf.map(allowedAt).join(", or ");
  if (node.const !== undefined) return node.const;
  if (node.enum !== undefined) return `one of ${node.enum.join(", ")}`;
  if (node.kind !== undefined) return KINDS[node.kind].allowed(node);
  if (node.items !== undefined) return listOf(node.items, node.minItems);
  if (node.type === "boolean") return "true or false";
  if (node.propertyNames !== undefined) return "header fields, each with one line of text";
  if (node.type === "integer") return `a whole number from ${node.minimum} to ${node.maximum}`;
  return "a group of keys";
}

/** Something that may stand at `node`, spelled as in the file: its default, where it has one. */
export function exampleAt(node: SchemaNode): string {
  const { default: standard, items } = node;
  if (Array.isArray(standard) && standard.length > 0) return `[${standard.join(", ")}]`;
  if (items !== undefined) return `[${exampleAt(items)}]`;
  if (node.properties !== undefined) return `{ ${Object.keys(node.properties)[0]}: … }`;
  if (node.propertyNames !== undefined) return "{}";
  if (isScalar(standard)) return String(standard);
  if (node.schemes?.includes("https") === false) return `${node.schemes[0]}://logs.example.org`;
  return node.kind === undefined ? String(node.enum?.[0]) : KINDS[node.kind].example;
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function listOf(items: SchemaNode, minItems = 0): string {
  const many = items.enum === undefined ? `each ${allowedAt(items)}` : items.enum.join(", ");
  return `a list, ${minItems > 0 ? "not empty, " : ""}without repeats, of ${many}`.replace(
    "of each",
    "each",
  );
}

function range(node: SchemaNode): string {
  return node.atLeast === undefined ? "" : ` from ${node.atLeast} to ${node.atMost}`;
}

function within(
  find: (text: string) => number | undefined,
  text: string,
  { atLeast = "", atMost = "" }: SchemaNode,
): number | undefined {
  const value = find(text);
  const isBelow = value === undefined || value < (find(atLeast) ?? 0);
  return isBelow || value > (find(atMost) ?? Infinity) ? undefined : value;
}

function matching(pattern: RegExp, text: string): string | undefined {
  return pattern.test(text) ? text : undefined;
}

const REGIONS = new Intl.DisplayNames("en", { type: "region", fallback: "none" });

/** A code that is not the country's own (UK for GB) finds no phone numbers, and would leave them in the log. */
function findCountry(text: string): string | undefined {
  if (!/^[A-Z]{2}$/.test(text) || REGIONS.of(text) === undefined) return undefined;
  return new Intl.Locale(`und-${text}`).region === text ? text : undefined;
}

function isLine(text: string): boolean {
  // SECURITY: header fields are made of these; a line break would end one field and begin another.
  return /^[^\p{Cc}]{1,4096}$/u.test(text);
}

/** A bare address is the network of itself. IPv4-mapped networks match no peer, because peers are compared unmapped. */
function findNetwork(text: string): string | undefined {
  const [address = "", prefix, ...rest] = text.split("/");
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (bits < 0 || address.includes("%") || rest.length > 0) return undefined;
  if (bits === 128 && ipaddr.IPv6.parse(address).isIPv4MappedAddress()) return undefined;
  if (prefix === undefined) return `${address}/${bits}`;
  return /^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= bits ? text : undefined;
}

/** Only a mail server's URL may carry a name and a password: elsewhere they end up in somebody's error message. */
function findUrl(text: string, { schemes = [] }: SchemaNode): string | undefined {
  const url = /^\S{1,2048}$/.test(text) ? URL.parse(text) : null;
  const scheme = url?.protocol.slice(0, -1) ?? "";
  if (url === null || url.hostname === "" || !schemes.includes(scheme)) return undefined;
  const mayLogIn = scheme.startsWith("smtp");
  return mayLogIn || (url.username === "" && url.password === "") ? text : undefined;
}
