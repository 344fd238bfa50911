import { readFile } from "node:fs/promises";
import type { ConfigurationFile } from "../config/config-file.ts";
import type { Environment } from "../config/environment.ts";
import { loadConfiguration } from "../config/load.ts";
import type { LoadedConfiguration, Overrides } from "../config/load.ts";
import { ConfigurationError } from "../config/problem.ts";

const DEFAULT_FILE = "config.yaml";

/** What a command line says about the configuration. */
export type ConfigurationOptions = Overrides & {
  /** The file; without it `LOGVEIL_CONFIG`, and then config.yaml if there is one. */
  readonly config?: string | undefined;
};

/** Reads the file that is meant and loads everything. Rejects a ConfigurationError; a file that was named must be there. */
export async function readConfiguration(
  options: ConfigurationOptions,
  environment: Environment,
): Promise<LoadedConfiguration> {
  const { config, ...overrides } = options;
  const named = config ?? (environment["LOGVEIL_CONFIG"] || undefined);
  const file = await findFile(named ?? DEFAULT_FILE, named !== undefined);
  return loadConfiguration({ file, env: environment, overrides });
}

async function findFile(name: string, mustExist: boolean): Promise<ConfigurationFile | undefined> {
  try {
    return { name, text: await readFile(name, "utf8") };
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing && !mustExist) return undefined;
    const problem = isMissing ? "does not exist" : "cannot be read";
    throw new ConfigurationError([
      { path: name, problem, remedy: "name another file with --config" },
    ]);
  }
}
