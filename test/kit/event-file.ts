import { closeSync, openSync, readFileSync } from "node:fs";
import { createEventLog } from "../../src/event-log.ts";
import type { EventLog } from "../../src/event-log.ts";

export type EventFile = {
  readonly eventLog: EventLog;
  /** All that was written, as text. */
  readonly text: () => string;
  /** Names of the events, in order. */
  readonly names: () => readonly string[];
  readonly close: () => void;
};

/** A real event log that writes into the file at `path`, so that a test can read what logveil said. */
export function openEventFile(path: string): EventFile {
  const fd = openSync(path, "a", 0o600);
  const eventLog = createEventLog({ fd, level: "debug" });
  const text = () => readFileSync(path, "utf8");
  return {
    eventLog,
    text,
    names: () =>
      text()
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => (JSON.parse(line) as { event: string }).event),
    close: () => {
      eventLog.close();
      closeSync(fd);
    },
  };
}
