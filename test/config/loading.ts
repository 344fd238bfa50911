// Loads a configuration from text, for the tests of this folder.

import type { Configuration } from "../../src/config/configuration.ts";
import { loadConfiguration, type LoadedConfiguration } from "../../src/config/load.ts";
import type { Overrides } from "../../src/config/load.ts";
import { ConfigurationError, type Problem } from "../../src/config/problem.ts";

export type Given = {
  readonly text?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly overrides?: Overrides;
};

export function load({ text, env = {}, overrides = {} }: Given): LoadedConfiguration {
  const file = text === undefined ? undefined : { name: "config.yaml", text };
  return loadConfiguration({ file, env, overrides });
}

export function configurationOf(text: string): Configuration {
  return load({ text }).configuration;
}

/** What is wrong with it; none when it loads. Any failure but a ConfigurationError goes through. */
export function problemsOf(given: Given): readonly Problem[] {
  try {
    load(given);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

export function pathsOf(given: Given): readonly string[] {
  return problemsOf(given).map(({ path }) => path);
}
