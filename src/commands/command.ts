// Commands: functions from arguments to an exit code. What belongs to the process comes in as `io`, what opens the store as a
// function, so a command can be run in a test as it runs in a shell.

import { parseArgs } from "node:util";
import type { ParseArgsOptionsConfig } from "node:util";
import type { Environment } from "../config/environment.ts";
import type { LoadedConfiguration } from "../config/load.ts";
import { ConfigurationError, formatProblems } from "../config/problem.ts";
import { LogveilError } from "../errors.ts";
import { EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { usageOf } from "./usage.ts";
import type { CommandName } from "./usage.ts";

/** `write` returns false when what was written waits; `drained` resolves when it does no longer. */
export type TextSink = {
  readonly write: (text: string) => unknown;
  readonly drained?: () => Promise<unknown>;
};

export type CommandIo = {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly environment: Environment;
  readonly openControlPlane: OpenControlPlane;
  /** Whether somebody watches standard error. */
  readonly isWatched?: boolean;
  /** Resolves when the process has been asked to stop; for commands that may run for long. */
  readonly stopRequested?: Promise<void>;
};

/**
 * Opens store and keyring in this process and serves them on the control socket (`<dataDir>/control.sock`), as a running sidecar
 * would. Rejects `store-locked` when another process has them open.
 */
export type OpenControlPlane = (
  loaded: LoadedConfiguration,
) => Promise<{ readonly close: () => Promise<void> }>;

export type Command = (args: readonly string[], io: CommandIo) => Promise<ExitCode>;

/** Thrown by a command whose arguments make no sense. */
export class UsageError extends Error {}

/** Wraps what a command does with what all do: --help, and each kind of failure as one line and one exit code. */
export function createCommand(name: CommandName, run: Command): Command {
  return async (args, io) => {
    if (args.includes("--help") || args.includes("-h")) {
      io.stdout.write(usageOf(name));
      return EXIT.ok;
    }
    try {
      return await run(args, io);
    } catch (error) {
      return reportFailure(error, name, io.stderr);
    }
  };
}

/** node:util's parseArgs; throws UsageError. */
export function parseArguments<Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new UsageError("unknown or incomplete option", { cause });
  }
}

function reportFailure(error: unknown, name: CommandName, stderr: TextSink): ExitCode {
  if (error instanceof UsageError) {
    stderr.write(`logveil: ${error.message}\n${usageOf(name)}`);
    return EXIT.usage;
  }
  if (error instanceof ConfigurationError) {
    stderr.write(`${formatProblems(error.problems)}\n`);
    return EXIT.configuration;
  }
  if (!(error instanceof LogveilError)) {
    stderr.write("logveil: failed unexpectedly\n");
    return EXIT.software;
  }
  stderr.write(`logveil: ${error.message} (${error.code})\n`);
  return error.code === "access-denied" ? EXIT.denied : EXIT.unavailable;
}
