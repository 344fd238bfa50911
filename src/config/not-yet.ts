// Keys of SPEC section 2 that this version reads and does not act on. One table, which shrinks as features arrive: setting
// one of them is a problem, because somebody who relies on it would find out too late.

import { isDeepStrictEqual } from "node:util";
import type { Configuration } from "./configuration.ts";
import type { Problem } from "./problem.ts";
import { KEYS } from "./schema.ts";
import { decode, layer, valueAt } from "./values.ts";
import { validateAndComplete } from "./validation.ts";

export type NotYet = {
  /** A key, or a section and with it every key in it. */
  readonly path: string;
  /** Absent: any value that is not the default. */
  readonly isUsed?: (configuration: Configuration) => boolean;
  /** Which of the values is meant, in our words; absent when it is the key as a whole. */
  readonly what?: string;
  readonly remedy?: string;
};

const NETWORK_OUTPUTS = ["syslog", "otlp", "mezmo", "http"] as const;

export const NOT_YET: readonly NotYet[] = [
  {
    path: "accessLog.format",
    isUsed: ({ accessLog }) => accessLog.format === "ecs",
    what: "ecs ",
    remedy: "use json or combined",
  },
  {
    path: "accessLog.identity",
    isUsed: ({ accessLog }) => accessLog.identity === "sealed",
    what: "sealed ",
    remedy: "use token or none",
  },
  ...NETWORK_OUTPUTS.map((output) => ({
    path: "accessLog.outputs",
    isUsed: ({ accessLog }: Configuration) => accessLog.outputs.includes(output),
    what: `${output} `,
    remedy: "use stdout or file",
  })),
  ...NETWORK_OUTPUTS.map((output) => ({ path: `accessLog.${output}` })),
  { path: "accessLog.spool" },
  { path: "ingest" },
];

/** One problem for each thing that is set and does not exist yet. */
export function notYetProblems(configuration: Configuration): readonly Problem[] {
  const standard = standardBeside(configuration.vault.dataDir);
  return NOT_YET.flatMap(({ path, isUsed, what = "", remedy = "leave it out" }) => {
    const paths = isUsed === undefined ? changedKeys(path, configuration, standard) : [path];
    if (isUsed?.(configuration) === false) return [];
    return paths.map((used) => ({ path: used, problem: `${what}is not in this version`, remedy }));
  });
}

/** The defaults of everything else, where `<dataDir>` is this folder. */
function standardBeside(dataDir: string): Configuration {
  const values = layer({ vault: { dataDir } }, []);
  validateAndComplete(values);
  return decode(values);
}

function changedKeys(
  path: string,
  configuration: Configuration,
  standard: Configuration,
): readonly string[] {
  const isChanged = (key: string) =>
    !isDeepStrictEqual(valueAt(configuration, key), valueAt(standard, key));
  return [...KEYS.keys()].filter(
    (key) => (key === path || key.startsWith(`${path}.`)) && isChanged(key),
  );
}
