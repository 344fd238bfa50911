// Everything that logveil gives out to prove who is calling, beside the root token: the tokens of named callers (named-callers.ts) and of
// data subjects who have logged in (log-in-tokens.ts). One look-up finds whom a token stands for.

import { LRUCache } from "lru-cache";
import type { Caller } from "./caller.ts";
import { createLogInTokens } from "./log-in-tokens.ts";
import type { LogInTokens } from "./log-in-tokens.ts";
import { createNamedCallers } from "./named-callers.ts";
import type { CallersParts, NamedCallers } from "./named-callers.ts";
import { findTokenRecord, tokenIdOf } from "./token-records.ts";

/** Tokens that are remembered between requests; unknown ones never are, so nobody can push the others out by guessing. */
const MAX_REMEMBERED = 1000;

export type AccessTokens = {
  readonly named: NamedCallers;
  readonly logIns: LogInTokens;
  /** Whom a token (in lower case) stands for now; undefined for unknown, removed and expired alike. Rejects `store-unavailable`. */
  readonly findCaller: (token: string) => Promise<Caller | undefined>;
  /** To be called when named callers have been removed. SECURITY: before that is answered. */
  readonly forget: () => void;
};

type Holder = {
  readonly caller: Caller;
  /** Undefined: never. */
  readonly expiresAtMs: number | undefined;
};

/** Owns nothing that has to be closed. */
export function createAccessTokens(parts: CallersParts): AccessTokens {
  const { key, clock } = parts;
  const named = createNamedCallers(parts);
  const remembered = new LRUCache<string, Holder>({ max: MAX_REMEMBERED });
  let generation = 0;
  const forget = () => {
    generation += 1;
    remembered.clear();
  };
  const logIns = createLogInTokens({ ...parts, onRevoked: forget });
  const load = async (id: string) => {
    const begun = generation;
    const holder = await findHolder(parts, named, id);
    // SECURITY: a removal may have been stored since the record was read; what was read is then good for this request alone.
    if (holder !== undefined && begun === generation) remembered.set(id, holder);
    return holder;
  };
  return {
    named,
    logIns,
    forget,
    findCaller: async (token) => {
      const id = tokenIdOf(key, token);
      const holder = remembered.get(id) ?? (await load(id));
      // Asked each time, remembered or not.
      const isExpired = holder?.expiresAtMs !== undefined && holder.expiresAtMs <= clock.now();
      return isExpired ? undefined : holder?.caller;
    },
  };
}

async function findHolder(
  { documents, key }: CallersParts,
  named: NamedCallers,
  id: string,
): Promise<Holder | undefined> {
  const record = await findTokenRecord(documents, key, id);
  if (record === undefined) return undefined;
  if (record[0] === "log-in") {
    const [, subject, expiresAtMs] = record;
    return { caller: { name: loginNameOf(id), role: "login", subject }, expiresAtMs };
  }
  const found = await named.findByToken(record[1], id);
  if (found === undefined) return undefined;
  return { caller: { name: found.name, role: found.role }, expiresAtMs: found.expiresAtMs };
}

/** Tells the log-ins of one data subject apart in the trail; nothing can be asked with it. */
function loginNameOf(id: string): string {
  return `login:${id.slice(0, 12)}`;
}
