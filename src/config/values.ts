// Values as they stand in the file, between the YAML parser and the configuration: a tree of sections whose keys may be
// missing, unknown or of the wrong type.

import { join } from "node:path";
import type { Configuration } from "./configuration.ts";
import type { Setting } from "./environment.ts";
import { findMeaning } from "./kinds.ts";
import { SCHEMA } from "./schema.ts";
import type { SchemaNode } from "./schema-node.ts";

export type Section = Record<string, unknown>;

const DATA_DIR = "<dataDir>/";

export function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A copy of `values` with `settings` on top, in their order. A setting inside something that is no section is lost. */
export function layer(values: unknown, settings: readonly Setting[]): Section {
  const copy = copyOf(SCHEMA, values);
  const root = isSection(copy) ? copy : {};
  for (const { path, value } of settings) {
    const names = path.split(".");
    const last = names.pop() ?? "";
    let section: unknown = root;
    for (const name of names) section = isSection(section) ? (section[name] ??= {}) : undefined;
    if (isSection(section)) section[last] = value;
  }
  return root;
}

/**
 * As deep as the schema goes: one alias that stands in two sections becomes two sections, each with defaults of its own.
 * A section that is null, all its keys commented out, is left away.
 */
function copyOf(node: SchemaNode, value: unknown): unknown {
  const { properties } = node;
  if (properties === undefined || !isSection(value)) return value;
  const entries = Object.entries(value).flatMap(([name, child]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known?.properties !== undefined && child === null) return [];
    return [[name, known === undefined ? child : copyOf(known, child)] as const];
  });
  return Object.fromEntries(entries);
}

/** What valid and complete `values` stand for. */
export function decode(values: Section): Configuration {
  const dataDir = valueAt(values, "vault.dataDir");
  // The schema has passed these values; a test compares what comes out with the type, key by key.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return decodeNode(SCHEMA, values, typeof dataDir === "string" ? dataDir : "") as Configuration;
}

/** The value of a dotted path; undefined when there is none. */
export function valueAt(values: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((section, name) => (isSection(section) ? section[name] : undefined), values);
}

function decodeNode(node: SchemaNode, value: unknown, dataDir: string): unknown {
  if (typeof value === "string") return decodeText(node, value, dataDir);
  if (Array.isArray(value)) {
    const items =
      node.items ?? node.anyOf?.find((choice) => choice.items !== undefined)?.items ?? {};
    return value.map((part) => decodeNode(items, part, dataDir));
  }
  if (!isSection(value)) return value ?? undefined;
  const { properties, additionalProperties } = node;
  const known =
    properties ??
    Object.fromEntries(Object.keys(value).map((name) => [name, additionalProperties]));
  return Object.fromEntries(
    Object.entries(known).map(([name, child]) => [
      name,
      decodeNode(child || {}, value[name], dataDir),
    ]),
  );
}

function decodeText(node: SchemaNode, text: string, dataDir: string): unknown {
  const value = findMeaning(node, text);
  const isInside = node.kind === "path" && text.startsWith(DATA_DIR);
  return isInside ? join(dataDir, text.slice(DATA_DIR.length)) : value;
}
