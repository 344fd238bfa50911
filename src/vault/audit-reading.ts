// How the trail is read: as operations, so that whoever looks at events leaves one. A data subject sees those about themselves, the
// auditors all of them; what is personal in an event is opened with the data subject's key, as long as there is one.

import { openPersonal } from "../audit/event.ts";
import type { AuditPersonal, AuditRecord } from "../audit/event.ts";
import type { AuditTrail, Verification } from "../audit/trail.ts";
import type { Caller } from "../callers/caller.ts";
import { LogveilError, hasCode } from "../errors.ts";
import { parseAuditFilter } from "./audit-filter.ts";
import type { AuditQuery } from "./audit-filter.ts";
import { Concealed } from "./concealed.ts";
import { operate } from "./operation.ts";
import { parseUserToken } from "./users/user-directory.ts";
import type { UserDirectory } from "./users/user-directory.ts";

export type AuditReading = {
  /** Events about one user, newest first. Rejects `uuid-invalid`, `filter-invalid`; nobody's events are an empty list. */
  readonly listOf: (
    caller: Caller | undefined,
    userToken: string,
    query: AuditQuery,
  ) => Promise<AuditView>;
  /** All events, newest first. Rejects `filter-invalid`. */
  readonly listAll: (caller: Caller | undefined, query: AuditQuery) => Promise<AuditView>;
  /** What an event changed; empty for one that changed nothing, and when its key is gone. Rejects `uuid-invalid`, `not-found`. */
  readonly find: (
    caller: Caller | undefined,
    atoken: string,
  ) => Promise<Pick<AuditPersonal, "before" | "after">>;
  readonly verify: (caller: Caller | undefined) => Promise<Verification>;
};

export type AuditView = { readonly total: number; readonly rows: readonly AuditRow[] };

/** `who`, where the event has one and it can be opened. */
export type AuditRow = { readonly record: AuditRecord; readonly who: string | undefined };

export type AuditReadingParts = {
  readonly trail: AuditTrail;
  readonly directory: Pick<UserDirectory, "keyOf">;
};

export function createAuditReading({ trail, directory }: AuditReadingParts): AuditReading {
  return {
    listOf: (caller, text, query) => {
      const title = "view audit events";
      return operate(trail, { caller, permission: "audit.own", title }, async ({ about }) => {
        const subject = parseUserToken(text);
        about(subject, await directory.keyOf(subject));
        const page = await trail.list({ ...parseAuditFilter(query), subject });
        return { result: await openRows(directory, page) };
      });
    },
    listAll: (caller, query) => {
      const title = "view audit events";
      return operate(trail, { caller, permission: "audit.read", title }, async () => {
        const page = await trail.list(parseAuditFilter(query));
        return { result: await openRows(directory, page) };
      });
    },
    find: (caller, text) => {
      const title = "view audit event";
      return operate(trail, { caller, permission: "audit.own", title }, async ({ about }) => {
        const record = await trail.find(parseUserToken(text));
        if (record === undefined) throw new LogveilError("not-found");
        const { subject } = record;
        const key = subject === undefined ? undefined : await directory.keyOf(subject);
        if (subject !== undefined) about(subject, key);
        const { before, after } = openUnlessErased(record, key);
        return { result: new Concealed({ before, after }) };
      });
    },
    verify: (caller) => {
      const title = "verify audit trail";
      return operate(trail, { caller, permission: "audit.verify", title }, async () => ({
        result: await trail.verify(),
      }));
    },
  };
}

async function openRows(
  directory: AuditReadingParts["directory"],
  { total, rows }: { readonly total: number; readonly rows: readonly AuditRecord[] },
): Promise<Concealed<AuditView>> {
  const subjects = new Set(rows.flatMap(({ subject }) => subject ?? []));
  const found = [...subjects].map(
    async (subject) => [subject, await directory.keyOf(subject)] as const,
  );
  const keys = new Map(await Promise.all(found));
  const opened = rows.map((record) => {
    const key = record.subject === undefined ? undefined : keys.get(record.subject);
    return { record, who: openUnlessErased(record, key).who };
  });
  return new Concealed({ total, rows: opened });
}

/**
 * Nothing where the key is gone, or is a later one of the same name than that under which the event was sealed: either way, what was
 * in it has been erased. Whether the event was altered is for the chain to tell.
 */
function openUnlessErased(record: AuditRecord, key: Buffer | undefined): AuditPersonal {
  if (key === undefined) return {};
  try {
    return openPersonal(record, key);
  } catch (error) {
    if (hasCode(error, "open-failed")) return {};
    throw error;
  }
}
