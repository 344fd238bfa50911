import type { EventLog } from "../event-log.ts";
import type { DropReason, LineCounter } from "./line-counter.ts";
import { LineQueue } from "./line-queue.ts";
import type { Batch } from "./line-queue.ts";
import type { Medium } from "./medium.ts";

/** What an output holds while its medium takes nothing, in bytes: some 8,000 lines. What comes on top is dropped and counted. */
export const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
/** How often an outage is tried again, and how late a rotation without traffic may be. */
const CHECK_EVERY_MS = 500;
/** How long a flush waits for a medium that neither takes nor refuses, such as a pipe that nobody reads. */
const STALLED_AFTER_MS = 5_000;

type OutputParts = {
  readonly counter: LineCounter;
  readonly eventLog: EventLog;
  readonly stalledAfterMs?: number;
};

type Outage = {
  dropped: number;
  /** The medium could not be opened, so that opening it ends the outage; otherwise only a written line does. */
  isUnopened: boolean;
};

type Outcome = "written" | "idle" | "failed" | "stalled";

/**
 * Lines on their way to a medium. What arrives within one turn of the event loop goes out together at the turn's end or, while
 * a write is under way, right after it; no timer, no minimum. So kill -9 loses the lines of the current turn and those that
 * wait for the one write before them: none in two kills of three even at five times the load the machine can carry, where
 * the thread that writes has to wait for its turn, and up to 80 ms of lines in the worst (docs/design.md). While the medium
 * fails, lines are kept up to a bound and tried again; nothing ever reaches the request.
 */
export class Output {
  readonly #medium: Medium;
  readonly #stalledAfterMs: number;
  readonly #counter: LineCounter;
  readonly #eventLog: EventLog;
  readonly #queue = new LineQueue(MAX_BUFFERED_BYTES);
  readonly #timer = setInterval(() => this.#check(), CHECK_EVERY_MS).unref();
  #waiters: ((outcome: Outcome) => void)[] = [];
  #running: Promise<void> | undefined;
  #outage: Outage | undefined;
  #counted = 0;
  #isScheduled = false;
  #isClosed = false;

  constructor(medium: Medium, parts: OutputParts) {
    this.#medium = medium;
    this.#stalledAfterMs = parts.stalledAfterMs ?? STALLED_AFTER_MS;
    this.#counter = parts.counter;
    this.#eventLog = parts.eventLog;
  }

  /** `line` is ASCII and ends with its only newline. Never throws. */
  write(line: string): void {
    if (this.#isClosed) this.refuse("closed");
    else if (!this.#queue.add(line)) this.#refuseForWantOfRoom();
    else if (!this.#isScheduled && this.#outage === undefined) {
      this.#isScheduled = true;
      setImmediate(() => this.#run());
    }
  }

  /** Counts a line that never got as far as the queue. */
  refuse(reason: DropReason): void {
    this.#counter.accepted(1);
    this.#drop(1, reason);
  }

  reopen(): void {
    this.#medium.reopen();
    if (!this.#isClosed) this.#run();
  }

  /**
   * Resolves when every line so far is written or dropped. During an outage it tries once more and then drops what is refused,
   * as it does with what is stuck for 5 s. Never rejects.
   */
  async flush(): Promise<void> {
    await this.#settle();
  }

  /** Flushes, then closes the medium. Later lines are dropped and counted. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    if ((await this.#settle()) !== "stalled") await this.#running;
    await this.#medium.close();
  }

  health(): "ok" | "failing" {
    return this.#outage === undefined ? "ok" : "failing";
  }

  #check(): void {
    this.#count();
    if (this.#outage !== undefined || this.#medium.isDue()) this.#run();
  }

  #run(): void {
    this.#isScheduled = false;
    this.#running ??= this.#drain();
  }

  async #drain(): Promise<void> {
    let outcome: Outcome;
    do {
      outcome = await this.#advance();
      for (const resolve of this.#waiters.splice(0)) resolve(outcome);
    } while (outcome === "written");
    // Nothing is awaited between finding the queue empty and this line, so no line can slip in unseen.
    this.#running = undefined;
  }

  async #advance(): Promise<Outcome> {
    this.#count();
    const batch = this.#queue.head();
    try {
      await this.#medium.prepare(batch?.text.length ?? 0);
    } catch {
      this.#beginOutage(true);
      return "failed";
    }
    if (this.#outage?.isUnopened === true) this.#endOutage();
    // A flush may have dropped the batch meanwhile.
    if (batch === undefined || this.#queue.head() !== batch)
      return this.#queue.isEmpty ? "idle" : "written";
    return this.#writeBatch(batch);
  }

  async #writeBatch(batch: Batch): Promise<Outcome> {
    const { bytes, failure } = await this.#medium.write(batch.text);
    if (failure !== undefined) {
      await this.#giveUp(batch, bytes, failure.code);
      return "failed";
    }
    this.#counter.written(this.#queue.remove(batch));
    if (this.#queue.isEmpty) this.#endOutage();
    return "written";
  }

  /** Keeps what was not written, from a line's beginning where the medium lets go of a broken-off line. */
  async #giveUp(batch: Batch, bytes: number, code: string | undefined): Promise<void> {
    const whole = bytes === 0 ? 0 : batch.text.lastIndexOf("\n", bytes - 1) + 1;
    const takenBack = await this.#medium.abandon(bytes - whole);
    const lines = batch.text.slice(0, whole).split("\n").length - 1;
    this.#counter.written(this.#queue.remove(batch, bytes - takenBack, lines));
    this.#beginOutage(false);
    // A reader that has gone does not come back for what it missed.
    if (code === "EPIPE") this.#dropAll("broken-pipe");
  }

  async #settle(): Promise<Outcome> {
    const target = this.#queue.added;
    const stalled = Promise.withResolvers<Outcome>();
    const timer = setTimeout(() => stalled.resolve("stalled"), this.#stalledAfterMs);
    let outcome: Outcome = "idle";
    while (this.#queue.removed < target) {
      const attempt = new Promise<Outcome>((resolve) => void this.#waiters.push(resolve));
      this.#run();
      outcome = await Promise.race([attempt, stalled.promise]);
      if (outcome === "failed") this.#dropAll("unwritable");
      if (outcome === "stalled") this.#dropAll("stalled");
    }
    clearTimeout(timer);
    this.#count();
    return outcome;
  }

  #refuseForWantOfRoom(): void {
    this.#beginOutage(false);
    this.refuse("buffer-full");
  }

  #dropAll(reason: DropReason): void {
    this.#count();
    this.#drop(this.#queue.clear(), reason);
  }

  #drop(lines: number, reason: DropReason): void {
    if (lines > 0) this.#counter.dropped(lines, reason);
    if (this.#outage !== undefined) this.#outage.dropped += lines;
  }

  /** Accepted lines are counted in bulk, so that a line costs no look-up in a metric. */
  #count(): void {
    if (this.#queue.added === this.#counted) return;
    this.#counter.accepted(this.#queue.added - this.#counted);
    this.#counted = this.#queue.added;
  }

  #beginOutage(isUnopened: boolean): void {
    if (this.#outage !== undefined) {
      this.#outage.isUnopened = isUnopened;
      return;
    }
    this.#outage = { dropped: 0, isUnopened };
    this.#eventLog.emit("access-log.failed");
  }

  #endOutage(): void {
    if (this.#outage === undefined) return;
    const { dropped } = this.#outage;
    this.#outage = undefined;
    this.#eventLog.emit("access-log.recovered", { dropped });
  }
}
