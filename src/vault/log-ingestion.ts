// Lines of other servers' logs, handed in through the vault's listener, and what a command of ours needs to tokenise a log beside a logveil
// that runs. Both go through `operate`: a batch of lines is one event, however many lines it has, and so are the keys of an epoch.

import type { AuditTrail } from "../audit/trail.ts";
import type { Caller } from "../callers/caller.ts";
import { LogveilError, hasCode } from "../errors.ts";
import type { Keyring } from "../keys/keyring.ts";
import { encodeMaterial } from "../keys/material-text.ts";
import type { MaterialText } from "../keys/material-text.ts";
import type { SealedSession, SessionSink } from "../store/session-sink.ts";
import { operate } from "./operation.ts";

/** A line as it was handed in, in Latin-1. */
export type HandedLine = {
  readonly text: string;
  /** What came with it; ms since 1970. */
  readonly atMs: number | undefined;
};

/** Cleans lines and hands them to the access log (ingest/line-intake.ts). Never rejects for what a line holds. */
export type TakeLines = (lines: readonly HandedLine[]) => Promise<void>;

export type LogIngestion = {
  /** `read` gives the lines of the request. Resolves when they are with the access log's outputs, their sessions stored. */
  readonly ingest: (
    caller: Caller | undefined,
    read: () => Promise<readonly HandedLine[]>,
  ) => Promise<void>;
};

type Trail = Pick<AuditTrail, "append" | "admitAnonymous">;

export function createLogIngestion(parts: {
  readonly trail: Trail;
  readonly take: TakeLines;
}): LogIngestion {
  return {
    ingest: (caller, read) =>
      operate(
        parts.trail,
        { caller, permission: "log.ingest", title: "ingest log lines" },
        async () => {
          const lines = await read();
          return {
            result: undefined,
            message: `${String(lines.length)} lines`,
            // Behind the event: what cannot be put on record is not written.
            finish: () => parts.take(lines),
          };
        },
      ),
  };
}

export type FedEpoch = {
  readonly material: MaterialText;
  /** `session.rotate` of the logveil that answers: another one would put a line into another epoch. */
  readonly rotateMs: number;
};

/** For `logveil tokenize`, which comes over the control socket. */
export type LineFeed = {
  /** Keys that make tokens and seal, of any epoch that a line can be from. They open nothing. */
  readonly epochOf: (caller: Caller | undefined, epoch: number) => Promise<FedEpoch>;
  /** Resolves when the sessions are stored; those of an epoch that has expired meanwhile are left out. Rejects `store-unavailable`. */
  readonly append: (sessions: readonly SealedSession[]) => Promise<void>;
};

export function createLineFeed(parts: {
  readonly trail: Trail;
  readonly keyring: Pick<Keyring, "lineMaterialOf">;
  readonly sink: SessionSink;
  readonly rotateMs: number;
}): LineFeed {
  const { keyring, rotateMs, sink, trail } = parts;
  return {
    epochOf: (caller, epoch) =>
      operate(
        trail,
        { caller, permission: "log.feed", title: "get keys for log lines" },
        async () => {
          if (epoch >>> 0 !== epoch || (epoch * 1000) % rotateMs !== 0)
            throw new LogveilError("rotation-differs");
          const material = encodeMaterial(await keyring.lineMaterialOf(epoch));
          return { result: { material, rotateMs } };
        },
      ),
    append: async (sessions) => {
      for (const some of Map.groupBy(sessions, ({ epoch }) => epoch).values())
        await sink.append(some).catch((error: unknown) => {
          if (!hasCode(error, "epoch-expired")) throw error;
        });
    },
  };
}
