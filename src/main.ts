// The process edge: arguments, environment, signals, exit code. The only file that knows there is a process.

import { once } from "node:events";
import { systemClock } from "./clock.ts";
import { createEventLog } from "./event-log.ts";
import { audit } from "./commands/audit.ts";
import { auditLogs } from "./commands/audit-logs.ts";
import { callers } from "./commands/callers.ts";
import { check } from "./commands/check.ts";
import type { Command } from "./commands/command.ts";
import { EXIT } from "./commands/exit-code.ts";
import { keys } from "./commands/keys.ts";
import { lookup } from "./commands/lookup.ts";
import { tokenize } from "./commands/tokenize.ts";
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
  ["tokenize", tokenize],
  ["lookup", lookup],
  ["keys", keys],
  ["callers", callers],
  ["audit", audit],
  ["audit-logs", auditLogs],
]);

let isOutputOpen = false;

/** Opens standard output not before a command writes: the access log writes to descriptor 1 itself, and a stream on it would make pipes non-blocking. */
function writeOutput(text: string): boolean {
  if (!isOutputOpen) {
    isOutputOpen = true;
    // `logveil … | head`: nobody reads on.
    process.stdout.once("error", () => process.exit(EXIT.unread));
  }
  return process.stdout.write(text);
}

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
    stdout: { write: writeOutput, drained: () => once(process.stdout, "drain") },
    stderr: { write: (text) => process.stderr.write(text) },
    environment: process.env,
    isWatched: process.stderr.isTTY,
    stopRequested,
    openControlPlane: (loaded) => openControlPlaneOnly(loaded, { clock: systemClock, eventLog }),
  });
}

process.exitCode = await run(process.argv.slice(2));
eventLog.close();
