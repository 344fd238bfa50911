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

/** What the trail counts and lists in one go. */
const SLICE = 10_000;

/** The events about a person, with their contents opened. An erasure leaves them, so that the chain holds, and makes the contents unreadable. */
export function createAuditHolding(parts: AuditHoldingParts): HoldingPart {
  const { trail, keyOf, alsoKnownAs } = parts;
  return {
    kind: "audit",
    exportOf: async (subject) => {
      const key = await keyOf(subject);
      const subjects = [subject, ...((await alsoKnownAs?.(subject)) ?? [])];
      const events: AuditRecord[] = [];
      for (const name of subjects) events.push(...(await eventsOf(trail, name)));
      const ordered = events.toSorted((one, other) => one.sequence - other.sequence);
      return ordered.length === 0
        ? undefined
        : new Concealed(ordered.map((event) => presentEvent(event, key)));
    },
    eraseOf: async (subject) => ({
      count: (await trail.list({ subject, offset: 0, limit: 1 })).total,
    }),
  };
}

/** Newest first; those of the oldest millisecond of a slice come again with the next one, and are taken once. */
async function eventsOf(
  trail: AuditHoldingParts["trail"],
  subject: string,
): Promise<readonly AuditRecord[]> {
  const events = new Map<number, AuditRecord>();
  let toMs: number | undefined;
  for (;;) {
    const { rows } = await trail.list({ subject, toMs, offset: 0, limit: SLICE });
    const known = events.size;
    for (const row of rows) events.set(row.sequence, row);
    const last = rows.at(-1);
    if (last === undefined || rows.length < SLICE || events.size === known)
      return [...events.values()];
    toMs = last.whenMs + 1;
  }
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
