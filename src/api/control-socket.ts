// The control socket: the same API for whoever may open a file, with root's rights and without a token.

import { lstat, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { SOCKET_OWNER } from "../callers/caller.ts";
import { LogveilError } from "../errors.ts";
import { isAnswering, listenOnSocket } from "../http/unix-socket.ts";
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

/** The file's mode is 0600. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  try {
    await listenOnSocket(server, path, 0o600);
  } catch (error) {
    throw new LogveilError("control-socket-unusable", { cause: error });
  }
}

async function closeServer(server: Server, path: string): Promise<void> {
  // The file goes first: from here on a command starts a control plane of its own instead of meeting a closing one.
  await rm(path, { force: true });
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
