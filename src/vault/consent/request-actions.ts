import { LogveilError } from "../../errors.ts";
import { shownAgreement } from "./agreement.ts";
import { withdraw } from "./agreement-writing.ts";
import type { AgreementWritingParts } from "./agreement-writing.ts";
import type { LegalBases } from "./legal-bases.ts";
import { findPatched } from "../users/record-patch.ts";
import type { RecordPatch } from "../users/record-patch.ts";
import type { FindOriginal } from "./request-desk.ts";
import type { RequestActions } from "./requests.ts";
import { appChanges, findAppRecord } from "../users/user-app-record.ts";
import type { UserErasure } from "../users/user-erasure.ts";
import type { Hold, UserParts } from "../users/user-parts.ts";
import { requireUnrestricted } from "../users/user-records.ts";
import type { UserRecords } from "../users/user-records.ts";
import { userTurn } from "../users/user-turn.ts";

export type RequestActionsParts = Pick<UserParts, "documents" | "directory"> &
  AgreementWritingParts & {
    readonly bases: Pick<LegalBases, "find">;
    readonly records: Pick<UserRecords, "draftChange" | "change">;
    readonly erasure: Pick<UserErasure, "prepare" | "finish">;
  };

/** What an approval does: the same as if the data subject had been allowed to do it alone. */
export function createRequestActions(parts: RequestActionsParts): RequestActions {
  const { documents, records } = parts;
  return {
    eraseUser: createUserEraser(parts.erasure),
    applyProfileChange: async (token, change, hold) => {
      const draft = await records.draftChange(token, change as RecordPatch, hold); // sealed as one
      const { before, after } = draft;
      return { changes: await records.change(draft, hold), personal: { before, after } };
    },
    applyAppChange: async (token, { app, patch }, hold) => {
      const { generation, key } = await holdUser(parts, token, hold);
      await requireUnrestricted(parts, token);
      const place = { token, generation, app };
      const before = await findAppRecord(documents, place, key);
      if (before === undefined) throw new LogveilError("app-missing");
      const after = findPatched(before, patch as RecordPatch); // sealed as one
      if (after === undefined) throw new LogveilError("app-patch-failed");
      return { changes: appChanges(place, after, key), personal: { before, after } };
    },
    withdraw: async (token, brief, hold) => {
      const { key } = await holdUser(parts, token, hold);
      const basis = await parts.bases.find(brief);
      if (basis === undefined) throw new LogveilError("basis-missing");
      const place = parts.shelf.placeOfUser(basis, token, key);
      const identity = { mode: "token", id: token } as const;
      return withdraw(parts, place, basis, { identity, token, lastmodifiedby: "admin" });
    },
  };
}

/** For approved requests, and for users whose time has come. */
export function createUserEraser(
  erasure: RequestActionsParts["erasure"],
): RequestActions["eraseUser"] {
  return async (token, hold) => ({
    changes: await erasure.prepare(token, hold),
    finish: () => erasure.finish(token),
  });
}

/** The record as it is, kept with a request for whoever decides about it. */
export function createOriginals(
  parts: Pick<RequestActionsParts, "documents" | "directory" | "bases" | "shelf" | "clock">,
): FindOriginal {
  const { documents, directory, bases, shelf, clock } = parts;
  return async (token, { action, app, brief }) => {
    if (action === "forget-me" || action === "change-profile") return directory.profileOf(token);
    const user = await directory.find(token);
    const key = await directory.keyOf(token);
    if (user === undefined || key === undefined) return undefined;
    if (app !== undefined)
      return findAppRecord(documents, { token, generation: user.generation, app }, key);
    const basis = brief === undefined ? undefined : await bases.find(brief);
    const agreement = basis && (await shelf.find(shelf.placeOfUser(basis, token, key)));
    return agreement && basis && shownAgreement(agreement, basis, { token, nowMs: clock.now() });
  };
}

async function holdUser(
  { directory }: RequestActionsParts,
  token: string,
  hold: Hold,
): Promise<{ readonly generation: number; readonly key: Buffer }> {
  await hold(userTurn(token));
  const user = await directory.find(token);
  const key = await directory.keyOf(token);
  if (user === undefined || key === undefined) throw new LogveilError("not-found");
  return { generation: user.generation, key };
}
