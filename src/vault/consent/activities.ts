// What the organisation does with data of people: its processing activities (GDPR article 30), and on which legal bases each rests.
// Nothing here is about one person, so nothing is sealed.

import type { AuditTrail } from "../../audit/trail.ts";
import type { Caller } from "../../callers/caller.ts";
import type { Clock } from "../../clock.ts";
import { LogveilError } from "../../errors.ts";
import type { Change, Documents } from "../../store/documents.ts";
import { findBrief, titleFor } from "./brief.ts";
import { textOf } from "../fields.ts";
import type { Fields, ReadFields } from "../fields.ts";
import type { LegalBases } from "./legal-bases.ts";
import { shownBasis } from "./legal-basis.ts";
import type { LegalBasis, StoredBasis } from "./legal-basis.ts";
import { operate } from "../operation.ts";
import { createTurns } from "../turns.ts";

/** A processing activity as the dialect shows it. */
export type ActivityView = {
  readonly activity: string;
  readonly applicableto: string;
  /** Null without any, as the dialect has it. */
  readonly briefs: readonly LegalBasis[] | null;
  readonly creationtime: number;
  readonly fulldesc: string;
  /** The briefs, with commas between them. */
  readonly legalbasis?: string;
  readonly script: string;
  readonly title: string;
};

type Activity = Omit<ActivityView, "briefs" | "legalbasis"> & {
  /** Ids of the legal bases, which stay when one is renamed. */
  readonly bases: readonly string[];
};

type Asked = { readonly caller: Caller | undefined; readonly activity: string };
type AskedBrief = Asked & { readonly brief: string };

/** Everything rejects `access-denied` first, then `activity-invalid`; and `audit-unavailable` in an outage. */
export type Activities = {
  readonly list: (caller: Caller | undefined) => Promise<readonly ActivityView[]>;
  /** Creates or changes; legal bases stay when `legalbasis` is not given. Rejects `limit-reached`, and `not-found` for an unknown brief. */
  readonly put: (asked: Asked & { readonly fields: ReadFields }) => Promise<void>;
  /** Resolves also when there is none. */
  readonly remove: (asked: Asked) => Promise<void>;
  /** Reject `brief-invalid`, `not-found` for an unknown brief, `activity-unknown`. */
  readonly link: (asked: AskedBrief) => Promise<void>;
  readonly unlink: (asked: AskedBrief) => Promise<void>;
};

export type ActivitiesParts = {
  readonly documents: Documents;
  readonly trail: AuditTrail;
  readonly clock: Clock;
  readonly bases: Pick<LegalBases, "all" | "find">;
};

const MAX_ACTIVITIES = 1000;
const TURN = "activities";

export function createActivities(parts: ActivitiesParts): Activities {
  const { documents, trail } = parts;
  const inTurn = createTurns();
  const change = (
    { caller, activity }: Asked,
    title: string,
    run: (activity: string) => Promise<readonly Change[]>,
  ) => {
    const named = titleFor(title, activity);
    const operation = { caller, permission: "consent.manage", title: named } as const;
    return operate(trail, operation, async ({ hold }) => {
      const name = findBrief(activity);
      if (name === undefined) throw new LogveilError("activity-invalid");
      await hold((act) => inTurn(TURN, act));
      return { result: undefined, changes: await run(name) };
    });
  };
  const relink =
    (title: string, basesWith: (bases: readonly string[], id: string) => readonly string[]) =>
    (asked: AskedBrief) =>
      change(asked, title, async (name) => {
        const { id } = await requireBasis(parts, asked.brief);
        const activity = await findActivity(documents, name);
        if (activity === undefined) throw new LogveilError("activity-unknown");
        return [activityChange({ ...activity, bases: basesWith(activity.bases, id) })];
      });
  return {
    list: (caller) => {
      const title = "get processing activities";
      return operate(trail, { caller, permission: "consent.list", title }, async () => ({
        result: await listActivities(parts),
      }));
    },
    put: (asked) =>
      change(asked, "change processing activity", async (name) =>
        putActivity(parts, name, (await asked.fields()) ?? {}),
      ),
    remove: (asked) =>
      change(asked, "delete processing activity", (name) =>
        Promise.resolve([{ table: "activity", key: name, value: undefined }]),
      ),
    link: relink("link legal basis to processing activity", (bases, id) =>
      bases.includes(id) ? bases : [...bases, id],
    ),
    unlink: relink("unlink legal basis from processing activity", (bases, id) =>
      bases.filter((linked) => linked !== id),
    ),
  };
}

async function listActivities({ documents, bases }: ActivitiesParts) {
  const known = new Map((await bases.all()).map((basis) => [basis.id, basis]));
  const stored = await documents.list("activity", { limit: MAX_ACTIVITIES });
  return stored.map(({ value }) => shownActivity(decodeActivity(value), known));
}

function shownActivity(
  { bases, ...activity }: Activity,
  known: ReadonlyMap<string, StoredBasis>,
): ActivityView {
  const linked = bases
    .map((id) => known.get(id))
    .filter((basis) => basis !== undefined && !basis.isRemoved) as readonly StoredBasis[]; // just filtered
  if (linked.length === 0) return { ...activity, briefs: null };
  const legalbasis = linked.map(({ brief }) => brief).join(",");
  return { ...activity, briefs: linked.map(shownBasis), legalbasis };
}

async function putActivity(
  parts: ActivitiesParts,
  name: string,
  fields: Fields,
): Promise<readonly Change[]> {
  const { documents, clock } = parts;
  const known = await findActivity(documents, name);
  if (known === undefined) {
    const stored = await documents.list("activity", { limit: MAX_ACTIVITIES });
    if (stored.length >= MAX_ACTIVITIES) throw new LogveilError("limit-reached");
  }
  const activity = {
    activity: name,
    applicableto: textOf(fields, "applicableto"),
    creationtime: known?.creationtime ?? Math.floor(clock.now() / 1000),
    fulldesc: textOf(fields, "fulldesc"),
    script: textOf(fields, "script"),
    title: textOf(fields, "title"),
    bases: (await statedBases(parts, textOf(fields, "legalbasis"))) ?? known?.bases ?? [],
  };
  return [activityChange(activity)];
}

async function statedBases(
  parts: ActivitiesParts,
  text: string,
): Promise<readonly string[] | undefined> {
  if (text === "") return undefined;
  const ids = new Set<string>();
  for (const brief of text.split(",")) ids.add((await requireBasis(parts, brief.trim())).id);
  return [...ids];
}

async function requireBasis({ bases }: ActivitiesParts, text: string): Promise<StoredBasis> {
  const brief = findBrief(text);
  if (brief === undefined) throw new LogveilError("brief-invalid");
  const basis = await bases.find(brief);
  if (basis === undefined) throw new LogveilError("not-found");
  return basis;
}

async function findActivity(documents: Documents, name: string): Promise<Activity | undefined> {
  const value = await documents.find("activity", name);
  return value === undefined ? undefined : decodeActivity(value);
}

function activityChange(activity: Activity): Change {
  const value = Buffer.from(JSON.stringify({ version: 1, ...activity }));
  return { table: "activity", key: activity.activity, value };
}

function decodeActivity(value: Uint8Array): Activity {
  // Written by `activityChange` and by nobody else.
  const { version, ...activity } = JSON.parse(Buffer.from(value).toString("utf8"));
  if (version !== 1) throw new TypeError("an activity of another version");
  return activity;
}
