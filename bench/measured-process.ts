// A server under measurement: pinned to a core, its CPU time and memory read from /proc with those of its children.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { CORES, TICKS_PER_SECOND } from "./machine.ts";

export type MeasuredProcess = AsyncDisposable & {
  /** User and system time so far of the process and its living children, in microseconds. */
  readonly cpuUs: () => number;
  /** Resident memory now, all processes together. */
  readonly residentBytes: () => number;
  /** Lines of standard error so far (the last 10,000). */
  readonly errorLines: () => readonly string[];
  readonly hasExited: () => boolean;
  /** SIGTERM, and SIGKILL for what is still there after 40 s. Resolves with the exit code, null after a signal. */
  readonly stop: () => Promise<number | null>;
};

const MAX_ERROR_LINES = 10_000;
const STOP_MS = 40_000;

export function startMeasured(
  command: string,
  args: readonly string[],
  core: "server" | "rest",
): MeasuredProcess {
  const pinned = CORES === undefined ? [] : ["taskset", "-c", String(CORES[core])];
  const [file = command, ...rest] = [...pinned, command, ...args];
  const child = spawn(file, rest, { stdio: ["ignore", "ignore", "pipe"] });
  const errorLines = collectLines(child);
  const exited = once(child, "exit");
  const stop = async () => {
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.kill("SIGTERM");
    await exited;
    clearTimeout(timer);
    return child.exitCode;
  };
  const { pid } = child;
  if (pid === undefined) throw new Error(`could not start ${command}`);
  return {
    cpuUs: () => sum(familyOf(pid).map(cpuUsOf)),
    residentBytes: () => sum(familyOf(pid).map(residentBytesOf)),
    errorLines: () => errorLines,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

function collectLines(child: ChildProcess): readonly string[] {
  const lines: string[] = [];
  let rest = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    lines.splice(0, lines.length - MAX_ERROR_LINES);
  });
  return lines;
}

type Stat = { readonly pid: number; readonly parent: number; readonly ticks: number };

/** Fields of /proc/<pid>/stat (proc(5)): the name may contain spaces and parentheses, so they count from its end. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    // It has ended since the folder was listed.
    return undefined;
  }
}

function familyOf(pid: number): readonly Stat[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat !== undefined);
  const members = new Set([pid]);
  // A child has a higher number than its parent except when numbers wrap; a second pass would catch those.
  for (const stat of [...all, ...all]) if (members.has(stat.parent)) members.add(stat.pid);
  return all.filter((stat) => members.has(stat.pid));
}

function cpuUsOf({ ticks }: Stat): number {
  return (ticks * 1e6) / TICKS_PER_SECOND;
}

function residentBytesOf({ pid }: Stat): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
