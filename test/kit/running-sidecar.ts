import { openSync, closeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import type { Clock } from "../../src/clock.ts";
import { loadConfiguration } from "../../src/config/load.ts";
import { createEventLog } from "../../src/event-log.ts";
import type { ListenAddress } from "../../src/http/listener.ts";
import { startSidecar } from "../../src/sidecar.ts";
import type { Sidecar } from "../../src/sidecar.ts";
import { eventually } from "./eventually.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

/** One line of the access log in the `json` format. */
export type LogLine = Readonly<Record<string, string | number>>;

/** A group of config.yaml as JSON would spell it. */
export type Settings = { readonly [key: string]: unknown };

export type RunningSidecar = AsyncDisposable & {
  readonly sidecar: Sidecar;
  /** `http://127.0.0.1:port`. */
  readonly proxyUrl: string;
  readonly proxyPort: number;
  readonly vaultUrl: string;
  readonly rootToken: string;
  /** Data folder, access log and event log are in here. */
  readonly folder: string;
  readonly files: {
    readonly accessLog: string;
    readonly eventLog: string;
    readonly dataDir: string;
  };
  /** Waits until the access log has `count` lines or more, and gives all of them. */
  readonly logLines: (count: number) => Promise<readonly LogLine[]>;
  /** Body of `GET /v1/session/{token}` as root, with its status. */
  readonly lookUp: (token: string) => Promise<{ readonly status: number; readonly body: LookUp }>;
  /** Ends the sidecar and leaves its files. */
  readonly close: () => Promise<void>;
  readonly removeFolder: () => Promise<void>;
};

export type LookUp = {
  readonly status: string;
  readonly message?: string;
  readonly session?: string;
  readonly data?: Readonly<Record<string, string>>;
};

export type RunningSidecarOptions = {
  readonly upstream: string;
  /** Merged over what a test needs anyway: ports of the kernel's choice, a log file, a temporary folder. */
  readonly settings?: Settings;
  readonly clock?: Clock;
  /** A folder of an earlier sidecar, to start again on; it is left alone at the end. */
  readonly folder?: string;
};

/** A whole sidecar in this process, on real files and real ports. */
export async function startRunningSidecar(options: RunningSidecarOptions): Promise<RunningSidecar> {
  await using owned = new AsyncDisposableStack();
  const temporary = options.folder === undefined ? await createTemporaryFolder() : undefined;
  const folder = options.folder ?? temporary?.path ?? "";
  const files = {
    accessLog: join(folder, "access.log"),
    eventLog: join(folder, "events.log"),
    dataDir: join(folder, "data"),
  };
  const fd = openSync(files.eventLog, "a", 0o600);
  owned.defer(() => closeSync(fd));
  const eventLog = createEventLog({ fd, level: "debug" });
  owned.defer(() => eventLog.close());
  const text = JSON.stringify(merge(baseOf(options.upstream, files), options.settings ?? {}));
  const loaded = loadConfiguration({ file: { name: "test.yaml", text }, env: {}, overrides: {} });
  const sidecar = await startSidecar(loaded, { clock: options.clock ?? systemClock, eventLog });
  owned.defer(() => sidecar.close());
  const rootToken = (await readFile(join(files.dataDir, "root.token"), "utf8")).trim();
  const stack = owned.move();
  const vaultUrl = urlOf(sidecar.vaultAddress);
  const close = () => stack.disposeAsync();
  return {
    sidecar,
    rootToken,
    folder,
    files,
    vaultUrl,
    close,
    proxyUrl: urlOf(sidecar.proxyAddress),
    proxyPort: portOf(sidecar.proxyAddress),
    logLines: (count) => readLogLines(files.accessLog, count),
    lookUp: (token) => lookUp(vaultUrl, rootToken, token),
    removeFolder: async () => temporary?.remove(),
    [Symbol.asyncDispose]: async () => {
      await close();
      await temporary?.remove();
    },
  };
}

function baseOf(upstream: string, files: RunningSidecar["files"]): Settings {
  return {
    proxy: { listen: "127.0.0.1:0", upstream, timeouts: { drain: "1s" } },
    accessLog: { outputs: ["file"], file: { path: files.accessLog } },
    vault: { listen: "127.0.0.1:0", dataDir: files.dataDir },
  };
}

function merge(base: Settings, over: Settings): Settings {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isGroup(before) && isGroup(value) ? merge(before, value) : value;
  }
  return merged;
}

function isGroup(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function readLogLines(file: string, count: number): Promise<readonly LogLine[]> {
  return eventually(`${String(count)} lines in the access log`, async () => {
    const text = await readFile(file, "utf8").catch(() => "");
    const lines = text.split("\n").slice(0, -1);
    return lines.length < count ? undefined : lines.map((line) => JSON.parse(line) as LogLine);
  });
}

async function lookUp(vaultUrl: string, rootToken: string, token: string) {
  const response = await fetch(`${vaultUrl}/v1/session/${token}`, {
    headers: { "X-Bunker-Token": rootToken },
  });
  return { status: response.status, body: (await response.json()) as LookUp };
}

function urlOf(address: ListenAddress): string {
  return `http://127.0.0.1:${String(portOf(address))}`;
}

function portOf(address: ListenAddress): number {
  // A Unix socket has none; a test of one connects to its path.
  return "path" in address ? 0 : address.port;
}
