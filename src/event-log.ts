// The event log: every line that logveil itself can print, in one table. A field is a number, a boolean or one of a few words
// chosen by us, so no line can carry what a client sent.

import { pino } from "pino";
import type { ErrorCode } from "./errors.ts";

type Level = "debug" | "info" | "warn" | "error";
type Field = number | boolean | string;
type Event<Fields> = { readonly level: Level; readonly message: string; readonly fields?: Fields };

/** `Fields` exists at compile time only. String fields hold words from our own tables or the operator's configuration. */
function event<Fields extends Readonly<Record<string, Field>>>(
  level: Level,
  message: string,
): Event<Fields> {
  return { level, message };
}

function bare(level: Level, message: string): Event<never> {
  return { level, message };
}

const EVENTS = {
  "sidecar.started": event<{ proxy: string; vault: string; startMs: number }>("info", "ready"),
  "sidecar.draining": bare("info", "stopped accepting, finishing what runs"),
  "sidecar.stopped": event<{ aborted: number }>("info", "stopped"),
  "configuration.warning": event<{ key: string }>(
    "warn",
    "the configuration is valid and unusual, `logveil check` says why",
  ),
  "key.created": event<{ file: string }>(
    "info",
    "created a new key file, keep a copy apart from the data",
  ),
  "epoch.created": event<{ epoch: number }>("debug", "created an epoch key"),
  "epoch.destroyed": event<{ epoch: number }>(
    "info",
    "destroyed an epoch key, its tokens mean nothing now",
  ),
  "epoch.swept": event<{ epoch: number; durationMs: number }>(
    "info",
    "removed the records of an expired epoch",
  ),
  "epoch.sweep-failed": event<{ code: ErrorCode | "unexpected" }>(
    "error",
    "could not remove expired records, will try again",
  ),
  "audit.corrupt": bare(
    "error",
    "the audit trail is damaged: the vault refuses everything until it is restored, the proxy goes on",
  ),
  "erasure.delayed": bare(
    "error",
    "an erasure that was interrupted could not be finished at start, will try again",
  ),
  "keys.rotated": event<{ wrapped: number }>("info", "the master key was rotated"),
  "session-records.lost": bare(
    "error",
    "session records cannot be stored, their tokens cannot be looked up; said once until none was lost for ten seconds",
  ),
  "store.write-failed": event<{ lost: number }>(
    "error",
    "the store refused a write, session records were lost",
  ),
  "store.reopen-failed": event<{ code: ErrorCode }>(
    "error",
    "the store cannot be opened again, will go on trying",
  ),
  "store.reopened": bare("info", "the store takes writes again"),
  "store.unknown-folders": event<{ folders: number }>(
    "warn",
    "among the store's folders of epochs are some that are not its own, they are left alone",
  ),
  "store.record-corrupt": bare("error", "a session record failed its authentication tag"),
  "access-log.failed": bare("error", "the access log cannot be written"),
  "access-log.recovered": event<{ dropped: number }>("info", "the access log is written again"),
  "access-log.reopened": bare("info", "reopened the access log"),
  "access-log.rotated": bare("debug", "rotated the access log"),
  "access-log.rotation-failed": bare(
    "warn",
    "the access log could not be rotated and grows on, will try again",
  ),
  "access-log.removed": event<{ files: number; oldest: string }>(
    "info",
    "removed access logs past their retention; the oldest ended on that day",
  ),
  "access-log.removal-failed": event<{ files: number }>(
    "error",
    "access logs past their retention cannot be removed, will try again; said once for each number of them",
  ),
  "access-log.output-away": event<{ output: string }>(
    "warn",
    "a receiver of the access log takes nothing, its lines wait in the spool",
  ),
  "access-log.output-refused": event<{ output: string; status: number }>(
    "error",
    "a receiver of the access log refuses us, its lines wait in the spool: check address, key and rights",
  ),
  "access-log.output-back": event<{ output: string }>(
    "info",
    "a receiver takes the access log again",
  ),
  "access-log.lines-rejected": event<{ output: string }>(
    "warn",
    "a receiver does not want some lines, they are dropped; said again after a batch without",
  ),
  "access-log.spool-full": bare(
    "error",
    "the spool is full, the oldest lines are dropped; said again after it was empty",
  ),
  "access-log.spool-damaged": event<{ output: string; lines: number }>(
    "error",
    "lines in the spool were damaged or gone, they are dropped for this output",
  ),
  "notify.away": event<{ channel: string }>(
    "warn",
    "a receiver of notifications takes nothing, will go on trying",
  ),
  "notify.back": event<{ channel: string }>("info", "a receiver takes notifications again"),
  "notify.failed": event<{ channel: string; code: ErrorCode | "unexpected" }>(
    "error",
    "the outbox cannot be read or written, notifications wait",
  ),
  "notify.refused": event<{ channel: string }>(
    "warn",
    "a receiver refuses a notification, will go on trying; said again after a delivery",
  ),
  "tls.reloaded": bare("info", "read the certificates again"),
  "tls.reload-failed": event<{ code: ErrorCode | "unexpected" }>(
    "error",
    "the new certificates cannot be used, the old ones stay",
  ),
  "upstream.unreachable": event<{ kind: string }>(
    "warn",
    "the upstream could not be reached, or broke off, or answered too late or malformed; said once until it answers",
  ),
  "upstream.back": bare("info", "the upstream answers again"),
  "api.failed": event<{ code: ErrorCode | "unexpected" }>(
    "error",
    "a call of the vault API failed in logveil itself",
  ),
  "api.expiration-not-understood": bare(
    "warn",
    "a caller gave an expiration that is not understood, the longest one was used; said once",
  ),
  "proxy.failed": event<{ where: string }>("error", "a request failed in logveil itself"),
} as const;

export type EventName = keyof typeof EVENTS;
/** All of them; docs/errors.md lists the same and a test compares them. */
export const EVENT_NAMES: readonly string[] = Object.keys(EVENTS);
type FieldsOf<E> = E extends Event<infer Fields> ? Fields : never;
type Arguments<E> = [FieldsOf<E>] extends [never] ? [] : [FieldsOf<E>];

export type EventLog = {
  readonly emit: <Name extends EventName>(
    name: Name,
    ...fields: Arguments<(typeof EVENTS)[Name]>
  ) => void;
  readonly close: () => void;
};

/** The same event log, which tells `count` of each event. */
export function countEvents(eventLog: EventLog, count: (name: EventName) => void): EventLog {
  return {
    emit: (name, ...fields) => {
      count(name);
      eventLog.emit(name, ...fields);
    },
    close: () => eventLog.close(),
  };
}

/** An event log of JSON lines on file descriptor `fd` (2, standard error, unless told). Written at once, so a crash loses none. */
export function createEventLog(
  options: { readonly fd?: number; readonly level?: Level } = {},
): EventLog {
  const destination = pino.destination({ fd: options.fd ?? 2, sync: true });
  // A full disk or a closed pipe behind standard error must not take the sidecar down: the event is lost, the proxy goes on.
  destination.on("error", () => undefined);
  const logger = pino(
    {
      base: null,
      level: options.level ?? "info",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return {
    emit: (name, ...fields) => {
      const { level, message } = EVENTS[name];
      logger[level]({ event: name, ...fields[0] }, message);
    },
    close: () => destination.flushSync(),
  };
}
