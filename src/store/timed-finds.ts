import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import type { SessionRecords } from "./session-records.ts";

/** The same records, which tell how long it takes to find one, or that there is none. */
export function timeFinds(
  records: SessionRecords,
  parts: { readonly clock: Clock; readonly metrics: Pick<Metrics, "storeFindDuration"> },
): SessionRecords {
  const { clock, metrics } = parts;
  return {
    ...records,
    find: async (epoch, tag) => {
      const startMs = clock.monotonic();
      try {
        return await records.find(epoch, tag);
      } finally {
        metrics.storeFindDuration.observe((clock.monotonic() - startMs) / 1000);
      }
    },
  };
}
