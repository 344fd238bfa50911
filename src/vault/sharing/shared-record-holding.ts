import type { HoldingPart } from "../rights/holdings.ts";
import type { SharedRecordsContext } from "./shared-record-parts.ts";
import type { SharedRecord } from "./shared-record.ts";

/**
 * The shared records of a person, and of the sessions that are linked to them by now: what was shown, by whom and why; never how to
 * open it.
 */
export function createSharedRecordHolding({
  shelf,
  sessions,
  inTurn,
}: SharedRecordsContext): HoldingPart {
  const idsOf = async (subject: string) => {
    const linked = (await sessions.links.linksOf(subject)).map(({ session }) => session);
    const found = await Promise.all([subject, ...linked].map(shelf.idsOf));
    return [...new Set(found.flat())];
  };
  return {
    kind: "shared",
    exportOf: async (subject) => {
      const records = await Promise.all((await idsOf(subject)).map(shelf.find));
      const held = records.filter((record) => record !== undefined).map(presentShared);
      return held.length === 0 ? undefined : held;
    },
    eraseOf: async (subject) => {
      const ids = await idsOf(subject);
      // In turn with uses: one that is under way ends before its key goes, and none begins after it.
      for (const id of ids) await inTurn(id, () => shelf.destroyKey(id));
      const places = await Promise.all(ids.map(shelf.findPlaces));
      const found = places.filter((place) => place !== undefined);
      return { count: found.length, changes: found.flatMap(shelf.removal) };
    },
  };
}

/** A shared record as lists and exports tell of it. Times are unix seconds. */
export type PresentedShared = {
  readonly id: string;
  readonly kind: string;
  readonly token?: string | undefined;
  readonly session?: string | undefined;
  readonly app?: string | undefined;
  readonly fields?: string | undefined;
  readonly creator: string;
  readonly role: string;
  readonly reason?: string | undefined;
  readonly partner?: string | undefined;
  readonly creationtime: number;
  readonly endtime: number;
  readonly usesleft?: number | undefined;
};

export function presentShared(record: SharedRecord): PresentedShared {
  const { id, shown, fields, creator, reason, partner, createdMs, expiresAtMs, usesLeft } = record;
  return {
    id,
    kind: shown.kind,
    token: shown.token,
    session: shown.kind === "session" ? shown.session : undefined,
    app: shown.kind === "app" ? shown.app : undefined,
    fields: fields?.join(","),
    creator: creator.name,
    role: creator.role,
    reason,
    partner,
    creationtime: Math.floor(createdMs / 1000),
    endtime: Math.floor(expiresAtMs / 1000),
    usesleft: usesLeft,
  };
}
