// The schema that an operator can give for user records: JSON schema of draft 2019-09 with three boolean keywords of Databunker's.
// `locked`: what is there never changes. `admin`: a data subject's own change of it needs approval. `preserve`: survives the erasure.

import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { Ajv2019 } from "ajv/dist/2019.js";
import type { ErrorObject, ValidateFunction } from "ajv/dist/2019.js";
import { LogveilError } from "../../errors.ts";
import type { ErrorCode } from "../../errors.ts";
import type { Profile } from "./user-record.ts";

export type UserSchema = {
  /** Throws `user-schema-violated`. */
  readonly check: (profile: Profile) => void;
  /** Throws `user-schema-violated-on-change`, also for a change of what is locked. */
  readonly checkChange: (before: Profile, after: Profile) => void;
  /** Whether a JSON Patch that fails is told as a violation of the schema, as Databunker does when it has one. */
  readonly isGiven: boolean;
  /** Whether something changes that is marked `admin`. */
  readonly changesAdmin: (before: Profile, after: Profile) => boolean;
  /** What of the profile outlives the erasure; undefined when nothing does. */
  readonly preservedOf: (profile: Profile) => Profile | undefined;
};

/** For a vault without a schema: everything is allowed and nothing survives. */
export const NO_USER_SCHEMA: UserSchema = {
  check: () => undefined,
  checkChange: () => undefined,
  isGiven: false,
  changesAdmin: () => false,
  preservedOf: () => undefined,
};

const MARKS = ["admin", "locked", "preserve"] as const;

/** JSON Pointers (RFC 6901) into a profile, by keyword. */
type Marks = Readonly<Record<(typeof MARKS)[number], Set<string>>>;

/** A schema is read once, at the start; beyond this it is some other file. */
const MAX_SCHEMA_BYTES = 1024 * 1024;
const DRAFT = /^https?:\/\/json-schema\.org\/draft\/2019-09\/schema#?$/;

/** Rejects `user-schema-unreadable`, and `user-schema-invalid` when it is no JSON or no schema, keywords that nobody knows included. */
export async function loadUserSchema(path: string): Promise<UserSchema> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new LogveilError("user-schema-unreadable", { cause });
  }
  if (text.length > MAX_SCHEMA_BYTES) throw new LogveilError("user-schema-invalid");
  return parseUserSchema(text);
}

/** Throws `user-schema-invalid`. */
export function parseUserSchema(text: string): UserSchema {
  try {
    const schema: unknown = JSON.parse(text);
    if (typeof schema !== "object" || schema === null) throw new TypeError("not an object");
    return new MarkedSchema(schema as Readonly<Record<string, unknown>>); // an array has no keyword that ajv knows
  } catch (cause) {
    throw new LogveilError("user-schema-invalid", { cause });
  }
}

class MarkedSchema implements UserSchema {
  readonly isGiven = true;
  readonly #validate: ValidateFunction;
  readonly #mark: ValidateFunction;
  readonly #markUnchecked: ValidateFunction;
  /** Where the keywords of ours note what they meet, while a validation runs. */
  #noted = newMarks();

  constructor({ $schema, ...rest }: Readonly<Record<string, unknown>>) {
    const isDefault = $schema === undefined || (typeof $schema === "string" && DRAFT.test($schema));
    const schema = isDefault ? rest : { $schema, ...rest };
    const note: Note = (keyword, path) => this.#noted[keyword].add(path);
    // SECURITY: without `allErrors`, so that `maxLength` and `maxItems` end it before `pattern` and `uniqueItems` are tried.
    this.#validate = createAjv(false, () => undefined).compile(schema);
    // With `allErrors`, because our keywords must meet the whole profile.
    this.#mark = createAjv(true, note).compile(schema);
    this.#markUnchecked = withoutCostly(createAjv(true, note)).compile(schema);
  }

  check = (profile: Profile): void => {
    this.#require(profile, "user-schema-violated");
  };

  checkChange = (before: Profile, after: Profile): void => {
    const code = "user-schema-violated-on-change";
    this.#require(after, code);
    if (this.#changes("locked", before, after)) throw new LogveilError(code, { detail: "locked" });
  };

  changesAdmin = (before: Profile, after: Profile): boolean =>
    this.#changes("admin", before, after);

  preservedOf = (profile: Profile): Profile | undefined => {
    const preserved = pick(profile, this.#marksOf(profile).preserve, "");
    return preserved as Profile | undefined; // a part of an object, or nothing
  };

  #require(profile: Profile, code: ErrorCode): void {
    if (this.#validate(profile)) return;
    throw new LogveilError(code, { detail: detailOf(this.#validate.errors?.[0]) });
  }

  #changes(keyword: keyof Marks, before: Profile, after: Profile): boolean {
    const paths = this.#marksOf(before)[keyword].union(this.#marksOf(after)[keyword]);
    return [...paths].some(
      (path) => !isDeepStrictEqual(valueAt(before, path), valueAt(after, path)),
    );
  }

  /** A profile of before the schema was changed may violate it; then what can cost without a limit is left out. */
  #marksOf(profile: Profile): Marks {
    const mark = this.#validate(profile) ? this.#mark : this.#markUnchecked;
    this.#noted = newMarks();
    mark(profile);
    return this.#noted;
  }
}

type Note = (keyword: keyof Marks, path: string) => void;

/** `format` is an annotation, as draft 2019-09 has it. */
function createAjv(allErrors: boolean, note: Note): Ajv2019 {
  const ajv = new Ajv2019({ allErrors, strictTypes: false, validateFormats: false, logger: false });
  for (const keyword of MARKS) {
    const validate = (
      isMarked: unknown,
      _data: unknown,
      _schema: unknown,
      context?: { instancePath: string },
    ) => {
      if (isMarked === true && context !== undefined) note(keyword, context.instancePath);
      return true;
    };
    ajv.addKeyword({ keyword, schemaType: "boolean", errors: false, validate });
  }
  return ajv;
}

/** Keywords whose cost the length of what they meet does not bound well, made annotations. */
const COSTLY = ["pattern", "uniqueItems"] as const;

function withoutCostly(ajv: Ajv2019): Ajv2019 {
  for (const keyword of COSTLY) {
    ajv.removeKeyword(keyword);
    ajv.addKeyword({ keyword });
  }
  return ajv;
}

function newMarks(): Marks {
  return { admin: new Set(), locked: new Set(), preserve: new Set() };
}

/** SECURITY: where in the schema, which the operator wrote; never where in the record, whose names are a caller's. */
function detailOf(error: ErrorObject | undefined): string | undefined {
  if (error === undefined) return undefined;
  const missing: unknown =
    error.keyword === "required" ? error.params["missingProperty"] : undefined;
  return typeof missing === "string" ? `${error.schemaPath}/${missing}` : error.schemaPath;
}

function valueAt(profile: Profile, path: string): unknown {
  let value: unknown = profile;
  for (const token of path.split("/").slice(1).map(unescapeToken)) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, token))
      return undefined;
    value = (value as Readonly<Record<string, unknown>>)[token]; // an object, asked above
  }
  return value;
}

/** The parts of `value` that lie at one of `paths`, in the places they have. */
function pick(value: unknown, paths: ReadonlySet<string>, at: string): unknown {
  if (paths.has(at)) return value;
  if (typeof value !== "object" || value === null) return undefined;
  const picked = Object.entries(value)
    .map(([name, member]) => [name, pick(member, paths, `${at}/${escapeToken(name)}`)] as const)
    .filter(([, member]) => member !== undefined);
  if (picked.length === 0) return undefined;
  return Array.isArray(value) ? picked.map(([, member]) => member) : Object.fromEntries(picked);
}

/** RFC 6901 section 3. */
function escapeToken(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function unescapeToken(token: string): string {
  return token.replaceAll("~1", "/").replaceAll("~0", "~");
}
