import { readFileSync } from "node:fs";
import type { Configuration } from "../../src/config/configuration.ts";
import { loadConfiguration } from "../../src/config/load.ts";

/** A configuration of deploy/, read by logveil's own loader; throws what `logveil check` would say. */
export function loadDeployed(
  file: string,
  env: Readonly<Record<string, string>> = {},
): Configuration {
  const text = readFileSync(file, "utf8");
  return loadConfiguration({ file: { name: file, text }, env, overrides: {} }).configuration;
}

/** The port of a TCP listen address. */
export function portOf(address: Configuration["proxy"]["listen"]): number {
  if ("path" in address) throw new TypeError("a Unix socket has no port");
  return address.port;
}
