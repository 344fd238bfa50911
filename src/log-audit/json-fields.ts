// Lines that are one JSON object: each string by itself, with what its name says about it.

import { type NameMeaning, meaningOf } from "../scrub/parameter-name.ts";
import { ownCopyOf } from "./own-copy.ts";
import { type LineField, fieldsOf, fieldsOfRequest } from "./line-fields.ts";

/** `named`: its name means a secret or somebody, whatever it looks like. `address`: or where something is. `query`: without a question mark. */
export type JsonField =
  | (LineField & { readonly end: number })
  | {
      readonly is: "named" | "address" | "query";
      readonly start: number;
      readonly end: number;
      readonly text: string;
    };

const MAX_DEPTH = 16;
const MAX_NAMES = 2000;
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?$/;
const TRACE_ID = /^[0-9a-f]{32}$/;
// Of OpenTelemetry, Elastic Common Schema, nginx, Caddy, Traefik and whoever follows them.
const TARGETS = new Set([
  "path",
  "uri",
  "request_uri",
  "url.path",
  "url.original",
  "url",
  "requestpath",
  "target",
  "http.target",
  "http.url",
]);
const QUERIES = new Set(["query", "url.query", "query_string", "args", "request_query"]);
const REQUESTS = new Set(["request", "request_line", "message", "msg"]);
/** Lines within lines, as Docker and CRI have them. */
const LINES = new Set(["log", "line"]);
const TRACES = /(?:^|[._])trace[._]?id$/i;
// What only together with the name before it says whose it is.
const PLAIN_NAMES = new Set(["id", "key", "value", "hash"]);

/** Undefined when the line is no JSON object. `meanings`: of names that were seen before. */
export function jsonFieldsOf(
  line: string,
  meanings: NameMeanings,
): readonly JsonField[] | undefined {
  if (!line.startsWith("{")) return undefined;
  const root = parse(line);
  if (root === undefined) return undefined;
  const fields: JsonField[] = [];
  const walk = { line, from: 0, fields, meanings };
  collect(root, "", walk, 0);
  passOver(line.length, walk);
  return fields;
}

/** What names mean; bounded. */
export class NameMeanings {
  readonly #known = new Map<string, NameMeaning | "none">();

  of(name: string): NameMeaning | "none" {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_NAMES) this.#known.clear();
    const meaning = meaningInPath(name);
    this.#known.set(ownCopyOf(name), meaning);
    return meaning;
  }
}

function parse(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    // Cut off, or no JSON: the caller takes it for text.
    return undefined;
  }
}

type Walk = {
  readonly line: string;
  /** Where the next value is looked for. Objects are walked as they are written, but for names that are numbers. */
  from: number;
  readonly fields: JsonField[];
  readonly meanings: NameMeanings;
};

function collect(value: unknown, name: string, walk: Walk, depth: number): void {
  if (typeof value === "string") pushText(value, name, walk);
  else if (typeof value === "number") pushNumber(value, name, walk);
  else if (typeof value !== "object" || value === null) return;
  else if (depth >= MAX_DEPTH) pushText(JSON.stringify(value), name, walk);
  else if (Array.isArray(value)) value.forEach((one) => collect(one, name, walk, depth + 1));
  else
    for (const [key, member] of Object.entries(value)) {
      pushKey(key, walk);
      collect(member, name === "" ? key : `${name}.${key}`, walk, depth + 1);
    }
}

/** Names are ours or a programmer's, unless somebody's address is used as one. */
function pushKey(key: string, walk: Walk): void {
  const place = find(JSON.stringify(key), walk);
  if (!/^[\w.-]{0,64}$/.test(key)) walk.fields.push({ is: "text", text: key, ...place });
}

function pushNumber(value: number, name: string, walk: Walk): void {
  const text = String(value);
  const place = find(text, walk);
  const meaning = walk.meanings.of(name);
  if (meaning !== "none" && meaning !== "code" && text.length > 2)
    walk.fields.push({ is: "named", text, ...place });
}

function pushText(text: string, name: string, walk: Walk): void {
  const place = find(JSON.stringify(text), walk);
  if (text === "" || TIME.test(text)) return;
  if (TRACE_ID.test(text) && TRACES.test(name)) return;
  const meaning = walk.meanings.of(name);
  const last = lastOf(name).toLowerCase();
  if (REQUESTS.has(last)) {
    walk.fields.push(...placed(fieldsOfRequest(text, 0), text, place));
  } else if (LINES.has(last)) {
    walk.fields.push(...placed(fieldsOf(text.trimEnd()), text, place));
  } else if (TARGETS.has(last) || TARGETS.has(name))
    walk.fields.push({ is: "target", text, ...place });
  else if (QUERIES.has(last) || QUERIES.has(name))
    walk.fields.push({ is: "query", text, ...place });
  else if (meaning === "none" || meaning === "code")
    walk.fields.push({ is: "text", text, ...place });
  else walk.fields.push({ is: meaning === "address" ? "address" : "named", text, ...place });
}

type Place = { readonly start: number; readonly end: number };

/** Fields of a value have places of their own in the line when nothing in it is escaped. */
function placed(fields: readonly LineField[], text: string, place: Place): readonly JsonField[] {
  if (place.end - place.start !== text.length) return fields.map((one) => ({ ...one, ...place }));
  return fields.map((one) => {
    const start = place.start + one.start;
    return { ...one, start, end: start + one.text.length };
  });
}

/** Where a value stands, without its quotes; the whole rest of the line when it is spelt otherwise than we would. */
function find(spelt: string, walk: Walk): Place {
  const { line, from } = walk;
  const index = line.indexOf(spelt, from);
  if (index === -1) return { start: from, end: line.length };
  passOver(index, walk);
  walk.from = index + spelt.length;
  const quote = spelt.startsWith('"') ? 1 : 0;
  return { start: index + quote, end: walk.from - quote };
}

/** Of members of one name only the last is parsed. The others are found as text, when they are passed over. */
function passOver(end: number, { line, from, fields }: Walk): void {
  const quoted = line.indexOf('"', from);
  if (quoted === -1 || quoted >= end) return;
  fields.push({ is: "text", start: from, end, text: line.slice(from, end) });
}

/** `user_agent.original` is no `user`, `session.duration` no `session`, and `session.id` is one. */
function meaningInPath(path: string): NameMeaning | "none" {
  const last = lastOf(path);
  const before = path.slice(0, Math.max(path.length - last.length - 1, 0));
  const together = meaningOf(`${lastOf(before)}.${last}`);
  // What logs of services themselves is called so (bunyan).
  if (path === "name") return "none";
  if (PLAIN_NAMES.has(last)) return together ?? "none";
  return meaningOf(last) === undefined ? "none" : (together ?? "none");
}

/** Names with dots of their own are as many names. */
function lastOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}
