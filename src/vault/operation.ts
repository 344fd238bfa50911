// Every operation of the vault is one call of `operate`: permission, then the look-up and what it changes, then the audit event
// together with the changes, then the answer. Nothing is revealed and nothing is changed without its event.

import type { AuditEvent, AuditPersonal } from "../audit/event.ts";
import type { AuditTrail } from "../audit/trail.ts";
import type { Caller } from "../callers/caller.ts";
import { isPermitted, needsReason } from "../callers/role.ts";
import type { Permission } from "../callers/role.ts";
import { LogveilError, hasCode } from "../errors.ts";
import type { Change } from "../store/documents.ts";
import { Concealed } from "./concealed.ts";
import { parseReason } from "./reason.ts";
import type { IdentityMode } from "./users/user-directory.ts";

/** How a data subject is named; `record` by the bearer of a shared record. */
export type OperationMode = IdentityMode | "session" | "record";

export type Operation = {
  /** Undefined for somebody without a valid access token. */
  readonly caller: Caller | undefined;
  /** Undefined for what is open to everybody (the bearer of a shared record). */
  readonly permission: Permission | undefined;
  /** databunker-v1.md section 4. */
  readonly title: string;
  /** As it came with the request: `operate` checks it, and rejects `reason-invalid`. Dropped, unread, when there is no caller. */
  readonly reason?: string | undefined;
  /** SECURITY: stored unsealed, so the type takes no text of the request. */
  readonly mode?: OperationMode | undefined;
  readonly app?: string | undefined;
  /** The identity string of the request. Personal: stored only when `about` gave a key to seal it with. */
  readonly who?: string | undefined;
};

/** What an operation tells of itself while it runs. */
export type OperationContext = {
  /**
   * Whom it is about, as soon as that is known, with the data subject's key to seal what is personal in the event.
   * SECURITY: throws `access-denied` for a data subject who asks about somebody else, before anything is told.
   */
  readonly about: (subject: string, key?: Buffer) => void;
  /**
   * Waits for a turn (turns.ts) and keeps it until the event and the changes are stored, so that nobody changes what the operation has
   * read. Taken inside the operation, a turn waits neither for a slow body nor for somebody who may not come in. Several keys are one
   * turn: `hold((act) => inTurn(keys, act))`; two turns in a row can wait for each other.
   */
  readonly hold: (take: (act: () => Promise<void>) => Promise<void>) => Promise<void>;
};

export type Outcome<Result> = {
  readonly result: Result | Concealed<Result>;
  /** Stored in one batch with the event. */
  readonly changes?: readonly Change[];
  readonly personal?: Pick<AuditPersonal, "before" | "after">;
  readonly message?: string;
  /** What cannot be in the batch and must not happen without the event: the destruction of a key. Runs between event and answer. */
  readonly finish?: () => Promise<void>;
};

/**
 * Rejects `too-many-requests` before anything else, and without an event, when the trail takes no more of people without an access
 * token; `access-denied` before `run` is called for a caller that may not, `reason-missing` for one that must say why, `reason-invalid`;
 * whatever `run` rejects with; `audit-unavailable` when the event cannot be stored: then nothing has been changed. All but the first and
 * the last are in the trail, with their code. A data subject hears `access-denied` instead of `not-found`, so that what is not there and what is
 * somebody else's look alike.
 */
export async function operate<Result>(
  trail: Pick<AuditTrail, "append" | "admitAnonymous">,
  operation: Operation,
  run: (context: OperationContext) => Promise<Outcome<Result>>,
): Promise<Result> {
  if (operation.caller === undefined) trail.admitAnonymous?.();
  const told = new ToldEvent(operation);
  try {
    const { result, changes, personal, message, finish } = await attempt(trail, told, run);
    // SECURITY: the event is stored on this line, before anything is revealed; when it cannot be, nothing is.
    await trail.append({ ...told.event(personal), status: "ok", message }, changes);
    await finish?.();
    return result instanceof Concealed ? result.reveal() : result;
  } finally {
    told.end();
  }
}

async function attempt<Result>(
  trail: Pick<AuditTrail, "append">,
  told: ToldEvent,
  run: (context: OperationContext) => Promise<Outcome<Result>>,
): Promise<Outcome<Result>> {
  try {
    const { caller, reason } = told.operation;
    // SECURITY: of somebody without an access token no text is kept.
    told.reason = caller === undefined ? undefined : parseReason(reason);
    requirePermission(told.operation, told.reason);
    const outcome = await run(told);
    told.requireOwn();
    return outcome;
  } catch (error) {
    await trail.append({ ...told.event(), ...failureOf(error) });
    throw told.answerFor(error);
  }
}

function requirePermission({ caller, permission }: Operation, reason: string | undefined): void {
  if (permission === undefined) return;
  if (caller === undefined || !isPermitted(caller.role, permission))
    throw new LogveilError("access-denied");
  if (needsReason(caller.role, permission) && reason === undefined)
    throw new LogveilError("reason-missing");
}

/** What is known for the event so far. */
class ToldEvent implements OperationContext {
  readonly operation: Operation;
  readonly #ended = Promise.withResolvers<void>();
  #subject: string | undefined;
  #key: Buffer | undefined;
  reason: string | undefined;

  constructor(operation: Operation) {
    this.operation = operation;
  }

  hold: OperationContext["hold"] = (take) =>
    new Promise((resolve, reject) => {
      take(() => {
        resolve();
        return this.#ended.promise;
      }).catch(reject);
    });

  /** Gives back every turn that was held. */
  end(): void {
    this.#ended.resolve();
  }

  // Noted before it is refused: whoever was asked about finds the attempt among their events.
  about = (subject: string, key?: Buffer): void => {
    this.#subject = subject;
    this.#key = key;
    this.requireOwn();
  };

  /** SECURITY: an operation that never says whom it is about is refused to a data subject, who has own records only. */
  requireOwn(): void {
    if (this.#isLogin && this.operation.caller?.subject !== this.#subject)
      throw new LogveilError("access-denied");
  }

  answerFor(error: unknown): unknown {
    const isHidden = this.#isLogin && this.#subject === undefined && hasCode(error, "not-found");
    return isHidden ? new LogveilError("access-denied", { cause: error }) : error;
  }

  event(personal: Pick<AuditPersonal, "before" | "after"> = {}): Omit<AuditEvent, "status"> {
    const { caller, title, mode, app, who } = this.operation;
    return {
      title,
      caller,
      subject: this.#subject,
      mode,
      app,
      reason: this.reason,
      personal: { who, ...personal },
      sealWith: this.#key,
    };
  }

  get #isLogin(): boolean {
    return this.operation.caller?.role === "login" && this.operation.permission !== undefined;
  }
}

function failureOf(error: unknown): Pick<AuditEvent, "status" | "message"> {
  const code = error instanceof LogveilError ? error.code : "unexpected";
  const isDenied = code === "access-denied" || code === "reason-missing";
  return { status: isDenied ? "denied" : "error", message: code };
}
