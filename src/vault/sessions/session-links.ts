// Whose a session is. Two tables that change together: from the person to the sessions (to list and to erase them) and from the session
// to the person (to say who may see it). Sessions of the proxy and sessions that callers store are linked apart, as both can
// exist under one id.

import type { Change, Documents } from "../../store/documents.ts";
import { findSessionToken } from "../../token/session-token.ts";

/** Who made the session. */
export type SessionKind = "proxied" | "stored";

export type SessionLink = {
  readonly kind: SessionKind;
  /** Canonical id. */
  readonly session: string;
  /** When the person was first named, ms since 1970: the order of a list. */
  readonly linkedAtMs: number;
  /** The link says nothing any more from then on, ms since 1970. */
  readonly expiresAtMs: number;
};

export type SessionLinkTable = {
  /** The user token, or undefined for a session of nobody. */
  readonly findOwner: (kind: SessionKind, session: string) => Promise<string | undefined>;
  /** What links the session to `userToken` and to nobody else, or, when that is undefined, to nobody. */
  readonly linking: (
    link: SessionLink,
    userToken: string | undefined,
  ) => Promise<readonly Change[]>;
  readonly unlinking: (kind: SessionKind, session: string) => Promise<readonly Change[]>;
  /** In the order in which they were linked; at most 10,000. */
  readonly linksOf: (userToken: string) => Promise<readonly SessionLink[]>;
  /** How many of the proxy's sessions are the person's, counted up to `atMost` (10,000 or less). */
  readonly countProxiedOf: (userToken: string, atMost: number) => Promise<number>;
  /** What takes a session off the person's list that is not theirs any more, and leaves it to whoever has it. */
  readonly unlisting: (userToken: string, link: SessionLink) => Change;
  /** Links of the proxy's sessions of one epoch: at most 1000, the others once these are gone. */
  readonly unlinkingEpoch: (epoch: number) => Promise<readonly Change[]>;
};

/** Bound of one list, and of what one erasure takes in one go. */
const MAX_LINKS = 10_000;
const SLICE = 1000;
const VERSION = 1;

export function createSessionLinkTable(
  documents: Pick<Documents, "find" | "list">,
): SessionLinkTable {
  const findOwner = async (kind: SessionKind, session: string) => {
    const stored = await documents.find("sessionUser", sessionKey(kind, session));
    return stored === undefined ? undefined : Buffer.from(stored).toString("utf8");
  };
  const unlinking = async (kind: SessionKind, session: string) => {
    const owner = await findOwner(kind, session);
    return owner === undefined ? [] : removal(owner, { kind, session });
  };
  return {
    findOwner,
    unlinking,
    unlisting,
    linking: async (link, userToken) => {
      const { kind, session } = link;
      if (userToken === undefined) return unlinking(kind, session);
      const owner = await findOwner(kind, session);
      if (owner !== userToken)
        return [
          ...(owner === undefined ? [] : removal(owner, link)),
          ...insertion(userToken, link, link.linkedAtMs),
        ];
      const before = await documents.find("userSession", userKey(userToken, link));
      const linkedAtMs = before === undefined ? link.linkedAtMs : decodeTimes(before).linkedAtMs;
      return insertion(userToken, link, linkedAtMs);
    },
    linksOf: async (userToken) => {
      const prefix = `${userToken}/`;
      const found = await documents.list("userSession", { prefix, limit: MAX_LINKS });
      return found
        .map(({ key, value }) => ({ ...parseUserKey(key), ...decodeTimes(value) }))
        .toSorted((one, other) => one.linkedAtMs - other.linkedAtMs);
    },
    countProxiedOf: async (userToken, atMost) => {
      const prefix = `${userToken}/${sessionKey("proxied", "")}`;
      return (await documents.list("userSession", { prefix, limit: atMost })).length;
    },
    unlinkingEpoch: async (epoch) => {
      // A token's first eight digits are its epoch, so those of one epoch lie together.
      const prefix = sessionKey("proxied", epoch.toString(16).padStart(8, "0"));
      const found = await documents.list("sessionUser", { prefix, limit: SLICE });
      return found.flatMap(({ key, value }) =>
        removal(Buffer.from(value).toString("utf8"), parseSessionKey(key)),
      );
    },
  };
}

/** The epoch of a proxied session; undefined for an id that the proxy did not make. */
export function epochOfSession(session: string): number | undefined {
  return findSessionToken(session)?.epoch;
}

type Named = Pick<SessionLink, "kind" | "session">;

function insertion(userToken: string, link: SessionLink, linkedAtMs: number): readonly Change[] {
  const times = JSON.stringify([VERSION, linkedAtMs, link.expiresAtMs]);
  return [
    { table: "userSession", key: userKey(userToken, link), value: Buffer.from(times) },
    {
      table: "sessionUser",
      key: sessionKey(link.kind, link.session),
      value: Buffer.from(userToken),
    },
  ];
}

function unlisting(userToken: string, link: Named): Change {
  return { table: "userSession", key: userKey(userToken, link), value: undefined };
}

function removal(userToken: string, link: Named): readonly Change[] {
  return [
    unlisting(userToken, link),
    { table: "sessionUser", key: sessionKey(link.kind, link.session), value: undefined },
  ];
}

function decodeTimes(value: Uint8Array): Pick<SessionLink, "linkedAtMs" | "expiresAtMs"> {
  const text = Buffer.from(value).toString("utf8");
  const [, linkedAtMs, expiresAtMs] = JSON.parse(text) as [number, number, number]; // as `insertion` wrote it
  return { linkedAtMs, expiresAtMs };
}

function userKey(userToken: string, { kind, session }: Named): string {
  return `${userToken}/${sessionKey(kind, session)}`;
}

function parseUserKey(key: string): Named {
  return parseSessionKey(key.slice(key.indexOf("/") + 1));
}

function sessionKey(kind: SessionKind, session: string): string {
  return `${kind}/${session}`;
}

function parseSessionKey(key: string): Named {
  const [kind = "", session = ""] = key.split("/");
  return { kind: kind === "proxied" ? "proxied" : "stored", session };
}
