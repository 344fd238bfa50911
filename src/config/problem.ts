import { LogveilError } from "../errors.ts";

/**
 * One thing that is wrong with a configuration. SECURITY: all three texts come from our tables and never repeat a value that
 * was given, which may be a secret in the wrong place.
 */
export type Problem = {
  /** The key (`proxy.listen`), the variable, or the file where it has no key. */
  readonly path: string;
  /** The variable or option that set the key; absent when the file or nobody did. */
  readonly source?: string;
  /** What is wrong, as a continuation of the path: "must be a duration". */
  readonly problem: string;
  readonly remedy: string;
};

/** Code `configuration-invalid`, with every problem that was found. */
export class ConfigurationError extends LogveilError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super("configuration-invalid");
    this.name = "ConfigurationError";
    this.problems = problems;
  }
}

/** One line a problem: `proxy.listen: must be host:port, for example 127.0.0.1:8080`. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join("\n");
}

function formatProblem({ path, source, problem, remedy }: Problem): string {
  const where = source === undefined ? path : `${path} (${source})`;
  return `${where}: ${problem}, ${remedy}`;
}
