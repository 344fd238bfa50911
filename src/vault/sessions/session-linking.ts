// What the data plane says about whose its sessions are, taken into the vault: each link is one event in the audit trail, stored in
// one batch with it, and what arrives while a write is under way goes into the next one.

import { LRUCache } from "lru-cache";
import type { AuditTrail } from "../../audit/trail.ts";
import { UPSTREAM } from "../../callers/caller.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Metrics } from "../../metrics.ts";
import type { Clock } from "../../clock.ts";
import type { SessionLinks } from "../../token/session-links.ts";
import { epochOfSession } from "./session-links.ts";
import type { SessionShelf } from "./session-shelf.ts";
import { sessionTurn } from "./session-turn.ts";
import type { TakeTurn } from "../turns.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import { userTurn } from "../users/user-turn.ts";

export type SessionLinkingParts = {
  readonly trail: Pick<AuditTrail, "append">;
  readonly sessions: Pick<SessionShelf, "links">;
  readonly directory: Pick<UserDirectory, "keyOf">;
  /** The same as for users. */
  readonly inTurn: TakeTurn;
  readonly keyring: Pick<Keyring, "epochs">;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "sessionLinks">;
};

/** Links under way; more are refused, and said again by the session's next answer. */
const MAX_UNDER_WAY = 1000;

/** What became of a link; the label of the metric. */
type Result = "linked" | "known" | "unknown_user" | "expired" | "refused" | "failed";

/** The vault's side of the seam. Owns nothing. */
export function createSessionLinking(parts: SessionLinkingParts): SessionLinks {
  const { metrics, inTurn } = parts;
  const counts = createLinkCounts(parts);
  let underWay = 0;
  const tryLink = async (session: string, userToken: string): Promise<Result> => {
    if (underWay >= MAX_UNDER_WAY) return "refused";
    underWay += 1;
    try {
      // SECURITY: the person's too, so that an erasure comes before the link is looked into, or finds it stored.
      const turns = [userTurn(userToken), sessionTurn(session)];
      return await inTurn(turns, () => link(parts, counts, session, userToken));
    } catch {
      // An outage of store or trail, which have said so themselves. The proxy goes on.
      return "failed";
    } finally {
      underWay -= 1;
    }
  };
  return {
    link: async (session, userToken) => {
      const result = await tryLink(session, userToken);
      metrics.sessionLinks.inc({ result });
      return result === "linked" || result === "known";
    },
  };
}

/**
 * How many sessions each person has. SECURITY: erasing one costs the more, the more of its epoch are erased, so nobody may gather any number.
 */
type LinkCounts = {
  readonly isFull: (userToken: string) => Promise<boolean>;
  readonly add: (userToken: string) => void;
};

/** Of the proxy's sessions that live; one that is refused stays a session of nobody. */
const MAX_LINKS = 1000;
const MAX_COUNTED = 10_000;
/** Links that go meanwhile are not counted, which can only make a person's look too many. */
const RECOUNT_MS = 60_000;

function createLinkCounts({ sessions, clock }: SessionLinkingParts): LinkCounts {
  const counted = new LRUCache<string, { count: number; readonly atMs: number }>({
    max: MAX_COUNTED,
  });
  return {
    isFull: async (userToken) => {
      let known = counted.get(userToken);
      if (known === undefined || clock.monotonic() - known.atMs > RECOUNT_MS) {
        const count = await sessions.links.countProxiedOf(userToken, MAX_LINKS);
        counted.set(userToken, (known = { count, atMs: clock.monotonic() }));
      }
      return known.count >= MAX_LINKS;
    },
    add: (userToken) => {
      const known = counted.get(userToken);
      if (known !== undefined) known.count += 1;
    },
  };
}

async function link(
  { trail, sessions, directory, keyring, clock }: SessionLinkingParts,
  counts: LinkCounts,
  session: string,
  userToken: string,
): Promise<Result> {
  const { links } = sessions;
  const key = await directory.keyOf(userToken);
  if (key === undefined) return "unknown_user";
  // The first person named has it: the record shows how they came, and must not be listed as another's.
  if ((await links.findOwner("proxied", session)) !== undefined) return "known";
  if (await counts.isFull(userToken)) return "refused";
  const epoch = epochOfSession(session);
  const expiresAtMs = keyring.epochs().find((status) => status.epoch === epoch)?.expiresAtMs;
  if (expiresAtMs === undefined || expiresAtMs <= clock.now()) return "expired";
  const sessionLink = { kind: "proxied", session, linkedAtMs: clock.now(), expiresAtMs } as const;
  const event = {
    title: "link session",
    status: "ok",
    caller: UPSTREAM,
    subject: userToken,
    personal: { who: session },
    sealWith: key,
  } as const;
  await trail.append(event, await links.linking(sessionLink, userToken));
  counts.add(userToken);
  return "linked";
}
