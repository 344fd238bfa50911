import type { Clock } from "../../clock.ts";
import { LogveilError, hasCode } from "../../errors.ts";
import type { EventLog } from "../../event-log.ts";
import type { Metrics } from "../../metrics.ts";
import { backOffMs } from "./back-off.ts";
import type { Attempt, Channel, Message } from "./notification.ts";
import type { Entry, Outbox } from "./outbox.ts";
import type { Concealed } from "../concealed.ts";

export type LaneParts = {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly eventLog: EventLog;
  readonly metrics: Pick<
    Metrics,
    "notificationsDelivered" | "notificationsDropped" | "notificationFailures"
  >;
};

/** Messages that are on their way to one receiver at once. */
const CONCURRENCY = 4;
const MAX_MESSAGE_DELAY_MS = 15 * 60_000;
/** Short, because a log-in code is worth nothing after a minute. */
const MAX_PAUSE_MS = 15_000;

/** What is due on one channel, sent. A receiver that is away is asked again after a pause, and then with one message at a time. */
export class Lane {
  readonly #channel: Channel;
  readonly #parts: LaneParts;
  #pausedUntilMs = 0;
  /** In a row, of the receiver as a whole. */
  #failures = 0;
  #isRefusing = false;

  constructor(channel: Channel, parts: LaneParts) {
    this.#channel = channel;
    this.#parts = parts;
  }

  /** Tries everything that is due, once. Never rejects. */
  async run(closing: AbortSignal): Promise<void> {
    try {
      while (!closing.aborted && this.#parts.clock.monotonic() >= this.#pausedUntilMs) {
        const limit = this.#failures === 0 ? CONCURRENCY : 1;
        const entries = await this.#parts.outbox.due(this.#channel.name, limit);
        if (entries.length === 0) return;
        await Promise.all(entries.map((entry) => this.#deliver(entry, closing)));
      }
    } catch (error) {
      // Rows that can be sent and not removed would be sent again and again.
      this.#pause(undefined);
      const code = error instanceof LogveilError ? error.code : "unexpected";
      this.#parts.eventLog.emit("notify.failed", { channel: this.#channel.name, code });
    }
  }

  async #deliver(entry: Entry, closing: AbortSignal): Promise<void> {
    const { outbox, clock, metrics } = this.#parts;
    if (entry.expiresAtMs <= clock.now()) return this.#drop(entry, "expired");
    const message = await this.#open(entry);
    if (typeof message === "string") return this.#drop(entry, message);
    // SECURITY: the one place where a notification leaves the vault, to the receiver that the configuration names.
    const attempt = await this.#channel.send(message.reveal(), closing);
    if (!attempt.isDelivered) {
      if (!closing.aborted) await this.#retryLater(entry, attempt);
      return;
    }
    metrics.notificationsDelivered.inc({ channel: this.#channel.name });
    this.#recover();
    this.#isRefusing = false;
    await outbox.remove(entry);
  }

  async #open(entry: Entry): Promise<Concealed<Message> | "erased" | "corrupt"> {
    try {
      return (await this.#parts.outbox.open(entry)) ?? "erased";
    } catch (error) {
      if (!hasCode(error, "open-failed")) throw error;
      this.#parts.eventLog.emit("store.record-corrupt");
      return "corrupt";
    }
  }

  async #drop(entry: Entry, reason: "expired" | "erased" | "corrupt"): Promise<void> {
    await this.#parts.outbox.remove(entry);
    this.#parts.metrics.notificationsDropped.inc({ channel: this.#channel.name, reason });
  }

  async #retryLater(
    entry: Entry,
    { isAway, retryAfterMs = 0 }: Exclude<Attempt, { isDelivered: true }>,
  ): Promise<void> {
    const { outbox, clock, metrics } = this.#parts;
    metrics.notificationFailures.inc({ channel: this.#channel.name });
    if (isAway) this.#pause(retryAfterMs);
    else this.#noteRefusal();
    const delayMs = Math.max(backOffMs(entry.attempts, MAX_MESSAGE_DELAY_MS), retryAfterMs);
    await outbox.postpone(entry, clock.now() + delayMs);
  }

  #pause(retryAfterMs = 0): void {
    const { clock, eventLog } = this.#parts;
    if (this.#failures === 0) eventLog.emit("notify.away", { channel: this.#channel.name });
    const pauseMs = Math.max(backOffMs(this.#failures, MAX_PAUSE_MS), retryAfterMs);
    this.#failures += 1;
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, clock.monotonic() + pauseMs);
  }

  /** It answers, so it is there; what it refuses is tried again message by message. */
  #noteRefusal(): void {
    this.#recover();
    if (!this.#isRefusing)
      this.#parts.eventLog.emit("notify.refused", { channel: this.#channel.name });
    this.#isRefusing = true;
  }

  #recover(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#parts.eventLog.emit("notify.back", { channel: this.#channel.name });
  }
}
