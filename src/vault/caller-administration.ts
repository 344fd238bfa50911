// Who may call is itself on record: naming a caller, listing callers and removing one are operations of the vault like any other.

import type { AuditTrail } from "../audit/trail.ts";
import type { AccessTokens } from "../callers/access-tokens.ts";
import type { Caller } from "../callers/caller.ts";
import { parseCallerName, parseGivenName, parseGivenRole } from "../callers/named-callers.ts";
import type { NamedCaller, NewCaller } from "../callers/named-callers.ts";
import type { Clock } from "../clock.ts";
import { LogveilError } from "../errors.ts";
import type { Change, Documents } from "../store/documents.ts";
import { Concealed } from "./concealed.ts";
import { parseExpiration } from "./expiration.ts";
import { operate } from "./operation.ts";
import { createTurns } from "./turns.ts";
import type { TakeTurn } from "./turns.ts";

/** All reject `access-denied` before anything else, and `audit-unavailable`: then nothing has changed. */
export type CallerAdministration = {
  /**
   * Resolves to the access token, which is shown this once and kept nowhere. `read` gives the members `name`, `role` and `expiration`;
   * it is called for callers that may, and its failure is that of the operation. Rejects `body-missing`, `caller-invalid`,
   * `expiration-invalid`, `caller-exists`, `callers-full`.
   */
  readonly create: (
    caller: Caller | undefined,
    read: () => Promise<Members | undefined>,
  ) => Promise<string>;
  readonly list: (caller: Caller | undefined) => Promise<readonly NamedCaller[]>;
  /** The name's token means nothing from here on. Rejects `caller-invalid`, `not-found`. */
  readonly remove: (caller: Caller | undefined, name: string) => Promise<void>;
  /** Removes tokens past their time, of named callers and of data subjects. Nobody's operation: they had ended by themselves. */
  readonly sweep: () => Promise<void>;
};

export type CallerAdministrationParts = {
  readonly tokens: AccessTokens;
  readonly documents: Documents;
  readonly trail: AuditTrail;
  /** One that never goes back. */
  readonly clock: Clock;
};

type Members = Readonly<Record<string, unknown>>;

/** Ten years. Who means for ever says nothing. */
const MAX_LIFE_MS = 3650 * 86_400_000;
/** One turn for all names, because how many there are is counted too. */
const TURN = "callers";

export function createCallerAdministration(parts: CallerAdministrationParts): CallerAdministration {
  const { tokens, trail } = parts;
  const inTurn = createTurns();
  return {
    create: (caller, read) => create(parts, inTurn, caller, read),
    list: (caller) =>
      operate(trail, { caller, permission: "caller.manage", title: "view callers" }, async () => ({
        result: await tokens.named.list(),
      })),
    remove: (caller, name) => remove(parts, inTurn, caller, name),
    sweep: async () => {
      await inTurn(TURN, async () => {
        await parts.documents.commit(await tokens.named.removalsOfExpired());
      });
      await tokens.logIns.sweep();
    },
  };
}

async function create(
  { tokens, trail, clock }: CallerAdministrationParts,
  inTurn: TakeTurn,
  caller: Caller | undefined,
  read: () => Promise<Members | undefined>,
): Promise<string> {
  using turn = new Turn(inTurn);
  const operation = { caller, permission: "caller.manage", title: "create caller" } as const;
  // Awaited here: the turn is given back on the way out.
  return await operate(trail, operation, async ({ about }) => {
    const wanted = parseNewCaller(await read(), clock.now());
    about(subjectOf(wanted.name));
    await turn.take();
    const { token, changes } = await tokens.named.prepare(wanted);
    return { result: new Concealed(token), changes, message: wanted.role };
  });
}

async function remove(
  { tokens, trail }: CallerAdministrationParts,
  inTurn: TakeTurn,
  caller: Caller | undefined,
  text: string,
): Promise<void> {
  using turn = new Turn(inTurn);
  const operation = { caller, permission: "caller.manage", title: "remove caller" } as const;
  let changes: readonly Change[] | undefined;
  try {
    await operate(trail, operation, async ({ about }) => {
      // Also one that is reserved by now: who was given it earlier can be removed.
      const name = parseCallerName(text);
      about(subjectOf(name));
      await turn.take();
      changes = await tokens.named.findRemoval(name);
      if (changes === undefined) throw new LogveilError("not-found");
      return { result: undefined, changes };
    });
  } finally {
    // SECURITY: before the removal is answered. Also when it failed: then it is not known what has been stored.
    if (changes !== undefined) tokens.forget();
  }
}

function parseNewCaller(body: Members | undefined, nowMs: number): NewCaller {
  if (body === undefined) throw new LogveilError("body-missing");
  const { name, role, expiration } = body;
  return {
    name: parseGivenName(name),
    role: parseGivenRole(role),
    expiresAtMs: parseCallerExpiration(expiration, nowMs),
  };
}

/**
 * The grammar of sessions, but strict: what it takes there for "as long as possible" (zero, `1w`, a hundred years) is a mistake here,
 * because it would leave a key that nobody meant to leave.
 */
function parseCallerExpiration(value: unknown, nowMs: number): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const { expiresAtMs } = parseExpiration(value, nowMs, MAX_LIFE_MS);
  if (expiresAtMs >= nowMs + MAX_LIFE_MS) throw new LogveilError("expiration-invalid");
  return expiresAtMs;
}

/** What the event is about. No data subject has it as a token, so nobody but readers of the whole trail sees it. */
function subjectOf(name: string): string {
  return `caller:${name}`;
}

/** A turn taken in the middle of an operation and given back when all of it has ended, its event stored. */
class Turn implements Disposable {
  readonly #inTurn: TakeTurn;
  readonly #ended = Promise.withResolvers<undefined>();

  constructor(inTurn: TakeTurn) {
    this.#inTurn = inTurn;
  }

  take(): Promise<void> {
    return new Promise((resolve) => {
      void this.#inTurn(TURN, () => {
        resolve();
        return this.#ended.promise;
      });
    });
  }

  [Symbol.dispose](): void {
    this.#ended.resolve(undefined);
  }
}
