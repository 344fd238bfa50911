// What the bearer of a shared record gets, and what that leaves of the record.

import type { Caller } from "../../callers/caller.ts";
import { LogveilError } from "../../errors.ts";
import type { Change } from "../../store/documents.ts";
import { Concealed } from "../concealed.ts";
import { selectFields } from "./field-selection.ts";
import { operate } from "../operation.ts";
import { endingOf, findAppOf, findKeyOf, isAnyRestricted } from "./shared-record-parts.ts";
import type { SharedRecordsContext } from "./shared-record-parts.ts";
import { findRecordId } from "./shared-record.ts";
import type { SharedRecord } from "./shared-record.ts";

/** What a bearer sees. */
export type SharedView = {
  readonly app?: string;
  readonly session?: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/**
 * Counts the use and shows what is shared. Rejects `access-denied` for what is unknown, expired, used up, revoked or restricted alike,
 * `uuid-invalid` for what is no UUID, `not-found` when the app or the session behind a live record is gone.
 */
export function openShared(
  parts: SharedRecordsContext,
  caller: Caller | undefined,
  bearer: string,
): Promise<SharedView> {
  const id = findRecordId(parts.keyring.callersKey, bearer);
  const title = "get shareable record by token";
  // SECURITY: the fingerprint, never the bearer token: who reads the trail must not be able to open what was shared.
  const operation = { caller, permission: undefined, title, mode: "record", who: id } as const;
  return operate(parts.trail, operation, async ({ about, hold }) => {
    if (id === undefined) throw new LogveilError("uuid-invalid");
    // One use at a time, event and count included, so that a record for one use has one.
    await hold((act) => parts.inTurn(id, act));
    const record = await parts.shelf.find(id);
    if (record === undefined) throw new LogveilError("access-denied");
    about(record.subjects[0] ?? id, await findKeyOf(parts, record.shown));
    if (await isAnyRestricted(parts, record.subjects)) throw new LogveilError("access-denied");
    const result = await show(parts, record);
    return { result, message: id, ...(await countUse(parts, record)) };
  });
}

async function show(
  parts: SharedRecordsContext,
  { shown, fields, creator }: SharedRecord,
): Promise<Concealed<SharedView>> {
  const narrow = (data: SharedView["data"]) =>
    fields === undefined ? data : selectFields(fields, data, shown.token);
  switch (shown.kind) {
    case "profile": {
      const profile = await parts.directory.profileOf(shown.token);
      if (profile === undefined) throw new LogveilError("access-denied");
      return new Concealed({ data: narrow(profile) });
    }
    case "app": {
      const data = await findAppOf(parts, shown.token, shown.app);
      if (data === undefined) throw new LogveilError("not-found");
      return new Concealed({ app: shown.app, data: narrow(data) });
    }
    case "session": {
      const { session } = shown;
      const found = await parts.sessions.find(session);
      if (found === undefined) throw new LogveilError("not-found");
      const graded = found.open().map((view) => parts.viewFor(creator.role, view));
      return graded.map(({ data }) => ({ session, data: narrow(data) }));
    }
  }
}

type Use = {
  readonly changes?: readonly Change[];
  readonly finish?: () => Promise<void>;
};

async function countUse(parts: SharedRecordsContext, record: SharedRecord): Promise<Use> {
  const { usesLeft } = record;
  if (usesLeft === undefined) return {};
  if (usesLeft > 1)
    return { changes: await parts.shelf.storing({ ...record, usesLeft: usesLeft - 1 }) };
  return endingOf(parts, record);
}
