import type { LoadedConfiguration } from "../config/load.ts";
import type { EventLog } from "../event-log.ts";
import { createCommand, parseArguments, UsageError } from "./command.ts";
import type { Command } from "./command.ts";
import { readConfiguration } from "./configuration-source.ts";
import { EXIT } from "./exit-code.ts";

const OPTIONS = {
  config: { type: "string" },
  upstream: { type: "string" },
  listen: { type: "string" },
  "vault-listen": { type: "string" },
  "data-dir": { type: "string" },
} as const;

export type ServeParts = {
  readonly start: (loaded: LoadedConfiguration) => Promise<{
    readonly reopenLogs: () => void;
    readonly reloadCertificates: () => Promise<void>;
    readonly close: () => Promise<void>;
  }>;
  readonly eventLog: EventLog;
  /** Resolves when the process has been asked to stop. */
  readonly stopRequested: Promise<void>;
  /** Calls back at each SIGHUP. */
  readonly onReopen: (reopen: () => void) => void;
};

/** `logveil serve`: runs until it is asked to stop, drains, and ends with 0. */
export function createServe(parts: ServeParts): Command {
  return createCommand("serve", async (args, io) => {
    const { values, positionals } = parseArguments(args, OPTIONS);
    if (positionals.length > 0) throw new UsageError("serve takes options only");
    const loaded = await readConfiguration(
      {
        config: values.config,
        upstream: values.upstream,
        listen: values.listen,
        vaultListen: values["vault-listen"],
        dataDir: values["data-dir"],
      },
      io.environment,
    );
    for (const { path } of loaded.warnings)
      parts.eventLog.emit("configuration.warning", { key: path });
    const sidecar = await parts.start(loaded);
    parts.onReopen(() => {
      sidecar.reopenLogs();
      void sidecar.reloadCertificates();
    });
    await parts.stopRequested;
    await sidecar.close();
    return EXIT.ok;
  });
}
