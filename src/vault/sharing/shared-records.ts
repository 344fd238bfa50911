// Temporary identities: somebody who may see a person or a session lets somebody else see a part of it, for a time, by a random UUID
// (the bearer token). Who has it needs nothing else; so it is told once, kept nowhere, and named in lists and in the audit trail by a MAC
// of it. Each record is sealed under a key of its own that dies when the record expires, is used up or revoked, or its person erased.

import type { Caller } from "../../callers/caller.ts";
import { LogveilError } from "../../errors.ts";
import { Concealed } from "../concealed.ts";
import type { HoldingPart } from "../rights/holdings.ts";
import { operate } from "../operation.ts";
import { shareSession, shareUser } from "./shared-record-creation.ts";
import type { ShareRequest, ShareSessionRequest } from "./shared-record-creation.ts";
import { createSharedRecordHolding } from "./shared-record-holding.ts";
import { openShared } from "./shared-record-opening.ts";
import type { SharedView } from "./shared-record-opening.ts";
import { endingOf } from "./shared-record-parts.ts";
import type { SharedRecordsContext, SharedRecordsParts } from "./shared-record-parts.ts";
import { createSharedRecordShelf } from "./shared-record-shelf.ts";
import type { SharedRecordPage } from "./shared-record-shelf.ts";
import { findRecordId } from "./shared-record.ts";
import { createTurns } from "../turns.ts";

export type SharedRecords = {
  /** A profile, an app or a session of a user record. Resolves the bearer token. */
  readonly shareUser: (request: ShareRequest) => Promise<string>;
  /** A session, linked or anonymous. Resolves the bearer token. */
  readonly shareSession: (request: ShareSessionRequest) => Promise<string>;
  /**
   * Open to everybody. Rejects `access-denied` for what is unknown, expired, used up, revoked or restricted alike, `uuid-invalid` for no
   * UUID, `not-found` when the app or the session behind a live record is gone.
   */
  readonly open: (caller: Caller | undefined, bearer: string) => Promise<SharedView>;
  /** What is shared now, newest first. */
  readonly list: (
    caller: Caller | undefined,
    page: { readonly offset: number; readonly limit: number },
  ) => Promise<SharedRecordPage>;
  /** By bearer token or by id. Rejects `not-found`: who takes something back must know that it was there. */
  readonly revoke: (caller: Caller | undefined, bearerOrId: string) => Promise<void>;
  /** Removes what has expired at `nowMs`; the keys are the keyring's to sweep. Resolves how many. */
  readonly sweep: (nowMs: number) => Promise<number>;
  /** Of users and of sessions. For users it comes before the sessions' own, as it asks for their links. */
  readonly holding: HoldingPart;
};

/** Owns nothing that has to be closed. */
export function createSharedRecords(parts: SharedRecordsParts): SharedRecords {
  const shelf = createSharedRecordShelf({
    documents: parts.documents,
    subjects: parts.keyring.subjects,
    nowMs: parts.clock.now,
  });
  const context = { ...parts, shelf, inTurn: createTurns(), inSubjectTurn: parts.inTurn };
  return {
    shareUser: (request) => shareUser(context, request),
    shareSession: (request) => shareSession(context, request),
    open: (caller, bearer) => openShared(context, caller, bearer),
    list: (caller, page) => {
      const permission = "shared.list";
      const operation = { caller, permission, title: "get shareable records" } as const;
      return operate(parts.trail, operation, async () => ({
        result: new Concealed(await shelf.list(page)),
      }));
    },
    revoke: (caller, bearerOrId) => revoke(context, caller, bearerOrId),
    sweep: (nowMs) => sweep(context, nowMs),
    holding: createSharedRecordHolding(context),
  };
}

function revoke(
  parts: SharedRecordsContext,
  caller: Caller | undefined,
  bearerOrId: string,
): Promise<void> {
  const { trail, shelf, inTurn, keyring } = parts;
  const permission = "shared.revoke";
  const operation = { caller, permission, title: "revoke shareable record" } as const;
  return operate(trail, operation, async ({ about, hold }) => {
    const ofBearer = findRecordId(keyring.callersKey, bearerOrId);
    if (ofBearer === undefined) throw new LogveilError("uuid-invalid");
    const ids = [bearerOrId.toLowerCase(), ofBearer];
    await hold((act) => inTurn(ids, act));
    const candidates = await Promise.all(ids.map(shelf.findPlaces));
    const places = candidates.find((found) => found !== undefined);
    if (places === undefined) throw new LogveilError("not-found");
    about(places.subjects[0] ?? places.id);
    return { result: undefined, message: places.id, ...endingOf(parts, places) };
  });
}

async function sweep(
  { documents, shelf, inTurn }: SharedRecordsContext,
  nowMs: number,
): Promise<number> {
  let count = 0;
  for (;;) {
    const expired = await shelf.expired(nowMs);
    if (expired.length === 0) return count;
    const ids = expired.map(({ id }) => id);
    // In turn with uses: one that began in time must not put back what is removed here.
    await inTurn(ids, async () => {
      const places = await Promise.all(ids.map(shelf.findPlaces));
      const changes = places.flatMap((found) => (found === undefined ? [] : shelf.removal(found)));
      await documents.commit([...changes, ...expired.map(({ removal }) => removal)]);
    });
    count += ids.length;
  }
}
