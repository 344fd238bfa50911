// Where sessions lie, whoever made them and whoever they belong to: one place to find one under its id, and to erase those of a person.
// It conceals what it opens, and tells nobody: that is for the operations of the vault.

import type { Clock } from "../../clock.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Change } from "../../store/documents.ts";
import type { Store } from "../../store/store.ts";
import { findSessionToken } from "../../token/session-token.ts";
import { createCallerSessions } from "./caller-sessions.ts";
import type { CallerSessions } from "./caller-sessions.ts";
import type { Concealed } from "../concealed.ts";
import type { DoomedKeys } from "../doomed-keys.ts";
import { createProxiedSessions } from "./proxied-sessions.ts";
import type { ProxiedSessions } from "./proxied-sessions.ts";
import { createSessionLinkTable } from "./session-links.ts";
import type { SessionKind, SessionLink, SessionLinkTable } from "./session-links.ts";
import type { SessionView } from "./session-view.ts";

/** A session under its id, with the person it belongs to. */
export type FoundSession = {
  readonly kind: SessionKind;
  /** User token; undefined for a session of nobody. */
  readonly owner: string | undefined;
  /** Rejects `open-failed` for a damaged record. */
  readonly open: () => Concealed<SessionView>;
};

export type SessionShelf = {
  readonly proxied: ProxiedSessions;
  readonly stored: CallerSessions;
  readonly links: SessionLinkTable;
  /** Undefined for an unknown and for an expired one alike. A caller's session hides a proxied one of the same id. */
  readonly find: (id: string) => Promise<FoundSession | undefined>;
  /** One of the two, when both may exist under the id. */
  readonly findOf: (kind: SessionKind, id: string) => Promise<Concealed<SessionView> | undefined>;
  /**
   * Makes ready what removes all that lies under the id, links too; `finishRemoval` destroys the keys once that is committed. Called
   * within a turn of the id.
   */
  readonly removalOf: (id: string) => Promise<readonly Change[]>;
  readonly finishRemoval: (id: string) => Promise<void>;
  /**
   * Destroys the keys of all sessions linked to the person, then removes records and links; resolves which those were. May be called
   * again after a failure, and goes on where it stopped.
   */
  readonly eraseSessionsOf: (userToken: string) => Promise<readonly ErasedSession[]>;
  /** Unlinks those of the ids whose session has been swept. */
  readonly unlinkSwept: (ids: readonly string[]) => Promise<void>;
  /** Unlinks all sessions of an epoch whose key was destroyed. */
  readonly unlinkEpoch: (epoch: number) => Promise<void>;
};

export type ErasedSession = { readonly session: string; readonly kind: SessionKind };

export type SessionShelfParts = {
  readonly store: Pick<Store, "sessions" | "callerSessions" | "documents">;
  readonly keyring: Pick<Keyring, "epochs" | "openerOf" | "subjects" | "sessionTrees">;
  readonly doomedKeys: DoomedKeys;
  readonly clock: Clock;
  /** Whether log lines carry sealed identities; not unless told. */
  readonly hasSealedLines?: boolean;
  /** A proxied session was erased: whoever remembers that it has a record forgets that here. */
  readonly onErased: (session: string) => void;
};

/** Some 15 ms of digests for their keys. */
const ERASED_AT_ONCE = 100;

export function createSessionShelf(parts: SessionShelfParts): SessionShelf {
  const { store, keyring, doomedKeys, clock, onErased, hasSealedLines = false } = parts;
  const { documents } = store;
  const proxied = createProxiedSessions({
    records: store.sessions,
    keyring,
    doomedKeys,
    clock,
    hasSealedLines,
  });
  const { subjects } = keyring;
  const stored = createCallerSessions({ store, subjects, doomedKeys, clock });
  const links = createSessionLinkTable(documents);
  const findOf: SessionShelf["findOf"] = async (kind, id) => {
    if (kind === "stored") return stored.inTurn(id, () => stored.find(id));
    const token = findSessionToken(id);
    return token === undefined ? undefined : proxied.find(token);
  };
  const removalOfProxied = async (id: string): Promise<readonly Change[]> => {
    const token = findSessionToken(id);
    if (token === undefined) return [];
    return [...(await proxied.removalOf(token)), ...(await links.unlinking("proxied", id))];
  };
  const removalOfStored = async (id: string): Promise<readonly Change[]> => [
    ...(await stored.removalOf(id)),
    ...(await links.unlinking("stored", id)),
  ];
  const finishProxied = async (id: string) => {
    const token = findSessionToken(id);
    if (token === undefined) return;
    await proxied.destroyKey(token);
    onErased(id);
  };
  const erase = (userToken: string, link: SessionLink) =>
    stored.inTurn(link.session, async () => {
      const { kind, session } = link;
      if ((await links.findOwner(kind, session)) !== userToken)
        return documents.commit([links.unlisting(userToken, link)]);
      const isStored = kind === "stored";
      await documents.commit(await (isStored ? removalOfStored : removalOfProxied)(session));
      if (isStored) await stored.destroyKey(session);
      else await finishProxied(session);
    });
  return {
    proxied,
    stored,
    links,
    findOf,
    find: async (id) => {
      for (const kind of ["stored", "proxied"] as const) {
        const found = await settle(findOf(kind, id));
        if (found === undefined) continue;
        return { kind, owner: await links.findOwner(kind, id), open: found };
      }
      return undefined;
    },
    removalOf: async (id) => [...(await removalOfStored(id)), ...(await removalOfProxied(id))],
    finishRemoval: async (id) => {
      await stored.destroyKey(id);
      await finishProxied(id);
    },
    eraseSessionsOf: async (userToken) => {
      const erased: ErasedSession[] = [];
      for (;;) {
        const linked = await links.linksOf(userToken);
        // Several at once, so that the keys of one epoch go together (keys/session-trees.ts).
        for (let at = 0; at < linked.length; at += ERASED_AT_ONCE) {
          const some = linked.slice(at, at + ERASED_AT_ONCE);
          await Promise.all(some.map((link) => erase(userToken, link)));
        }
        erased.push(...linked.map(({ session, kind }) => ({ session, kind })));
        if (linked.length === 0) return erased;
      }
    },
    unlinkSwept: async (ids) => {
      for (const id of ids)
        await stored.inTurn(id, async () => {
          // It may have been stored anew since it was swept.
          if ((await store.callerSessions.find(id)) === undefined)
            await documents.commit(await links.unlinking("stored", id));
        });
    },
    unlinkEpoch: async (epoch) => {
      for (;;) {
        const changes = await links.unlinkingEpoch(epoch);
        if (changes.length === 0) return;
        await documents.commit(changes);
      }
    },
  };
}

/** What a look-up came to, to be heard later: a damaged record too has an owner, who is asked for before anything is told. */
async function settle<Found>(
  finding: Promise<Found | undefined>,
): Promise<(() => Found) | undefined> {
  try {
    const found = await finding;
    return found === undefined ? undefined : () => found;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
