import type { Metrics } from "../metrics.ts";
import type { AuditTrail } from "./trail.ts";

/** The same trail, which counts what it has stored and what it could not. */
export function countEvents(
  trail: AuditTrail,
  { auditEvents, auditWriteFailures }: Pick<Metrics, "auditEvents" | "auditWriteFailures">,
): AuditTrail {
  return {
    append: async (event, changes) => {
      try {
        await trail.append(event, changes);
      } catch (error) {
        auditWriteFailures.inc();
        throw error;
      }
      auditEvents.inc({ status: event.status });
    },
    list: (filter) => trail.list(filter),
    find: (atoken) => trail.find(atoken),
    verify: () => trail.verify(),
    retire: (beforeMs) => trail.retire(beforeMs),
    ...(trail.admitAnonymous === undefined ? {} : { admitAnonymous: trail.admitAnonymous }),
  };
}
