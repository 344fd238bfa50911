import { chmod, lstat, mkdtemp, rename, rm } from "node:fs/promises";
import { connect } from "node:net";
import type { Server } from "node:net";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { LogveilError } from "../errors.ts";
import { isErrno } from "../keys/durable-file.ts";

/**
 * Whether anybody accepts connections on the socket; false for a file that a dead process left behind, and for none. Rejects
 * `access-denied` when we may not open it.
 */
export function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (cause) => {
      if (isErrno(cause, "EACCES")) reject(new LogveilError("access-denied", { cause }));
      else resolve(false);
    });
  });
}

/** Whether `path` is free, or a socket that nobody listens on. */
export async function isFree(path: string): Promise<boolean> {
  const existing = await lstat(path).catch(() => undefined);
  if (existing === undefined) return true;
  return existing.isSocket() && !(await isAnswering(path));
}

/**
 * Listens on `path` and replaces the socket that a dead process left there. SECURITY: bound inside a folder that only we may enter
 * (mkdtemp makes it 0700), given its mode there, then moved to where it belongs, so nobody can connect before it has it. Resolves with
 * what removes the file, unless somebody has replaced it.
 */
export async function listenOnSocket(
  server: Server,
  path: string,
  mode: number,
): Promise<() => Promise<void>> {
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(dirname(path), ".s-"));
    const hidden = join(folder, "s");
    server.listen(hidden);
    await once(server, "listening");
    await chmod(hidden, mode);
    const { ino } = await lstat(hidden);
    await rename(hidden, path);
    return () => removeOwn(path, ino);
  } catch (error) {
    server.close();
    throw error;
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function removeOwn(path: string, ino: number): Promise<void> {
  const existing = await lstat(path).catch(() => undefined);
  if (existing?.ino === ino) await rm(path, { force: true });
}
