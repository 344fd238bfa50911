import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { SealedSession } from "../../src/store/session-sink.ts";
import { openStore } from "../../src/store/store.ts";
import type { Store, StoreOptions } from "../../src/store/store.ts";
import { openEventFile } from "../kit/event-file.ts";
import type { EventFile } from "../kit/event-file.ts";
import { eventually } from "../kit/eventually.ts";

export const EPOCH = 1_760_000_000;

/** A data folder with whatever stores a test opens in it; all are closed and removed by `remove`. */
export class StoreFolder {
  readonly dir: string;
  readonly metrics = createMetrics();
  readonly #eventDir = mkdtempSync(join(tmpdir(), "logveil-events-"));
  readonly #events: EventFile = openEventFile(join(this.#eventDir, "events.log"));
  readonly #stores: Store[] = [];

  constructor(dir = mkdtempSync(join(tmpdir(), "logveil-store-"))) {
    this.dir = dir;
  }

  async open(options: Partial<StoreOptions> = {}): Promise<Store> {
    const store = await openStore({
      dir: this.dir,
      durability: "process",
      clock: systemClock,
      eventLog: this.#events.eventLog,
      metrics: this.metrics,
      reopen: { firstMs: 5, maxMs: 20 },
      ...options,
    });
    this.#stores.push(store);
    return store;
  }

  /** Names of the events so far, in order. */
  events(): readonly string[] {
    return this.#events.names();
  }

  async remove(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()));
    this.#events.close();
    rmSync(this.#eventDir, { recursive: true });
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A new session of random tag, address and contents, except for what is given. */
export function aSession(given: Partial<SealedSession> = {}): SealedSession {
  return {
    epoch: EPOCH,
    tag: randomBytes(11),
    addressMac: randomBytes(16),
    record: randomBytes(280),
    ...given,
  };
}

export function sessions(count: number, given: Partial<SealedSession> = {}): SealedSession[] {
  return Array.from({ length: count }, () => aSession(given));
}

/** Which of `wanted` the store does not give back byte for byte. */
export async function missingOf(
  store: Store,
  wanted: readonly SealedSession[],
): Promise<readonly SealedSession[]> {
  const found = await Promise.all(wanted.map(({ epoch, tag }) => store.sessions.find(epoch, tag)));
  return wanted.filter(
    ({ record }, index) => !Buffer.from(record).equals(found[index] ?? Buffer.of()),
  );
}

/** The code that a promise rejects with; "resolved" when it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return "resolved";
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
}

/** Waits until `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  await eventually("the condition of the test", () => condition() || undefined);
}
