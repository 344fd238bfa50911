// The configuration: a file, the environment and the command line go in, one checked value comes out. Everything that is
// wrong is found in one run, because whoever sets this up should not have to repair one line after another. Nothing here
// touches the process or the disk, and nothing that was given is ever repeated in a message.

import { crossProblems, findWarnings } from "./checks.ts";
import { readConfigurationFile, type ConfigurationFile } from "./config-file.ts";
import type { Configuration } from "./configuration.ts";
import { readEnvironment, type Environment, type Secrets, type Setting } from "./environment.ts";
import { ConfigurationError, type Problem } from "./problem.ts";
import { validateAndComplete } from "./validation.ts";
import { decode, layer } from "./values.ts";

/** What the command line can set; undefined where it did not. */
export type Overrides = {
  readonly upstream?: string | undefined;
  readonly listen?: string | undefined;
  readonly vaultListen?: string | undefined;
  readonly dataDir?: string | undefined;
};

/** From weak to strong. */
export type ConfigurationSources = {
  /** Absent: no file, every key has its default. */
  readonly file?: ConfigurationFile | undefined;
  readonly env: Environment;
  readonly overrides: Overrides;
};

export type LoadedConfiguration = {
  readonly configuration: Configuration;
  readonly secrets: Secrets;
  /** What is allowed and seldom meant; nothing that keeps logveil from starting. */
  readonly warnings: readonly Problem[];
};

const OPTIONS: readonly (Omit<Setting, "value"> & { readonly name: keyof Overrides })[] = [
  { name: "upstream", path: "proxy.upstream", source: "--upstream" },
  { name: "listen", path: "proxy.listen", source: "--listen" },
  { name: "vaultListen", path: "vault.listen", source: "--vault-listen" },
  { name: "dataDir", path: "vault.dataDir", source: "--data-dir" },
];

/** Throws a ConfigurationError with every problem that there is. */
export function loadConfiguration(sources: ConfigurationSources): LoadedConfiguration {
  const file = readConfigurationFile(sources.file);
  const environment = readEnvironment(sources.env);
  const settings = [...environment.settings, ...readOverrides(sources.overrides)];
  const values = layer(file.values, settings);
  const invalid = validateAndComplete(values);
  const configuration = decode(values);
  const across =
    file.problems.length > 0
      ? []
      : crossProblems(
          configuration,
          invalid.map(({ path }) => path),
        );
  const inKeys = [...invalid, ...across];
  const problems = [...file.problems, ...environment.problems, ...withSources(inKeys, settings)];
  if (problems.length > 0) throw new ConfigurationError(problems);
  const warnings = withSources(findWarnings(configuration), settings);
  return { configuration, secrets: environment.secrets, warnings };
}

function readOverrides(overrides: Overrides): readonly Setting[] {
  return OPTIONS.flatMap(({ name, path, source }) => {
    const value = overrides[name];
    return value === undefined ? [] : [{ path, value, source }];
  });
}

/** Says of each problem which variable or option set the key: the later setting is the stronger one. */
function withSources(
  problems: readonly Problem[],
  settings: readonly Setting[],
): readonly Problem[] {
  const sources = new Map(settings.map(({ path, source }) => [path, source]));
  return problems.map((problem) => {
    const source = sources.get(problem.path.replace(/\[.*/, ""));
    return source === undefined ? problem : { ...problem, source };
  });
}
