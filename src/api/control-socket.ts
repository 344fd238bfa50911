// The control socket: the same API for whoever may open a file, with root's rights and without a token.

import { chmod, lstat, mkdtemp, rename, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { SOCKET_OWNER } from "../callers/caller.ts";
import { LogveilError } from "../errors.ts";
import { isErrno } from "../keys/durable-file.ts";
import { createControlPlane } from "./control-plane.ts";
import type { ControlPlaneOptions } from "./control-plane.ts";
import type { KeyAdministration } from "./key-administration.ts";

/** What fits into `sun_path` on Linux (unix(7)), but for the hidden name under which it is made. */
const MAX_PATH_BYTES = 100;

/** The socket's name in the data folder. */
export const CONTROL_SOCKET = "control.sock";

export type ControlSocket = {
  /** Stops accepting, lets running requests end, removes the file. A second call does nothing. */
  readonly close: () => Promise<void>;
};

/** Our own commands are at the other end, so status codes are always Databunker's. */
export type ControlSocketOptions = Omit<ControlPlaneOptions, "access" | "statusCodes"> & {
  readonly keys: KeyAdministration;
  /** At most 100 bytes. Its folder exists. */
  readonly path: string;
};

/**
 * Listens on `path` (mode 0600). Rejects `store-locked` when somebody answers there already, and `control-socket-unusable` when
 * something that is not a socket is in the way or the path cannot be listened on.
 */
export async function openControlSocket(options: ControlSocketOptions): Promise<ControlSocket> {
  const { path, ...controlPlane } = options;
  const access = () => Promise.resolve(SOCKET_OWNER);
  const server = createServer(createControlPlane({ ...controlPlane, access }));
  await refuseUnusable(path);
  await listenPrivately(server, path);
  let closing: Promise<void> | undefined;
  return { close: () => (closing ??= closeServer(server, path)) };
}

async function refuseUnusable(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new LogveilError("control-socket-unusable");
  const existing = await lstat(path).catch(() => undefined);
  if (existing === undefined) return;
  if (!existing.isSocket()) throw new LogveilError("control-socket-unusable");
  if (await isAnswering(path)) throw new LogveilError("store-locked");
}

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

/**
 * SECURITY: bound inside a folder that only we may enter (mkdtemp makes it 0700), narrowed there, then moved to where it
 * belongs; so nobody can connect before the mode is 0600. The move replaces what a dead process left behind.
 */
async function listenPrivately(server: Server, path: string): Promise<void> {
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(dirname(path), ".control-"));
    const hidden = join(folder, "s");
    await listen(server, hidden);
    await chmod(hidden, 0o600);
    await rename(hidden, path);
  } catch (error) {
    server.close();
    throw new LogveilError("control-socket-unusable", { cause: error });
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function closeServer(server: Server, path: string): Promise<void> {
  // The file goes first: from here on a command starts a control plane of its own instead of meeting a closing one.
  await rm(path, { force: true });
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
