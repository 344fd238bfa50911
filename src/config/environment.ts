// Environment variables: one for each key, three secrets that must not stand in a file, and the file's own name.

import type { Problem } from "./problem.ts";
import { KEYS } from "./schema.ts";
import type { SchemaNode } from "./schema-node.ts";
import { Secret } from "./secret.ts";
import { findNearest } from "./suggestion.ts";

/** A key that something stronger than the file has set. */
export type Setting = { readonly path: string; readonly value: unknown; readonly source: string };

export type Environment = Readonly<Record<string, string | undefined>>;

/** What may be given in the environment only. */
export type Secrets = {
  /** The key itself, instead of `vault.masterKeyFile`. */
  readonly masterKey: Secret | undefined;
  /** The key before it, while `logveil keys rotate` has not finished. */
  readonly previousMasterKey: Secret | undefined;
  /** The token itself, instead of `vault.rootTokenFile`. */
  readonly rootToken: Secret | undefined;
};

/** Variables that are no keys; `LOGVEIL_CONFIG` names the file, which is for whoever reads files. */
export const OTHER_VARIABLES = [
  "LOGVEIL_CONFIG",
  "LOGVEIL_MASTER_KEY",
  "LOGVEIL_PREVIOUS_MASTER_KEY",
  "LOGVEIL_ROOT_TOKEN",
] as const;

const PATHS = new Map([...KEYS.keys()].map((path) => [variableOf(path), path]));

// Kubernetes and Docker set these in every container beside a service that is called logveil or logveil-something.
const SERVICE_VARIABLE =
  /^LOGVEIL_([A-Z0-9_]+_)?(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
const SERVICE_URL = /^(tcp|udp|sctp):\/\//;

/** `accessLog.file.maxSize` → `LOGVEIL_ACCESS_LOG_FILE_MAX_SIZE`. */
export function variableOf(path: string): string {
  return `LOGVEIL_${path.replaceAll(/[A-Z]/g, "_$&").replaceAll(".", "_").toUpperCase()}`;
}

/** Every key that is set, every variable that looks like ours and is not. An empty variable counts as not set. */
export function readEnvironment(env: Environment): {
  readonly settings: readonly Setting[];
  readonly secrets: Secrets;
  readonly problems: readonly Problem[];
} {
  const settings: Setting[] = [];
  const problems: Problem[] = [];
  for (const [name, text] of ownVariables(env)) {
    const path = PATHS.get(name);
    const node = path === undefined ? undefined : KEYS.get(path);
    if (path !== undefined && node !== undefined) {
      settings.push({ path, value: valueOf(node, text), source: name });
    } else if (!isForeign(name, text)) problems.push(unknownVariable(name));
  }
  return { settings, secrets: readSecrets(env), problems };
}

function ownVariables(env: Environment): readonly (readonly [string, string])[] {
  return Object.entries(env).flatMap(([name, text]) =>
    name.startsWith("LOGVEIL_") && text !== undefined && text !== "" ? [[name, text]] : [],
  );
}

function isForeign(name: string, text: string): boolean {
  if (OTHER_VARIABLES.some((other) => other === name)) return true;
  return SERVICE_VARIABLE.test(name) || (name.endsWith("_PORT") && SERVICE_URL.test(text));
}

function readSecrets(env: Environment): Secrets {
  const read = (name: (typeof OTHER_VARIABLES)[number]) => {
    const text = env[name];
    return text === undefined || text === "" ? undefined : new Secret(text);
  };
  return {
    masterKey: read("LOGVEIL_MASTER_KEY"),
    previousMasterKey: read("LOGVEIL_PREVIOUS_MASTER_KEY"),
    rootToken: read("LOGVEIL_ROOT_TOKEN"),
  };
}

function unknownVariable(name: string): Problem {
  const nearest = findNearest(name, [...PATHS.keys(), ...OTHER_VARIABLES]);
  return {
    path: /^[A-Z0-9_]{1,80}$/.test(name) ? name : "LOGVEIL_*",
    problem: "is no variable of logveil",
    remedy: nearest === undefined ? "see docs/configuration.md" : `did you mean ${nearest}?`,
  };
}

/** The text as the file would have it; text that does not fit stays text, and validation names what would. */
function valueOf(node: SchemaNode, text: string): unknown {
  if (node.type === "boolean") return text === "true" || (text === "false" ? false : text);
  if (node.type === "integer") return /^\d{1,15}$/.test(text) ? Number.parseInt(text, 10) : text;
  if (node.type === "array") return splitList(text);
  if (node.anyOf !== undefined) return text === "auto" ? text : splitList(text);
  if (node.type === "object") return splitFields(text);
  return text;
}

function splitList(text: string): readonly string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** `name=value,name=value`, as OTEL_EXPORTER_OTLP_HEADERS has it. */
function splitFields(text: string): Readonly<Record<string, string>> {
  const pairs = splitList(text).map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return [name.trim(), value.join("=").trim()] as const;
  });
  return Object.fromEntries(pairs);
}
