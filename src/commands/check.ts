import { formatProblems } from "../config/problem.ts";
import { createCommand, parseArguments, UsageError } from "./command.ts";
import { readConfiguration } from "./configuration-source.ts";
import { EXIT } from "./exit-code.ts";

const OPTIONS = { config: { type: "string" } } as const;

/** `logveil check`: warnings go to standard error and leave the exit code at 0. */
export const check = createCommand("check", async (args, io) => {
  const { values, positionals } = parseArguments(args, OPTIONS);
  if (positionals.length > 0) throw new UsageError("check takes no arguments");
  const { warnings } = await readConfiguration(values, io.environment);
  if (warnings.length > 0) io.stderr.write(`${formatProblems(warnings)}\n`);
  io.stdout.write("the configuration is valid\n");
  return EXIT.ok;
});
