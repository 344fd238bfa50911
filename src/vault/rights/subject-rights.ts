// The rights of a data subject, one call each: to know what is held (GDPR article 15, 20), to have it erased (17), to have its use
// stopped (18). A person is named as everywhere; somebody who never logged in is named by a session token.

import type { AuditTrail } from "../../audit/trail.ts";
import type { Clock } from "../../clock.ts";
import { LogveilError } from "../../errors.ts";
import type { Permission } from "../../callers/role.ts";
import type { SubjectKeys } from "../../keys/subject-keys.ts";
import type { Change } from "../../store/documents.ts";
import type { ErasureReceipt, ErasureSubject } from "./erasure-receipt.ts";
import { erasureTurn } from "./erasure.ts";
import type { Erasures } from "./erasure.ts";
import { exportHoldings } from "./holdings.ts";
import type { HoldingPart } from "./holdings.ts";
import { operate } from "../operation.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { restrictionChange } from "./restriction.ts";
import type { Restrictions } from "./restriction.ts";
import { parseSessionId } from "../sessions/session-id.ts";
import type { SessionShelf } from "../sessions/session-shelf.ts";
import { readStated } from "../stated-reason.ts";
import type { StatedRequest } from "../stated-reason.ts";
import type { TakeTurn } from "../turns.ts";
import { findIdentityMode, parseIdentityMode, parseUserToken } from "../users/user-directory.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import { keyNameOf } from "../users/user-record.ts";
import { indexTurn } from "../users/user-records.ts";

export type RightsRequest = StatedRequest & {
  /** As for users, and `session`. */
  readonly mode: string;
  readonly id: string;
};

export type ExportedSubject = {
  readonly subject: ErasureSubject;
  /** By kind (holdings.ts). */
  readonly held: Readonly<Record<string, unknown>>;
};

/** Everything rejects `mode-invalid`, `uuid-invalid`, `session-invalid`, and `not-found` for somebody who is not known. */
export type SubjectRights = {
  /** Everything that is held. */
  readonly export: (request: RightsRequest) => Promise<ExportedSubject>;
  /** Resolves when all is gone; the same receipt again for a user token or a session that has been erased. */
  readonly erase: (request: RightsRequest) => Promise<ErasureReceipt>;
  /** Freezes against use and change; nothing happens when it is frozen already. */
  readonly restrict: (request: RightsRequest) => Promise<ErasureSubject>;
  readonly unrestrict: (request: RightsRequest) => Promise<ErasureSubject>;
};

export type SubjectRightsParts = {
  readonly trail: Pick<AuditTrail, "append" | "admitAnonymous">;
  readonly directory: Pick<UserDirectory, "resolve" | "keyOf" | "find">;
  readonly sessions: Pick<SessionShelf, "find">;
  readonly subjects: Pick<SubjectKeys, "find">;
  readonly erasures: Erasures;
  readonly restrictions: Pick<Restrictions, "isRestricted">;
  /** What is held of users, and what of sessions; the same as for `erasures`. */
  readonly holdings: Readonly<Record<ErasureSubject["kind"], readonly HoldingPart[]>>;
  /** The turns under which user records change. */
  readonly inTurn: TakeTurn;
  readonly clock: Clock;
};

export function createSubjectRights(parts: SubjectRightsParts): SubjectRights {
  return {
    export: (request) => exportSubject(parts, request),
    erase: (request) => eraseSubject(parts, request),
    restrict: (request) => restrictSubject(parts, request, parts.clock.now()),
    unrestrict: (request) => restrictSubject(parts, request, undefined),
  };
}

async function exportSubject(
  parts: SubjectRightsParts,
  request: RightsRequest,
): Promise<ExportedSubject> {
  const { operation, nameSubject } = await prepare(parts, request, "rights.export", "export");
  return operate(parts.trail, operation, async (context) => {
    const subject = await nameSubject(context);
    await requireHeld(parts, subject);
    const held = await exportHoldings(parts.holdings[subject.kind], subject.id);
    return { result: held.map((members) => ({ subject, held: members })) };
  });
}

async function eraseSubject(
  parts: SubjectRightsParts,
  request: RightsRequest,
): Promise<ErasureReceipt> {
  const { erasures, trail } = parts;
  const { operation, nameSubject } = await prepare(parts, request, "rights.erase", "erase");
  const carriedOut = Promise.withResolvers<ErasureReceipt>();
  await operate(trail, operation, async (context) => {
    const subject = await nameSubject(context);
    await context.hold((act) => parts.inTurn(erasureTurn(subject), act));
    // Nobody gets the person's e-mail address before it is free.
    const indexTurns = (await findUser(parts, subject))?.indexKeys.map(indexTurn) ?? [];
    await context.hold((act) => parts.inTurn(indexTurns, act));
    // Asked within the turn: of two that erase one person at once, the second finds the first one's receipt.
    const planned = await planErasure(parts, subject);
    // Between event and answer, within the turn: nobody writes the person anew meanwhile.
    const finish = async () => carriedOut.resolve(await erasures.carryOut(subject));
    return { result: undefined, ...planned, finish };
  });
  return carriedOut.promise;
}

async function planErasure(
  parts: SubjectRightsParts,
  subject: ErasureSubject,
): Promise<{ readonly changes?: readonly Change[]; readonly message?: string }> {
  const { erasures } = parts;
  if (await isHeld(parts, subject)) {
    const { receiptId, changes } = await erasures.begin(subject, await keyNamesOf(parts, subject));
    return { changes, message: `receipt ${receiptId}` };
  }
  if (!(await erasures.isKnown(subject))) throw new LogveilError("not-found");
  return { message: "erased before" };
}

async function restrictSubject(
  parts: SubjectRightsParts,
  request: RightsRequest,
  sinceMs: number | undefined,
): Promise<ErasureSubject> {
  const verb = sinceMs === undefined ? "unrestrict" : "restrict";
  const { operation, nameSubject } = await prepare(parts, request, "rights.restrict", verb);
  return operate(parts.trail, operation, async (context) => {
    const subject = await nameSubject(context);
    await context.hold((act) => parts.inTurn(erasureTurn(subject), act));
    await requireHeld(parts, subject);
    const isRestricted = await parts.restrictions.isRestricted(subject.id);
    const isAsked = sinceMs !== undefined;
    // The first restriction's time stays.
    const changes = isRestricted === isAsked ? [] : [restrictionChange(subject.id, sinceMs)];
    return { result: subject, changes };
  });
}

type Prepared = {
  readonly operation: Operation;
  /** Also throws what was wrong with the body. SECURITY: one that cannot be read stops an erasure, whatever it says. */
  readonly nameSubject: (context: OperationContext) => Promise<ErasureSubject>;
};

async function prepare(
  parts: SubjectRightsParts,
  request: RightsRequest,
  permission: Permission,
  verb: string,
): Promise<Prepared> {
  const { caller, id } = request;
  const { reason, members } = await readStated(request, permission);
  const mode = isSessionMode(request.mode) ? "session" : findIdentityMode(request.mode);
  const title = `${verb} data subject by ${mode ?? "unknown mode"}`;
  return {
    operation: { caller, permission, title, reason, mode, who: id },
    nameSubject: async (context) => {
      members();
      return findSubject(parts, request, context);
    },
  };
}

/** Whom the request names, told to the event. A user token need not belong to anybody any more; that is for the caller to ask. */
async function findSubject(
  parts: SubjectRightsParts,
  { mode: text, id: named }: RightsRequest,
  { about }: OperationContext,
): Promise<ErasureSubject> {
  if (isSessionMode(text)) {
    const id = parseSessionId(named);
    about(id, await parts.subjects.find(sessionKeyName(id)));
    return { kind: "session", id };
  }
  const mode = parseIdentityMode(text);
  const id = mode === "token" ? parseUserToken(named) : await parts.directory.resolve(mode, named);
  if (id === undefined) throw new LogveilError("not-found");
  about(id, await parts.directory.keyOf(id));
  return { kind: "user", id };
}

async function requireHeld(parts: SubjectRightsParts, subject: ErasureSubject): Promise<void> {
  if (!(await isHeld(parts, subject))) throw new LogveilError("not-found");
}

async function isHeld(
  { directory, sessions }: SubjectRightsParts,
  { kind, id }: ErasureSubject,
): Promise<boolean> {
  const found = kind === "user" ? await directory.keyOf(id) : await sessions.find(id);
  return found !== undefined;
}

/** All that the person ever had: an erasure that preserved something has left off with one and begun the next. */
async function keyNamesOf(
  parts: SubjectRightsParts,
  subject: ErasureSubject,
): Promise<readonly string[]> {
  const { kind, id } = subject;
  if (kind === "session") return [sessionKeyName(id)];
  const generation = (await findUser(parts, subject))?.generation ?? 0;
  return Array.from({ length: generation + 1 }, (_, each) => keyNameOf(id, each));
}

async function findUser({ directory }: SubjectRightsParts, { kind, id }: ErasureSubject) {
  return kind === "user" ? directory.find(id) : undefined;
}

function sessionKeyName(id: string): string {
  return `session:${id}`;
}

function isSessionMode(text: string): boolean {
  return text.toLowerCase() === "session";
}
