// logveil as it is measured: the real command with a real configuration file, in a temporary folder of its own.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findFreePort } from "./machine.ts";
import { startMeasured } from "./measured-process.ts";
import type { MeasuredProcess } from "./measured-process.ts";
import { untilAnswered } from "./servers.ts";
import type { Server } from "./servers.ts";

export type Logveil = Server & {
  readonly logFolder: string;
  readonly vaultUrl: string;
  readonly dataFolder: string;
  readonly rootToken: () => Promise<string>;
};

export type LogveilOptions = {
  readonly folder: string;
  readonly upstream: string;
  /** Believes the forwarding headers of the load generator, so that it can be many clients. */
  readonly trustsLoad?: boolean;
  readonly session?: { readonly rotate: string; readonly retention: string };
};

const COMMAND = fileURLToPath(new URL("../bin/logveil.js", import.meta.url));

/** All defaults, the access log to a file instead of standard output. Resolves when /readyz says so. */
export async function startLogveil(options: LogveilOptions): Promise<Logveil> {
  const { process: started, ...rest } = await spawnLogveil(options);
  await untilAnswered(`${rest.vaultUrl}/readyz`, started);
  while (!hasStarted(started) && !started.hasExited()) await wait(5);
  return { ...rest, process: started };
}

function hasStarted({ errorLines }: MeasuredProcess): boolean {
  return errorLines().some((line) => line.includes('"sidecar.started"'));
}

/** As `startLogveil`, and does not wait. */
export async function spawnLogveil(options: LogveilOptions): Promise<Logveil> {
  const dataFolder = join(options.folder, "data");
  const logFolder = join(options.folder, "logs");
  await mkdir(logFolder, { recursive: true });
  const [port, vaultPort] = [await findFreePort(), await findFreePort()];
  const configuration = {
    proxy: {
      listen: `127.0.0.1:${port}`,
      upstream: options.upstream,
      ...(options.trustsLoad ? { trustedProxies: ["127.0.0.1/32"] } : {}),
    },
    ...(options.session ? { session: options.session } : {}),
    accessLog: { outputs: ["file"], file: { path: join(logFolder, "access.log") } },
    vault: { listen: `127.0.0.1:${vaultPort}`, dataDir: dataFolder },
  };
  // JSON is YAML.
  const file = join(options.folder, "config.yaml");
  await writeFile(file, JSON.stringify(configuration, undefined, 2));
  // As `npm start` and the image have it.
  const command = ["--max-semi-space-size=8", COMMAND, "serve", "--config", file];
  const started = startMeasured(process.execPath, command, "server");
  return {
    url: `http://127.0.0.1:${port}`,
    vaultUrl: `http://127.0.0.1:${vaultPort}`,
    dataFolder,
    logFolder,
    process: started,
    rootToken: async () => (await readFile(join(dataFolder, "root.token"), "utf8")).trim(),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}
