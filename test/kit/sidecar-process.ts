import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A logveil of its own, as a user runs it: what a test kills, signals or feeds bad input. */
export type SidecarProcess = AsyncDisposable & {
  readonly child: ChildProcess;
  /** Resolves when it has said that it is ready; rejects when it ended before. */
  readonly ready: () => Promise<{ readonly proxyUrl: string; readonly vaultUrl: string }>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Resolves when it has ended, with its exit code; null after a signal. */
  readonly ended: () => Promise<number | null>;
};

const MAIN = join(import.meta.dirname, "../../src/main.ts");

/**
 * Runs `logveil <args>`. `environment` is added to a bare one, so nothing of the developer's shell gets in. `under`: a command that
 * ends by executing what follows it, in the same process (`sh -c 'ulimit -n 64; exec "$@"' sh`).
 */
export function runLogveil(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  under: readonly string[] = [],
): SidecarProcess {
  const [command = "", ...rest] = [...under, process.execPath, MAIN, ...args];
  const child = spawn(command, rest, {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
  const started = findStart(child, () => output.stderr);
  // A process that never gets ready is a failure for whoever waits for it only.
  started.catch(() => undefined);
  return {
    child,
    ready: () => started,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    signal: (signal) => void child.kill(signal),
    ended: async () => (await exited)[0],
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function findStart(child: ChildProcess, said: () => string) {
  if (child.stderr === null) throw new TypeError("standard error is not a pipe");
  for await (const line of createInterface({ input: child.stderr })) {
    if (!line.includes('"sidecar.started"')) continue;
    const { proxy, vault } = JSON.parse(line) as Record<string, string>;
    return { proxyUrl: `http://${String(proxy)}`, vaultUrl: `http://${String(vault)}` };
  }
  throw new Error(`ended before it was ready, saying: ${said()}`);
}

/** A configuration file in `folder`: ports of the kernel's choice, log and data in the folder. */
export async function writeConfiguration(
  folder: string,
  upstream: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const path = join(folder, "config.yaml");
  const configuration = {
    proxy: { listen: "127.0.0.1:0", upstream },
    accessLog: { outputs: ["file"], file: { path: join(folder, "access.log") } },
    vault: { listen: "127.0.0.1:0", dataDir: join(folder, "data") },
    ...more,
  };
  await writeFile(path, JSON.stringify(configuration));
  return path;
}
