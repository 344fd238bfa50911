import type { Clock } from "../../clock.ts";
import type { EventLog } from "../../event-log.ts";
import type { LineCounter } from "../line-counter.ts";
import { backOffMs } from "./back-off.ts";
import type { Entry } from "./entry.ts";
import type { Batch, SpoolReader } from "./spool-reader.ts";
import type { Outcome, Transport } from "./transport.ts";

export type LaneParts = {
  readonly reader: SpoolReader;
  readonly counter: LineCounter & { readonly failed: () => void };
  readonly clock: Clock;
  readonly eventLog: EventLog;
  /** From 0 to 1; `Math.random` unless told. */
  readonly chance?: () => number;
  readonly graceMs?: number;
};

/** About this much is in memory of each output, some times over while it is sent; parsing it holds the event loop for 2 ms or so. */
const BATCH_BYTES = 512 * 1024;
/** How late a line may go out that waits for others to keep it company, and how often an outage is looked at. */
const CHECK_EVERY_MS = 500;
/** With this many nobody waits for the next check. */
const FULL_BATCH_LINES = 1000;
/** At the end, for what the receiver takes without a failure; the rest stays in the spool. */
const GRACE_MS = 2000;
/** After so many in a row that are rejected one by one it is not the lines: nothing is dropped then until the next attempt. */
const MAX_REJECTIONS = 8;

type Held = {
  readonly batch: Batch;
  /** What is still to be sent of it, in the order of sending. */
  parts: (readonly Entry[])[];
  written: number;
  rejected: number;
};

/** Lines on their way to one receiver, in order, one request at a time. */
export class Lane {
  readonly #transport: Transport;
  readonly #parts: LaneParts;
  readonly #closing = new AbortController();
  readonly #timer = setInterval(() => this.#check(), CHECK_EVERY_MS).unref();
  #held: Held | undefined;
  #running: Promise<void> | undefined;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  /** Attempts in a row that brought nothing. */
  #failures = 0;
  #rejections = 0;
  #isAwayKnown = false;
  #isRefusalKnown = false;
  #isRejectionKnown = false;

  constructor(transport: Transport, parts: LaneParts) {
    this.#transport = transport;
    this.#parts = parts;
    parts.reader.onAppend(() => {
      if (parts.reader.waiting >= FULL_BATCH_LINES) this.#check();
    });
  }

  get health(): "ok" | "failing" {
    return this.#failures > 1 ? "failing" : "ok";
  }

  /** When the oldest line that is in hand happened. */
  get oldestMs(): number | undefined {
    return this.#held?.parts[0]?.[0]?.happenedAtMs;
  }

  /** Delivers what the receiver takes within 2 s, unless it is away. Never rejects. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const impatience = setTimeout(() => this.#closing.abort(), this.#parts.graceMs ?? GRACE_MS);
    // What runs may have looked at the spool before the last lines were in it.
    await this.#running;
    this.#check();
    await this.#running;
    clearTimeout(impatience);
    this.#closing.abort();
    const { batch } = this.#held ?? {};
    if (batch?.isDetached === true) await this.#give(batch);
  }

  #check(): void {
    if (this.#isDue()) this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (this.#isDue() && (await this.#takeBatch())) await this.#sendPart();
    } catch {
      // The spool cannot be read just now.
      this.#pause();
    }
    this.#running = undefined;
  }

  #isDue(): boolean {
    return !this.#closing.signal.aborted && this.#parts.clock.monotonic() >= this.#pausedUntilMs;
  }

  async #takeBatch(): Promise<boolean> {
    if (this.#held !== undefined) return true;
    const batch = await this.#parts.reader.read(BATCH_BYTES);
    if (batch === undefined) return false;
    this.#held = { batch, parts: [batch.entries], written: 0, rejected: 0 };
    return true;
  }

  async #sendPart(): Promise<void> {
    const held = this.#held;
    const [part] = held?.parts ?? [];
    if (held !== undefined && part !== undefined && part.length > 0) {
      const outcome = await this.#attempt(part);
      if (this.#closing.signal.aborted && outcome.kind === "away") return;
      this.#settle(held, part, outcome);
    } else held?.parts.shift();
    if (held?.parts.length === 0) await this.#finish(held);
  }

  /** A transport never rejects. If one does, at an answer that nobody thought of, that is counted and said like any failure. */
  async #attempt(part: readonly Entry[]): Promise<Outcome> {
    try {
      return await this.#transport.send(part, this.#closing.signal);
    } catch {
      return { kind: "away" };
    }
  }

  #settle(held: Held, part: readonly Entry[], outcome: Outcome): void {
    switch (outcome.kind) {
      case "delivered":
        held.parts.shift();
        held.written += part.length - outcome.rejected;
        if (outcome.rejected > 0) this.#noteRejection(held, outcome.rejected);
        return this.#recover();
      case "partly":
        held.parts[0] = outcome.again;
        held.written += part.length - outcome.again.length - outcome.rejected;
        if (outcome.rejected > 0) this.#noteRejection(held, outcome.rejected);
        return this.#fail();
      case "away":
        return this.#fail(outcome.retryAfterMs);
      case "refused":
        return this.#refuse(outcome.status);
      case "rejected":
        return this.#reject(held, part);
    }
  }

  /** Halves, until it is down to the line that the receiver does not want. */
  #reject(held: Held, part: readonly Entry[]): void {
    const middle = Math.ceil(part.length / 2);
    if (part.length > 1) held.parts.splice(0, 1, part.slice(0, middle), part.slice(middle));
    else {
      held.parts.shift();
      this.#noteRejection(held, 1);
      this.#rejections += 1;
      if (this.#rejections % MAX_REJECTIONS === 0) this.#fail();
    }
  }

  #noteRejection(held: Held, lines: number): void {
    held.rejected += lines;
    if (!this.#isRejectionKnown)
      this.#parts.eventLog.emit("access-log.lines-rejected", { output: this.#transport.name });
    this.#isRejectionKnown = true;
  }

  async #finish({ batch, written, rejected }: Held): Promise<void> {
    this.#held = undefined;
    this.#parts.counter.written(written);
    if (rejected > 0) this.#parts.counter.dropped(rejected, "rejected");
    else this.#isRejectionKnown = false;
    // A cursor that could not be written: after a crash these lines come once more, with the same ids.
    await this.#parts.reader.commit(batch).catch(() => undefined);
  }

  /** Its lines are nowhere but here, and nobody takes them. */
  async #give(batch: Batch): Promise<void> {
    const { written = 0, rejected = 0 } = this.#held ?? {};
    this.#parts.counter.dropped(batch.entries.length - written - rejected, "spool-full");
    await this.#finish({ batch, parts: [], written, rejected });
  }

  /** The first failure is tried again without a word: a receiver may have closed a connection that it took for idle. */
  #fail(retryAfterMs = 0): void {
    this.#parts.counter.failed();
    this.#pause(retryAfterMs);
    if (this.#failures < 2 || this.#isAwayKnown) return;
    this.#isAwayKnown = true;
    this.#parts.eventLog.emit("access-log.output-away", { output: this.#transport.name });
  }

  #refuse(status: number): void {
    this.#parts.counter.failed();
    this.#failures = Math.max(this.#failures, 1);
    this.#pause();
    if (this.#isRefusalKnown) return;
    this.#isRefusalKnown = true;
    const output = this.#transport.name;
    this.#parts.eventLog.emit("access-log.output-refused", { output, status });
  }

  #pause(retryAfterMs = 0): void {
    const { clock, chance = Math.random } = this.#parts;
    const pauseMs = Math.max(backOffMs(this.#failures, chance()), retryAfterMs);
    this.#failures += 1;
    this.#pausedUntilMs = clock.monotonic() + pauseMs;
  }

  #recover(): void {
    this.#failures = 0;
    this.#rejections = 0;
    if (this.#isAwayKnown || this.#isRefusalKnown)
      this.#parts.eventLog.emit("access-log.output-back", { output: this.#transport.name });
    this.#isAwayKnown = false;
    this.#isRefusalKnown = false;
  }
}
