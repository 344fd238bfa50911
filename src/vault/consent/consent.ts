// Consent and what comes with it, put together: legal bases, agreements, processing activities, requests of data subjects, the expiration of
// users. In two steps, because users stand between them: they hand requests in (`desk`), are followed by agreements, and take along
// what is held here (`holdings`); and an approved request changes users.

import type { KeyObject } from "node:crypto";
import type { AuditTrail } from "../../audit/trail.ts";
import type { Clock } from "../../clock.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Documents } from "../../store/documents.ts";
import { createActivities } from "./activities.ts";
import type { Activities } from "./activities.ts";
import { createAgreementFollower, createAgreementHolding } from "./agreement-following.ts";
import { createAgreementShelf } from "./agreement-shelf.ts";
import type { AgreementShelf } from "./agreement-shelf.ts";
import { createAgreements } from "./agreements.ts";
import type { Agreements } from "./agreements.ts";
import { createAnonymousRate } from "./anonymous-rate.ts";
import type { HoldingPart } from "../rights/holdings.ts";
import { openLegalBases } from "./legal-bases.ts";
import type { LegalBases } from "./legal-bases.ts";
import { createOriginals, createRequestActions } from "./request-actions.ts";
import { createRequestDesk } from "./request-desk.ts";
import type { RequestDesk } from "./request-desk.ts";
import { createRequestHolding } from "./request-holding.ts";
import { createRequests } from "./requests.ts";
import type { Requests } from "./requests.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import type { UserErasure } from "../users/user-erasure.ts";
import { createUserExpiration } from "./user-expiration.ts";
import type { UserExpiration } from "./user-expiration.ts";
import { createExpiryHolding, createUserExpirySweep } from "./user-expiry-sweep.ts";
import { createUserExpiryTable } from "./user-expiry.ts";
import type { UserExpiryTable } from "./user-expiry.ts";
import type { UserFollower } from "../users/user-follower.ts";
import type { UserIndex } from "../users/user-index.ts";
import type { UserExpiryOf } from "../users/user-list.ts";
import type { UserParts } from "../users/user-parts.ts";
import type { UserRecords } from "../users/user-records.ts";
import { createRequestTable } from "./user-request.ts";
import type { RequestTable } from "./user-request.ts";

export type ConsentRecordsParts = {
  readonly documents: Documents;
  readonly trail: AuditTrail;
  readonly clock: Clock;
  readonly subjects: Keyring["subjects"];
  readonly directory: UserDirectory;
  readonly index: UserIndex;
};

/** What users need, and the second step. */
export type ConsentRecords = {
  readonly desk: RequestDesk;
  readonly follower: UserFollower;
  readonly holdings: readonly HoldingPart[];
  readonly expiryOf: UserExpiryOf;
  readonly legalBases: LegalBases;
  readonly shelf: AgreementShelf;
  readonly requestTable: RequestTable;
  readonly expiryTable: UserExpiryTable;
};

export type ConsentParts = ConsentRecordsParts & {
  readonly inTurn: UserParts["inTurn"];
  readonly notify: UserParts["notify"];
  readonly records: UserRecords;
  readonly erasure: UserErasure;
  /** `keyring.callersKey`. */
  readonly tokenKey: KeyObject;
};

export type Consent = {
  readonly legalBases: LegalBases;
  readonly agreements: Agreements;
  readonly activities: Activities;
  readonly requests: Requests;
  readonly expiration: UserExpiration;
  /** Removes agreements under addresses that have expired, and erases users whose time has come at `nowMs`. */
  readonly sweep: (nowMs: number) => Promise<void>;
};

const DAY_MS = 86_400_000;
/** How long what was agreed under an address waits for a user record. */
export const MAX_ANONYMOUS_MS = 31 * DAY_MS;
/** Default and cap of the time that a user record waits to expire: three months, as Databunker ships. */
export const MAX_USER_EXPIRATION_MS = 93 * DAY_MS;
/** One a second: more than a form for newsletters gets, and 14 MB of keys until they expire. */
const MAX_ANONYMOUS_PER_HOUR = 3600;

/** Writes the built-in legal bases into a store that has never had them. */
export async function openConsentRecords(parts: ConsentRecordsParts): Promise<ConsentRecords> {
  const { documents } = parts;
  const legalBases = await openLegalBases(parts);
  const shelf = createAgreementShelf({ ...parts, maxAnonymousMs: MAX_ANONYMOUS_MS });
  const requestTable = createRequestTable(documents);
  const expiryTable = createUserExpiryTable(documents);
  const agreed = { ...parts, bases: legalBases, shelf };
  const requested = { ...parts, table: requestTable };
  return {
    desk: createRequestDesk({ ...requested, findOriginal: createOriginals(agreed) }),
    follower: createAgreementFollower(agreed),
    holdings: [
      createAgreementHolding(agreed),
      createRequestHolding(requested),
      createExpiryHolding(expiryTable),
    ],
    expiryOf: async (token) => {
      const expiry = await expiryTable.find(token);
      return expiry && { endtime: expiry.exptime, expstatus: expiry.expstatus };
    },
    legalBases,
    shelf,
    requestTable,
    expiryTable,
  };
}

export function createConsent(
  { desk, legalBases, shelf, requestTable, expiryTable }: ConsentRecords,
  parts: ConsentParts,
): Consent {
  const agreed = { ...parts, bases: legalBases, shelf };
  const actions = createRequestActions(agreed);
  const { eraseUser } = actions;
  const { requestWithdrawal } = desk;
  const rate = createAnonymousRate(parts.clock, MAX_ANONYMOUS_PER_HOUR);
  const expiring = { ...parts, table: expiryTable, eraseUser, maxMs: MAX_USER_EXPIRATION_MS };
  const sweepUsers = createUserExpirySweep(expiring);
  return {
    legalBases,
    agreements: createAgreements({ ...agreed, rate, requestWithdrawal }),
    activities: createActivities(agreed),
    requests: createRequests({ ...parts, table: requestTable, actions }),
    expiration: createUserExpiration(expiring),
    sweep: async (nowMs) => {
      await shelf.sweep(nowMs);
      await sweepUsers(nowMs);
    },
  };
}
