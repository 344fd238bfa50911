// The `fields` of a shared record: a comma list of paths into a JSON document, in the part of the GJSON syntax that clients of the
// dialect use. https://github.com/tidwall/gjson/blob/master/SYNTAX.md

import { LogveilError } from "../../errors.ts";

/** Bounds: what a person reads, and far below what would take time. */
const MAX_FIELDS = 100;
const MAX_LENGTH = 4096;
const MAX_DEPTH = 32;

/** The paths of the list, as they were written. Throws `fields-invalid` for more than 100, or a path of more than 32 parts. */
export function parseFields(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string" || value.length > MAX_LENGTH)
    throw new LogveilError("fields-invalid");
  const paths = value
    .split(",")
    .map((path) => path.trim())
    .filter((path) => path !== "");
  const isBounded =
    paths.length <= MAX_FIELDS && paths.every((path) => partsOf(path).length <= MAX_DEPTH);
  // SECURITY: a list that names nothing must not become "everything".
  if (paths.length === 0 || !isBounded) throw new LogveilError("fields-invalid");
  return paths;
}

/**
 * A flat object with one member for each path, named as it was written; `null` where nothing is. `token` is the user token. A path is
 * parted by dots (`\.` is a dot of a name): names, indexes of arrays, `#` for an array's length or for each of its elements.
 */
export function selectFields(
  fields: readonly string[],
  document: unknown,
  token?: string,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    fields.map((field) => {
      const found = field === "token" ? token : follow(document, partsOf(field));
      return [field, found ?? null];
    }),
  );
}

function partsOf(path: string): readonly string[] {
  return (path.match(/(?:\\.|[^.\\])+/gs) ?? []).map((part) => part.replaceAll(/\\(.)/gs, "$1"));
}

function follow(value: unknown, parts: readonly string[]): unknown {
  const [part, ...rest] = parts;
  if (part === undefined) return value;
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value) && part === "#") return followEach(value, rest);
  // Own members alone: `__proto__` and `length` are nobody's data.
  if (!Object.hasOwn(value, part) || (Array.isArray(value) && part === "length")) return undefined;
  return follow((value as Readonly<Record<string, unknown>>)[part], rest); // an object, asked above
}

function followEach(values: readonly unknown[], rest: readonly string[]): unknown {
  if (rest.length === 0) return values.length;
  return values.map((value) => follow(value, rest)).filter((found) => found !== undefined);
}
