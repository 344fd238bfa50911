import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
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
