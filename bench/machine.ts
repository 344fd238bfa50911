import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { delimiter, join } from "node:path";

/** The absolute path of an installed program, or undefined. Debian keeps some servers outside the path of ordinary users. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${model}, ${availableParallelism()} cores, ${memory} GiB, Linux ${release()}, Node ${process.versions.node}`;
}

/** Who is compared, as they name themselves. */
export function describeVersions(): string {
  return VERSIONS.map(([name, argument]) => {
    const program = findProgram(name);
    if (program === undefined) return `no ${name}`;
    // nginx answers on standard error.
    const { stdout, stderr } = spawnSync(program, [argument], { encoding: "utf8" });
    return `${name} ${/\d+(?:\.\d+)+/.exec(stdout + stderr)?.[0] ?? "of unknown version"}`;
  }).join(", ");
}

const VERSIONS = [
  ["nginx", "-v"],
  ["caddy", "version"],
  ["wrk", "-v"],
] as const;

/** A TCP port of 127.0.0.1 that was free a moment ago, for servers that cannot say which port they were given. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP server");
  server.close();
  await once(server, "close");
  return address.port;
}

/** Which core the measured server has for itself, and which one everything else shares; undefined when nothing can be pinned. */
export const CORES = coresToPin();

function coresToPin(): { readonly server: number; readonly rest: number } | undefined {
  if (availableParallelism() < 2 || findProgram("taskset") === undefined) return undefined;
  return { server: 0, rest: 1 };
}

/** Clock ticks a second in /proc/<pid>/stat. */
export const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"]).toString());

/** Clock ticks that the core of load generator and upstream has spent, busy and in all; a polling idle core counts as idle. */
export function ticksOfLoad(): { readonly busy: number; readonly all: number } {
  if (CORES === undefined) return { busy: 0, all: 0 };
  const line = new RegExp(String.raw`^cpu${CORES.rest} +(.*)$`, "m").exec(
    readFileSync("/proc/stat", "latin1"),
  );
  // proc(5): user nice system idle iowait irq softirq steal; what follows is counted in user already.
  const ticks = (line?.[1] ?? "").split(" ").slice(0, 8).map(Number);
  const all = ticks.reduce((total, count) => total + count, 0);
  return { busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), all };
}
