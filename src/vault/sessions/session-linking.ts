// What the data plane says about whose its sessions are, taken into the vault: each link is one event in the audit trail, stored in
// one batch with it, and what arrives while a write is under way goes into the next one.

import type { AuditTrail } from "../../audit/trail.ts";
import { UPSTREAM } from "../../callers/caller.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Metrics } from "../../metrics.ts";
import type { Clock } from "../../clock.ts";
import type { SessionLinks } from "../../token/session-links.ts";
import { epochOfSession } from "./session-links.ts";
import type { SessionShelf } from "./session-shelf.ts";
import { createTurns } from "../turns.ts";
import type { UserDirectory } from "../users/user-directory.ts";

export type SessionLinkingParts = {
  readonly trail: Pick<AuditTrail, "append">;
  readonly sessions: Pick<SessionShelf, "links" | "eraseSessionsOf">;
  readonly directory: Pick<UserDirectory, "keyOf">;
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
  const { metrics } = parts;
  const inTurn = createTurns();
  let underWay = 0;
  const tryLink = async (session: string, userToken: string): Promise<Result> => {
    if (underWay >= MAX_UNDER_WAY) return "refused";
    underWay += 1;
    try {
      return await inTurn(session, () => link(parts, session, userToken));
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

async function link(
  { trail, sessions, directory, keyring, clock }: SessionLinkingParts,
  session: string,
  userToken: string,
): Promise<Result> {
  const { links, eraseSessionsOf } = sessions;
  const key = await directory.keyOf(userToken);
  if (key === undefined) return "unknown_user";
  // The first person named has it: the record shows how they came, and must not be listed as another's.
  if ((await links.findOwner("proxied", session)) !== undefined) return "known";
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
  // SECURITY: the person may have been erased meanwhile, and their sessions before this one was among them.
  if ((await directory.keyOf(userToken)) === undefined) await eraseSessionsOf(userToken);
  return "linked";
}
