import { parseDocument, type YAMLError } from "yaml";
import type { Problem } from "./problem.ts";

export type ConfigurationFile = {
  /** For messages: config.yaml. */
  readonly name: string;
  readonly text: string;
};

export type FileContents = { readonly values: unknown; readonly problems: readonly Problem[] };

// A configuration of every key with long lists is some 10 KiB; a file of this size is something else.
const MAX_CHARACTERS = 1_048_576;
// Aliases may multiply ("billion laughs"); nobody's configuration repeats itself so often.
const MAX_ALIASES = 100;

const REMEDIES: ReadonlyMap<string, string> = new Map([
  ["DUPLICATE_KEY", "write each key once"],
  ["MULTIPLE_DOCS", "write one document, without --- between"],
  ["TAB_AS_INDENT", "indent with spaces"],
]);

/** The file's keys as they stand there; on broken YAML none of them, and where it is broken. */
export function readConfigurationFile(file: ConfigurationFile | undefined): FileContents {
  if (file === undefined) return { values: {}, problems: [] };
  const broken = (problem: string, remedy: string) => ({ path: file.name, problem, remedy });
  if (file.text.length > MAX_CHARACTERS) {
    return { values: {}, problems: [broken("is too long", "it may have 1 MiB")] };
  }
  try {
    return parse(file.text, broken);
  } catch {
    // Nesting or aliases past what the parser takes. SECURITY: its message quotes the file.
    return { values: {}, problems: [broken("is not YAML", "check its nesting and its aliases")] };
  }
}

function parse(text: string, broken: (problem: string, remedy: string) => Problem): FileContents {
  // SECURITY: `error`, because with `warn` the library would print warnings of its own, with the text in them.
  const document = parseDocument(text, { logLevel: "error" });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const problems = faults.map((fault) => broken(placeOf(fault), remedyFor(fault)));
    return { values: {}, problems };
  }
  const values: unknown = document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {};
  if (typeof values === "object" && !Array.isArray(values)) return { values, problems: [] };
  return { values: {}, problems: [broken("holds no keys", "for example proxy: {}")] };
}

function placeOf({ linePos }: YAMLError): string {
  const [start] = linePos ?? [];
  return start === undefined
    ? "is not YAML"
    : `line ${start.line}, column ${start.col} is not YAML that logveil takes`;
}

function remedyFor({ code }: YAMLError): string {
  return REMEDIES.get(code) ?? "check indentation, and quote text with : # [ ] { } in it";
}
