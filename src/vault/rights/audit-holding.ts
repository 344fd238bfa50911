import { setImmediate as nextTurn } from "node:timers/promises";
import { openPersonal } from "../../audit/event.ts";
import type { AuditRecord } from "../../audit/event.ts";
import type { AuditTrail } from "../../audit/trail.ts";
import { hasCode } from "../../errors.ts";
import { Concealed } from "../concealed.ts";
import type { HoldingPart } from "./holdings.ts";

export type AuditHoldingParts = {
  readonly trail: Pick<AuditTrail, "list">;
  /** The data subject's key, with which the events are sealed. */
  readonly keyOf: (subject: string) => Promise<Buffer | undefined>;
  /** Under which names else there are events about the subject: a person's sessions. */
  readonly alsoKnownAs?: (subject: string) => Promise<readonly string[]>;
};

/** Events of an export at most, the newest. SECURITY: others make them, and an export is held in memory as one. */
const MAX_EVENTS = 10_000;

/** Events that are opened in one go: some milliseconds of the event loop. */
const SLICE = 500;

/** The events about a person, with their contents opened. An erasure leaves them, so that the chain holds, and makes the contents unreadable. */
export function createAuditHolding(parts: AuditHoldingParts): HoldingPart {
  const { trail, keyOf, alsoKnownAs } = parts;
  return {
    kind: "audit",
    exportOf: async (subject) => {
      const key = await keyOf(subject);
      const subjects = [subject, ...((await alsoKnownAs?.(subject)) ?? [])];
      const { events, leftOut } = await newestOf(trail, subjects);
      if (events.length === 0) return undefined;
      const presented: unknown[] = [];
      if (leftOut > 0) presented.push({ title: "older events left out", count: leftOut });
      for (const [index, event] of events.entries()) {
        if (index % SLICE === 0) await nextTurn();
        presented.push(presentEvent(event, key));
      }
      return new Concealed(presented);
    },
    eraseOf: async (subject) => ({
      // A trail that cannot be read must not stand in the way of an erasure: then none is counted.
      count: await trail.list({ subject, offset: 0, limit: 1 }).then(
        ({ total }) => total,
        () => 0,
      ),
    }),
  };
}

/** The newest events about any of `subjects`, oldest first, and how many older ones there are. */
async function newestOf(
  trail: AuditHoldingParts["trail"],
  subjects: readonly string[],
): Promise<{ readonly events: readonly AuditRecord[]; readonly leftOut: number }> {
  let events: readonly AuditRecord[] = [];
  let leftOut = 0;
  for (const subject of subjects) {
    const { rows, total } = await trail.list({ subject, offset: 0, limit: MAX_EVENTS });
    // Not `total - rows.length`: an event that is gone from the store is not one that was left out.
    leftOut += Math.max(0, total - MAX_EVENTS);
    if (rows.length === 0) continue;
    // Cut each time: there may be many sessions.
    const all = [...events, ...rows].toSorted((one, other) => one.sequence - other.sequence);
    events = all.slice(-MAX_EVENTS);
    leftOut += all.length - events.length;
  }
  return { events, leftOut };
}

function presentEvent(event: AuditRecord, key: Buffer | undefined) {
  const { atoken, whenMs, title, status, message, mode, app, reason, caller } = event;
  return {
    atoken,
    when: Math.floor(whenMs / 1000),
    title,
    status,
    msg: message,
    identity: caller?.name,
    role: caller?.role,
    mode,
    app,
    reason,
    ...contentsOf(event, key),
  };
}

/** Empty for what was sealed with a key that is gone: an erasure that had to preserve something has changed it. */
function contentsOf(event: AuditRecord, key: Buffer | undefined) {
  if (key === undefined) return {};
  try {
    return openPersonal(event, key);
  } catch (error) {
    if (hasCode(error, "open-failed")) return {};
    throw error;
  }
}
