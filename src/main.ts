// The process edge: arguments, environment, signals, exit code. The only file that knows there is a process.

import { systemClock } from "./clock.ts";
import { createEventLog } from "./event-log.ts";
import { audit } from "./commands/audit.ts";
import { callers } from "./commands/callers.ts";
import { check } from "./commands/check.ts";
import type { Command } from "./commands/command.ts";
import { EXIT } from "./commands/exit-code.ts";
import { keys } from "./commands/keys.ts";
import { lookup } from "./commands/lookup.ts";
import { createServe } from "./commands/serve.ts";
import { usageOf } from "./commands/usage.ts";
import { openControlPlaneOnly, startSidecar } from "./sidecar.ts";

const eventLog = createEventLog();

/** Resolves at the first signal to stop; a second one ends the process at once, as an operator who presses twice means it. */
const stopRequested = new Promise<void>((resolve) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => {
      process.once(signal, () => process.exit(EXIT.software));
      resolve();
    });
});

const serve = createServe({
  start: (loaded) => startSidecar(loaded, { clock: systemClock, eventLog }),
  eventLog,
  stopRequested,
  onReopen: (reopen) => process.on("SIGHUP", reopen),
});

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ["serve", serve],
  ["check", check],
  ["lookup", lookup],
  ["keys", keys],
  ["callers", callers],
  ["audit", audit],
]);

async function run(args: readonly string[]): Promise<number> {
  const [first = "serve", ...rest] = args;
  // `logveil --upstream URL` is `logveil serve --upstream URL`.
  const isOption = first.startsWith("-") && first !== "--help" && first !== "-h";
  const command = isOption ? serve : COMMANDS.get(first);
  if (command === undefined) {
    const isHelp = ["--help", "-h", "help"].includes(first);
    (isHelp ? process.stdout : process.stderr).write(usageOf());
    return isHelp ? EXIT.ok : EXIT.usage;
  }
  return command(isOption ? args : rest, {
    stdin: process.stdin,
    // Not before a command writes: the access log writes to descriptor 1 itself, and a stream on it would make pipes non-blocking.
    stdout: { write: (text) => process.stdout.write(text) },
    stderr: { write: (text) => process.stderr.write(text) },
    environment: process.env,
    openControlPlane: (loaded) => openControlPlaneOnly(loaded, { clock: systemClock, eventLog }),
  });
}

process.exitCode = await run(process.argv.slice(2));
eventLog.close();
