// How many events people without an access token may cause. Each of their requests is one, so without a bound anybody who can reach the
// port fills the disk.

import type { AuditTrail } from "../audit/trail.ts";
import type { Clock } from "../clock.ts";
import { LogveilError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";

export type AnonymousEventsParts = {
  /** Of `clock`, the monotonic time: nobody gets a share by setting the machine's clock. */
  readonly clock: Pick<Clock, "monotonic">;
  readonly metrics: Pick<Metrics, "anonymousRefused">;
};

/** Events in a second, in the long run. */
const PER_SECOND = 50;
/** Events at once, after a quiet time. */
const BURST = 1000;

/** The same trail, with one token bucket for all people without an access token: 1000 events at once, 50 in a second. */
export function boundAnonymousEvents(trail: AuditTrail, parts: AnonymousEventsParts): AuditTrail {
  return {
    append: (event, changes) => trail.append(event, changes),
    list: (filter) => trail.list(filter),
    find: (atoken) => trail.find(atoken),
    verify: () => trail.verify(),
    retire: (beforeMs) => trail.retire(beforeMs),
    admitAnonymous: createBucket(parts),
  };
}

function createBucket({ clock, metrics }: AnonymousEventsParts): () => void {
  let left = BURST;
  let filledAtMs = clock.monotonic();
  return () => {
    const nowMs = clock.monotonic();
    left = Math.min(BURST, left + ((nowMs - filledAtMs) * PER_SECOND) / 1000);
    filledAtMs = nowMs;
    if (left < 1) {
      metrics.anonymousRefused.inc();
      throw new LogveilError("too-many-requests");
    }
    left -= 1;
  };
}
