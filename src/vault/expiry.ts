import type { Clock } from "../clock.ts";
import { LogveilError } from "../errors.ts";
import type { EventLog } from "../event-log.ts";
import type { Keyring } from "../keys/keyring.ts";
import type { Store } from "../store/store.ts";
import type { SessionShelf } from "./sessions/session-shelf.ts";

export type Expiry = {
  /** Destroys every key whose time has come, then removes what it opened. Calls share the run that is under way. */
  readonly sweep: () => Promise<void>;
  /** Sweeps now and then every `intervalMs`, until `close`. */
  readonly start: (intervalMs: number) => void;
  /** Ends the timer and waits for the run under way. */
  readonly close: () => Promise<void>;
};

export type ExpiryParts = {
  readonly keyring: Keyring;
  readonly store: Pick<Store, "sessions" | "callerSessions">;
  /** Whose they were goes with them. */
  readonly sessions: Pick<SessionShelf, "unlinkEpoch" | "unlinkSwept">;
  readonly clock: Clock;
  readonly eventLog: EventLog;
  /** Whoever holds keys of a destroyed epoch in memory drops them here. */
  readonly onDestroyed: (epoch: number) => void;
  /** What else has its time, in this order. Each runs whatever became of the others. */
  readonly further: readonly (() => Promise<unknown>)[];
};

/** What a failed run left is found again by the next one: the keyring remembers which epochs have not been swept. */
export function createExpiry(parts: ExpiryParts): Expiry {
  const { eventLog } = parts;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const sweep = () =>
    (running ??= sweepAll(parts).finally(() => {
      running = undefined;
    }));
  const sweepAndReport = () => {
    sweep().catch((error: unknown) => {
      const code = error instanceof LogveilError ? error.code : "unexpected";
      eventLog.emit("epoch.sweep-failed", { code });
    });
  };
  return {
    sweep,
    start: (intervalMs) => {
      sweepAndReport();
      timer = setInterval(sweepAndReport, intervalMs).unref();
    },
    close: async () => {
      clearInterval(timer);
      // Its failure has been reported by whoever started it.
      await running?.catch(() => undefined);
    },
  };
}

/** Rejects with the first failure, when all of it has been tried. */
async function sweepAll(parts: ExpiryParts): Promise<void> {
  const failures: unknown[] = [];
  for (const step of [() => sweepOnce(parts), ...parts.further])
    await step().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

/** SECURITY: keys before records. From the first line on nobody can look anything expired up, whatever fails afterwards. */
async function sweepOnce(parts: ExpiryParts): Promise<void> {
  const { keyring, store, clock, eventLog } = parts;
  await keyring.advanceHighWater(clock.now());
  const epochs = await keyring.destroyExpired();
  for (const epoch of epochs) parts.onDestroyed(epoch);
  await keyring.subjects.sweep(clock.now());
  for (const epoch of epochs) {
    const started = clock.monotonic();
    await store.sessions.sweepEpoch(epoch);
    await parts.sessions.unlinkEpoch(epoch);
    await keyring.confirmSwept(epoch);
    eventLog.emit("epoch.swept", { epoch, durationMs: Math.round(clock.monotonic() - started) });
  }
  // What an old copy of the store has brought back, or a write that came too late.
  for (const epoch of store.sessions.epochs())
    if (keyring.isDestroyed(epoch)) await store.sessions.sweepEpoch(epoch);
  for (;;) {
    const swept = await store.callerSessions.sweep(clock.now());
    if (swept.length === 0) break;
    await parts.sessions.unlinkSwept(swept);
  }
}
