// What is held about a person by parts that are not about holdings: the user record, the apps, the sessions, the log-ins.

import type { LogInTokens } from "../../callers/log-in-tokens.ts";
import type { Change, Documents } from "../../store/documents.ts";
import { Concealed } from "../concealed.ts";
import type { HoldingPart } from "./holdings.ts";
import type { SessionShelf } from "../sessions/session-shelf.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import { appNamesOf, appRemovals, findAppRecord } from "../users/user-app-record.ts";
import { encodeErasedUser } from "../users/user-record.ts";

/** The user record with its entries in the index. The user token stays, as one that is given to nobody again. */
export function createUserRecordHolding(
  directory: Pick<UserDirectory, "find" | "profileOf">,
  documents: Pick<Documents, "find">,
): HoldingPart {
  return {
    kind: "profile",
    exportOf: async (token) => new Concealed<unknown>(await directory.profileOf(token)),
    eraseOf: async (token) => {
      const user = await directory.find(token);
      if (user === undefined || user.isErased) return { count: 0 };
      const changes: Change[] = [{ table: "user", key: token, value: encodeErasedUser(user) }];
      for (const key of user.indexKeys) {
        const owner = await documents.find("userIndex", key);
        // After a crash somebody else may have taken the e-mail address meanwhile.
        if (owner !== undefined && Buffer.from(owner).toString() === token)
          changes.push({ table: "userIndex", key, value: undefined });
      }
      return { count: 1, changes };
    },
  };
}

/** The apps of a person, by name. */
export function createAppsHolding(
  directory: Pick<UserDirectory, "find" | "keyOf">,
  documents: Documents,
): HoldingPart {
  return {
    kind: "apps",
    exportOf: async (token) => {
      const user = await directory.find(token);
      const key = await directory.keyOf(token);
      if (user === undefined || key === undefined) return undefined;
      const names = await appNamesOf(documents, token);
      const records = await Promise.all(
        names.map(async (app) => {
          const place = { token, generation: user.generation, app };
          return [app, await findAppRecord(documents, place, key)] as const;
        }),
      );
      return records.length === 0 ? undefined : new Concealed(Object.fromEntries(records));
    },
    eraseOf: async (token) => ({
      count: (await appNamesOf(documents, token)).length,
      changes: await appRemovals(documents, token),
    }),
  };
}

/** The sessions that are linked to a person. */
export function createLinkedSessionsHolding(
  sessions: Pick<SessionShelf, "links" | "findOf" | "eraseSessionsOf">,
): HoldingPart {
  return {
    kind: "sessions",
    exportOf: async (token) => {
      const links = await sessions.links.linksOf(token);
      const found = await Promise.all(
        links.map(({ kind, session }) => sessions.findOf(kind, session)),
      );
      const held = found.filter((session) => session !== undefined);
      return held.length === 0 ? undefined : Concealed.all(held);
    },
    eraseOf: async (token) => {
      let count = 0;
      for (;;) {
        const erased = await sessions.eraseSessionsOf(token);
        if (erased.length === 0) return { count };
        count += erased.length;
      }
    },
  };
}

/** One session, of somebody who never logged in: all that lies under its id. */
export function createSessionHolding(
  sessions: Pick<SessionShelf, "findOf" | "removalOf" | "finishRemoval" | "stored">,
  commit: (changes: Awaited<ReturnType<SessionShelf["removalOf"]>>) => Promise<void>,
): HoldingPart {
  const kinds = ["stored", "proxied"] as const;
  const findAll = async (id: string) => {
    const found = await Promise.all(kinds.map((kind) => sessions.findOf(kind, id)));
    return found.filter((session) => session !== undefined);
  };
  return {
    kind: "sessions",
    exportOf: async (id) => {
      const held = await findAll(id);
      return held.length === 0 ? undefined : Concealed.all(held);
    },
    eraseOf: (id) =>
      // Committed here, within the session's turn: nobody stores it anew between its rows and its key.
      sessions.stored.inTurn(id, async () => {
        const changes = await sessions.removalOf(id);
        await commit(changes);
        await sessions.finishRemoval(id);
        return { count: 1 };
      }),
  };
}

/** The access tokens of a person who has logged in. They are random and open nothing else, so an export leaves them out. */
export function createLogInsHolding(logIns: Pick<LogInTokens, "revokeAll">): HoldingPart {
  return {
    kind: "logins",
    exportOf: () => Promise.resolve(undefined),
    eraseOf: async (token) => ({ count: await logIns.revokeAll(token) }),
  };
}
