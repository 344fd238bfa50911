import { Ajv, type ErrorObject } from "ajv";
import { allowedAt, exampleAt, findMeaning } from "./kinds.ts";
import type { Problem } from "./problem.ts";
import { KEYS, SCHEMA, jsonSchema } from "./schema.ts";
import type { SchemaNode } from "./schema-node.ts";
import { findNearest } from "./suggestion.ts";
import { isSection, valueAt, type Section } from "./values.ts";

const validate = compile();

/**
 * Checks `values` against the schema and completes them with the defaults, in place. What has a problem is replaced by its
 * default, so that everything else can be checked in the same run; unknown keys stay.
 */
export function validateAndComplete(values: Section): readonly Problem[] {
  if (validate(values)) return [];
  const problems = new Map<string, Problem>();
  for (const error of validate.errors ?? []) {
    const problem = describe(error);
    if (!problems.has(problem.path)) problems.set(problem.path, problem);
  }
  // From the end, because taking an entry out of a list moves the ones behind it.
  for (const path of [...problems.keys()].toReversed()) remove(values, path);
  validate(values);
  return [...problems.values()];
}

function compile() {
  const ajv = new Ajv({
    allErrors: true,
    allowUnionTypes: true,
    messages: false,
    ownProperties: true,
    strict: true,
    useDefaults: true,
    // The schema itself is checked by a test: doing it at every start takes longer than all the rest of loading.
    meta: false,
    validateSchema: false,
  });
  ajv.addVocabulary(["atLeast", "atMost", "none", "schemes"]);
  ajv.addKeyword({
    keyword: "kind",
    type: "string",
    schemaType: "string",
    // `$id` gives the type a property in common with what ajv hands over, which is a node of ours.
    compile: (_: string, node: SchemaNode & { readonly $id?: string }) => (text: string) =>
      findMeaning(node, text) !== undefined,
  });
  return ajv.compile(jsonSchema());
}

function describe({ keyword, instancePath, params }: ErrorObject): Problem {
  const { path, node } = locate(instancePath);
  if (keyword === "additionalProperties")
    return unknownKey(path, String(params["additionalProperty"]));
  const problem = `must be ${allowedAt(node)}`;
  return { path, problem, remedy: `for example ${exampleAt(node)}` };
}

/** The key that a JSON pointer (RFC 6901) leads to, at most one list index deeper. */
function locate(pointer: string): { readonly path: string; readonly node: SchemaNode } {
  let path = "";
  let node: SchemaNode = SCHEMA;
  for (const segment of pointer.split("/").slice(1)) {
    const child = propertyOf(node, segment);
    if (child === undefined) {
      return node.items === undefined
        ? { path, node }
        : { path: `${path}[${segment}]`, node: node.items };
    }
    path = path === "" ? segment : `${path}.${segment}`;
    node = child;
  }
  return { path, node };
}

function propertyOf({ properties = {} }: SchemaNode, name: string): SchemaNode | undefined {
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/** SECURITY: a name is repeated only when it looks like one; what has digits or signs in it may be a secret that slipped. */
function unknownKey(section: string, name: string): Problem {
  const prefix = section === "" ? "" : `${section}.`;
  const nearest = nearestKey(prefix, name);
  return {
    path: /^[A-Za-z][A-Za-z_-]{0,31}$/.test(name) ? `${prefix}${name}` : `${prefix}*`,
    problem: "is no key of logveil",
    remedy: nearest === undefined ? "see docs/configuration.md" : `did you mean ${nearest}?`,
  };
}

/** Of the same section when one is near, of any other by its whole name otherwise: `proxy.retention` is `session.retention`. */
function nearestKey(prefix: string, name: string): string | undefined {
  const siblings = new Set<string>();
  const namesakes = new Map<string, string>();
  for (const path of KEYS.keys()) {
    if (path.startsWith(prefix)) siblings.add(path.slice(prefix.length).split(".", 1)[0] ?? "");
    namesakes.set(path.slice(path.lastIndexOf(".") + 1), path);
  }
  const sibling = findNearest(name, siblings);
  return sibling === undefined ? namesakes.get(name) : `${prefix}${sibling}`;
}

/** Takes the value at `path` out; of a list only the one entry, so that its others are still checked. */
function remove(values: Section, path: string): void {
  const [key = "", index] = path.split(/[[\]]/);
  const names = key.split(".");
  const last = names.pop() ?? "";
  const section = names.length === 0 ? values : valueAt(values, names.join("."));
  const value = isSection(section) ? section[last] : undefined;
  if (index !== undefined && Array.isArray(value)) value.splice(Number.parseInt(index, 10), 1);
  else if (isSection(section)) delete section[last];
}
