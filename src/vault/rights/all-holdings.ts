import type { AuditTrail } from "../../audit/trail.ts";
import type { LogInTokens } from "../../callers/log-in-tokens.ts";
import type { SubjectKeys } from "../../keys/subject-keys.ts";
import type { Documents } from "../../store/documents.ts";
import { createAuditHolding } from "./audit-holding.ts";
import type { ErasureSubject } from "./erasure-receipt.ts";
import type { HoldingPart } from "./holdings.ts";
import {
  createAppsHolding,
  createLinkedSessionsHolding,
  createLogInsHolding,
  createSessionHolding,
  createUserRecordHolding,
} from "./person-holdings.ts";
import type { SessionShelf } from "../sessions/session-shelf.ts";
import type { UserDirectory } from "../users/user-directory.ts";

export type AllHoldingsParts = {
  readonly documents: Documents;
  readonly trail: Pick<AuditTrail, "list">;
  readonly subjects: Pick<SubjectKeys, "find">;
  readonly directory: Pick<UserDirectory, "find" | "keyOf" | "profileOf">;
  readonly sessions: SessionShelf;
  readonly logIns: Pick<LogInTokens, "revokeAll">;
  /** `SharedRecords.holding`. */
  readonly shared: HoldingPart;
  /** Agreements, requests and what else there is of users. */
  readonly others: readonly HoldingPart[];
};

/** Everything that is held of anybody. A part that is not in here is forgotten by exports and by erasures. */
export function createAllHoldings(
  parts: AllHoldingsParts,
): Readonly<Record<ErasureSubject["kind"], readonly HoldingPart[]>> {
  const { documents, trail, subjects, directory, sessions, logIns, shared, others } = parts;
  const alsoKnownAs = async (token: string) =>
    (await sessions.links.linksOf(token)).map(({ session }) => session);
  return {
    user: [
      // First, so that nobody acts as the person while the rest goes.
      createLogInsHolding(logIns),
      createUserRecordHolding(directory, documents),
      createAppsHolding(directory, documents),
      ...others,
      // Both ask which sessions are the person's, so they come before those.
      shared,
      createAuditHolding({ trail, keyOf: directory.keyOf, alsoKnownAs }),
      createLinkedSessionsHolding(sessions),
    ],
    session: [
      createSessionHolding(sessions, documents.commit),
      shared,
      createAuditHolding({ trail, keyOf: (id) => subjects.find(`session:${id}`) }),
    ],
  };
}
