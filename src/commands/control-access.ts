import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createControlClient } from "../api/control-client.ts";
import type { ControlClient } from "../api/control-client.ts";
import { CONTROL_SOCKET } from "../api/control-socket.ts";
import type { LoadedConfiguration } from "../config/load.ts";
import { LogveilError, hasCode } from "../errors.ts";
import { isAnswering } from "../http/unix-socket.ts";
import { readConfiguration } from "./configuration-source.ts";
import type { ConfigurationOptions } from "./configuration-source.ts";
import type { CommandIo } from "./command.ts";

/** Another command may have the store open for an instant: two seconds of patience in all. */
const ATTEMPTS = 10;
const PAUSE_MS = 200;

/**
 * Runs `use` with a client of the control socket: of the logveil that runs on the store, or else of a control plane that lives
 * in this process as long as `use` does. Rejects `store-locked` when another process has the store and does not answer,
 * `store-missing` when there is no data folder, which is not created.
 */
export async function withControlPlane<Result>(
  options: ConfigurationOptions,
  io: Pick<CommandIo, "environment" | "openControlPlane">,
  use: (client: ControlClient) => Promise<Result>,
): Promise<Result> {
  return withLoadedControlPlane(await readConfiguration(options, io.environment), io, use);
}

/** The same. With `createsStore` a data folder that is not there is made, as `serve` would. */
export async function withLoadedControlPlane<Result>(
  loaded: LoadedConfiguration,
  io: Pick<CommandIo, "openControlPlane">,
  use: (client: ControlClient) => Promise<Result>,
  { createsStore = false } = {},
): Promise<Result> {
  const { dataDir } = loaded.configuration.vault;
  const path = join(dataDir, CONTROL_SOCKET);
  const opened = await openUnlessAnswering(path, async () => {
    if (!createsStore) await requireFolder(dataDir);
    return io.openControlPlane(loaded);
  });
  try {
    return await use(createControlClient(path));
  } finally {
    await opened?.close();
  }
}

async function openUnlessAnswering<Opened>(
  path: string,
  open: () => Promise<Opened>,
): Promise<Opened | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    if (await isAnswering(path)) return undefined;
    try {
      return await open();
    } catch (error) {
      if (attempt === ATTEMPTS || !hasCode(error, "store-locked")) throw error;
      await delay(PAUSE_MS);
    }
  }
}

async function requireFolder(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (cause) {
    throw new LogveilError("store-missing", { cause });
  }
}
