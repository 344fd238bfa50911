import type { Clock } from "../clock.ts";
import type { EventLog } from "../event-log.ts";
import type { ErrorType } from "../http/problem.ts";
import type { Metrics } from "../metrics.ts";

export type UpstreamWatchParts = {
  readonly eventLog: EventLog;
  readonly metrics: Pick<Metrics, "upstreamErrors">;
  readonly clock: Clock;
};

/** An upstream that answers every other request would otherwise write two events a request. */
const SAY_AGAIN_AFTER_MS = 10_000;

const KINDS: readonly ErrorType[] = [
  "upstream_invalid",
  "upstream_reset",
  "upstream_timeout",
  "upstream_unreachable",
];

/**
 * How the upstream does: every failure is counted, and the first of a row is an event, as is the first answer behind it. At most one
 * pair of events in ten seconds, however many requests fail.
 */
export class UpstreamWatch {
  readonly #parts: UpstreamWatchParts;
  #isFailing = false;
  #isSaid = false;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: UpstreamWatchParts) {
    this.#parts = parts;
    // At 0 from the start: of a series that begins with its first count, an alert would not see that count.
    for (const kind of KINDS) parts.metrics.upstreamErrors.inc({ kind }, 0);
  }

  failed(kind: ErrorType): void {
    const { clock, eventLog, metrics } = this.#parts;
    metrics.upstreamErrors.inc({ kind });
    const nowMs = clock.monotonic();
    this.#isFailing = true;
    if (this.#isSaid || nowMs - this.#saidAtMs < SAY_AGAIN_AFTER_MS) return;
    this.#isSaid = true;
    this.#saidAtMs = nowMs;
    eventLog.emit("upstream.unreachable", { kind });
  }

  /** Called for every answer. */
  answered(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    if (!this.#isSaid) return;
    this.#isSaid = false;
    this.#parts.eventLog.emit("upstream.back");
  }
}
