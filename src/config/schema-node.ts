// What a key of config.yaml can be: a few builders that return plain JSON schema (draft 07), so that the schema that
// validates is the one that editors get. `kind`, `atLeast`, `atMost`, `none` and `schemes` are ours (kinds.ts gives them
// their meaning); an editor passes over them and checks the `pattern` beside them.

import { DURATION_PATTERN, RATE_PATTERN, SIZE_PATTERN } from "./quantity.ts";

export type Kind =
  | "cookie"
  | "country"
  | "duration"
  | "host"
  | "listen"
  | "path"
  | "rate"
  | "secret"
  | "size"
  | "template"
  | "text"
  | "trusted"
  | "upstream"
  | "url";

export type SchemaNode = {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly default?: unknown;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly propertyNames?: SchemaNode;
  readonly additionalProperties?: false | SchemaNode;
  readonly kind?: Kind;
  /** Bounds of a duration or a size, both included, spelled as in the file. */
  readonly atLeast?: string;
  readonly atMost?: string;
  /** Whether a size may also be `none`. */
  readonly none?: boolean;
  /** Schemes that a URL may have. */
  readonly schemes?: readonly string[];
};

type Range = { readonly atLeast: string; readonly atMost: string };
type Sections = Readonly<Record<string, SchemaNode>>;

/** Keys that belong together. A section whose keys are all commented out is null in YAML, and means the defaults. */
export function section(description: string, properties: Sections): SchemaNode {
  return {
    description,
    type: ["object", "null"],
    default: {},
    additionalProperties: false,
    properties,
  };
}

export function duration(standard: string, description: string, range: Range): SchemaNode {
  return { ...text("duration", standard, description), pattern: DURATION_PATTERN, ...range };
}

export function size(standard: string, description: string, range: Range): SchemaNode {
  return { ...text("size", standard, description), pattern: SIZE_PATTERN, ...range };
}

/** A size that may also be `none`. */
export function sizeOrNone(standard: string, description: string, range: Range): SchemaNode {
  const pattern = `^none$|${SIZE_PATTERN}`;
  return { ...size(standard, description, range), pattern, none: true };
}

export function rate(standard: string, description: string): SchemaNode {
  return { ...text("rate", standard, description), pattern: RATE_PATTERN };
}

export function text(kind: Kind, standard: string, description: string): SchemaNode {
  return { description, type: "string", kind, default: standard };
}

export function url(
  standard: string,
  description: string,
  ...schemes: readonly string[]
): SchemaNode {
  return { ...text("url", standard, description), schemes };
}

/** The same key without a default: null, and nothing in the configuration, until it is set. */
export function optional(node: SchemaNode): SchemaNode {
  return { ...node, type: ["string", "null"], default: null };
}

export function word(standard: string, others: readonly string[], description: string): SchemaNode {
  return { description, type: "string", enum: [standard, ...others], default: standard };
}

export function flag(description: string): SchemaNode {
  return { description, type: "boolean", default: false };
}

export function count(
  standard: number,
  description: string,
  minimum: number,
  maximum: number,
): SchemaNode {
  return { description, type: "integer", minimum, maximum, default: standard };
}

export function list(kind: Kind, standard: readonly string[], description: string): SchemaNode {
  const items = { type: "string", kind } as const;
  return { description, type: "array", uniqueItems: true, items, default: standard };
}

export function listOfWords(
  standard: readonly string[],
  words: readonly string[],
  description: string,
): SchemaNode {
  const items = { type: "string", enum: words };
  return { description, type: "array", uniqueItems: true, items, default: standard };
}

/** `auto`, or a list of cookie names. */
export function autoOrCookies(description: string): SchemaNode {
  const names = {
    type: "array",
    uniqueItems: true,
    items: { type: "string", kind: "cookie" },
  } as const;
  return { description, default: "auto", anyOf: [{ type: "string", const: "auto" }, names] };
}

/** Header fields by name. */
export function fields(description: string): SchemaNode {
  return {
    description,
    type: "object",
    // RFC 9110 section 5.6.2, token
    propertyNames: { type: "string", pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$" },
    additionalProperties: { type: "string", kind: "secret" },
    default: {},
  };
}

/** Every key under `node` by its dotted path, sections left out, in the order of the file. */
export function leavesOf(node: SchemaNode, path = ""): ReadonlyMap<string, SchemaNode> {
  if (node.properties === undefined) return new Map([[path, node]]);
  const entries = Object.entries(node.properties);
  return new Map(
    entries.flatMap(([name, child]) => [
      ...leavesOf(child, path === "" ? name : `${path}.${name}`),
    ]),
  );
}
