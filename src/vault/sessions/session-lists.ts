import type { AuditTrail } from "../../audit/trail.ts";
import type { Caller } from "../../callers/caller.ts";
import type { Clock } from "../../clock.ts";
import { LogveilError, hasCode } from "../../errors.ts";
import type { EventLog } from "../../event-log.ts";
import { findAddress } from "../../identity/address.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Store } from "../../store/store.ts";
import { Concealed } from "../concealed.ts";
import { gradeSession } from "./disclosure-view.ts";
import type { DisclosurePolicy } from "./disclosure-view.ts";
import { operate } from "../operation.ts";
import { findSessionsOfAddress } from "./session-search.ts";
import type { AddressSearch } from "./session-search.ts";
import type { SessionShelf } from "./session-shelf.ts";
import type { SessionView } from "./session-view.ts";
import { readStated } from "../stated-reason.ts";
import type { Members, StatedRequest } from "../stated-reason.ts";
import { findIdentityMode, parseIdentityMode, parseUserToken } from "../users/user-directory.ts";
import type { UserDirectory } from "../users/user-directory.ts";

/** `limit` is 100 at most. */
export type Page = { readonly offset: number; readonly limit: number };

export type SessionPage = { readonly total: number; readonly rows: readonly SessionView[] };

/** What was found under an address: which sessions, and not what is in them. */
export type FoundPage = {
  readonly total: number;
  readonly rows: readonly Pick<SessionView, "session" | "when">[];
};

export type SessionLists = {
  /**
   * The sessions of a person, stored and proxied, in the order in which they were linked. Rejects `mode-invalid`, `uuid-invalid`, `not-found`, `record-restricted`.
   */
  readonly listSessions: (
    caller: Caller | undefined,
    named: { readonly mode: string; readonly id: string },
    page: Page,
  ) => Promise<SessionPage>;
  /** The tokens of an address. The body holds `address`, `from`, `to`, `reason`. Rejects `search-invalid`, `search-too-wide`. */
  readonly searchSessions: (request: StatedRequest, page: Page) => Promise<FoundPage>;
};

export type SessionListsParts = {
  readonly sessions: SessionShelf;
  readonly store: Pick<Store, "sessions">;
  readonly keyring: Pick<Keyring, "epochs" | "addressKeyOf">;
  readonly directory: UserDirectory;
  readonly trail: AuditTrail;
  readonly clock: Clock;
  readonly disclosure: DisclosurePolicy;
  readonly eventLog: EventLog;
};

export function createSessionLists(parts: SessionListsParts): SessionLists {
  return { listSessions: createListing(parts), searchSessions: createSearch(parts) };
}

function createListing(parts: SessionListsParts): SessionLists["listSessions"] {
  const { trail, sessions, directory, clock, disclosure } = parts;
  return (caller, { mode, id }, { offset, limit }) => {
    const permission = "session.list";
    const operation = {
      caller,
      permission,
      title: "get all user sessions",
      // SECURITY: what was given as a mode and is none may be anything, and the trail keeps this unsealed.
      mode: findIdentityMode(mode),
      who: id,
    } as const;
    return operate(trail, operation, async ({ about }) => {
      const userToken = await resolve(directory, mode, id);
      about(userToken, await directory.keyOf(userToken));
      if (await directory.isRestricted(userToken)) throw new LogveilError("record-restricted");
      const linked = await sessions.links.linksOf(userToken);
      // What has expired is swept with its record, under the session's own turn; here it only is not there any more.
      const live = linked.filter(({ expiresAtMs }) => expiresAtMs > clock.now());
      const page = live.slice(offset, offset + limit);
      const found = await Promise.all(
        page.map(({ kind, session }) => reporting(parts, sessions.findOf(kind, session))),
      );
      const role = caller?.role ?? "auditor";
      const graded = found
        .filter((view) => view !== undefined)
        .map((view) => view.map((session) => gradeSession(session, role, disclosure)));
      return { result: Concealed.all(graded).map((rows) => ({ total: live.length, rows })) };
    });
  };
}

async function resolve(directory: UserDirectory, mode: string, id: string): Promise<string> {
  const parsed = parseIdentityMode(mode);
  if (parsed === "token") parseUserToken(id);
  const userToken = await directory.resolve(parsed, id);
  if (userToken === undefined) throw new LogveilError("not-found");
  return userToken;
}

function createSearch(parts: SessionListsParts): SessionLists["searchSessions"] {
  const { trail, sessions, store, keyring, clock } = parts;
  return async (request, { offset, limit }) => {
    const { caller } = request;
    const permission = "session.search";
    const { reason, members } = await readStated(request, permission);
    const operation = { caller, permission, title: "search sessions by address", reason } as const;
    return operate(trail, operation, async () => {
      const search = parseSearch(members(), clock.now());
      const nowMs = () => clock.now();
      const tokens = await findSessionsOfAddress(
        { records: store.sessions, keyring, nowMs },
        search,
      );
      const found = await Promise.all(
        tokens
          .slice(offset, offset + limit)
          .map((token) => reporting(parts, sessions.proxied.find(token))),
      );
      const rows = found
        .filter((view) => view !== undefined)
        .map((view) => view.map(({ session, when }) => ({ session, when })));
      return { result: Concealed.all(rows).map((page) => ({ total: tokens.length, rows: page })) };
    });
  };
}

async function reporting<Found>(
  { eventLog }: Pick<SessionListsParts, "eventLog">,
  finding: Promise<Found>,
): Promise<Found> {
  try {
    return await finding;
  } catch (error) {
    if (hasCode(error, "open-failed")) eventLog.emit("store.record-corrupt");
    throw error;
  }
}

/** Times are unix seconds; all time up to now unless told. */
function parseSearch(members: Members, nowMs: number): AddressSearch {
  const address = members["address"];
  const canonical = typeof address === "string" ? findAddress(address.trim()) : undefined;
  if (canonical === undefined) throw new LogveilError("search-invalid");
  return {
    address: canonical,
    fromMs: parseSeconds(members["from"]) ?? 0,
    toMs: parseSeconds(members["to"]) ?? nowMs,
  };
}

/** In milliseconds; digits count as their number. */
function parseSeconds(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const seconds = typeof value === "string" && /^\d{1,12}$/.test(value) ? Number(value) : value;
  if (typeof seconds !== "number" || !(seconds >= 0 && seconds <= 1e12))
    throw new LogveilError("search-invalid");
  return Math.floor(seconds * 1000);
}
