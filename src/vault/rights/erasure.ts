// Erasure of a person: the key first, so that from then on nothing opens what lies about, in whatever file or backup; then, kind by
// kind, all that is theirs. Each step is noted with what it did, and whatever interrupts it, the next start or sweep goes on from there.

import type { Clock } from "../../clock.ts";
import { LogveilError } from "../../errors.ts";
import { digest } from "../../keys/mac.ts";
import { randomUuid } from "../../keys/secure-random.ts";
import type { SubjectKeys } from "../../keys/subject-keys.ts";
import type { Change, Documents } from "../../store/documents.ts";
import { decodeErasure, decodeReceipt, encodeErasure } from "./erasure-receipt.ts";
import type { Erasure, ErasureReceipt, ErasureSubject } from "./erasure-receipt.ts";
import type { HoldingPart } from "./holdings.ts";
import { restrictionChange } from "./restriction.ts";
import { resumeEach } from "../resumption.ts";
import { sessionTurn } from "../sessions/session-turn.ts";
import { createTurns } from "../turns.ts";
import type { TakeTurn } from "../turns.ts";
import { userTurn } from "../users/user-turn.ts";

export type Erasures = {
  /**
   * The intent: stored in one batch with the audit event, and carried out afterwards. `keyNames` are the data subject's own keys in the
   * keyring. One that was begun for the same subject and is not carried out yet is the one that is resolved.
   */
  readonly begin: (
    subject: ErasureSubject,
    keyNames: readonly string[],
  ) => Promise<{ readonly receiptId: string; readonly changes: readonly Change[] }>;
  /** Resolves the receipt, also when it had been carried out before. Rejects `not-found` when none was begun. */
  readonly carryOut: (subject: ErasureSubject) => Promise<ErasureReceipt>;
  /** One that is carried out or under way. */
  readonly isKnown: (subject: ErasureSubject) => Promise<boolean>;
  /** Carries out what was begun and interrupted; resolves how many. One that fails stops none of the others. */
  readonly resume: () => Promise<number>;
  /** Removes receipts that are older than `beforeMs`; resolves how many. */
  readonly retire: (beforeMs: number) => Promise<number>;
};

export type ErasuresParts = {
  readonly documents: Documents;
  readonly subjects: Pick<SubjectKeys, "find" | "destroy">;
  /** The same as for users. */
  readonly inTurn: TakeTurn;
  readonly clock: Clock;
  readonly holdings: Readonly<Record<ErasureSubject["kind"], readonly HoldingPart[]>>;
};

/** The turn (turns.ts) of an erasure, and of everything that must not go on meanwhile. */
export function erasureTurn({ kind, id }: ErasureSubject): string {
  return kind === "user" ? userTurn(id) : sessionTurn(id);
}

/** Bound of one removal of receipts; the others come with the next. */
const MAX_LISTED = 10_000;

export function createErasures(parts: ErasuresParts): Erasures {
  const { documents } = parts;
  const inErasureTurn = createTurns();
  const carryOutInTurn = (subject: ErasureSubject) =>
    inErasureTurn(nameOf(subject), () => carryOut(parts, subject));
  // SECURITY: whoever erases holds the data subject's turn, and so must a resumption: nothing of theirs is stored meanwhile.
  const resumeInTurn = (subject: ErasureSubject) =>
    parts.inTurn(erasureTurn(subject), () => carryOutInTurn(subject));
  return {
    begin: async (subject, keyNames) => {
      const underWay = await findErasure(documents, subject);
      const erasure = underWay ?? (await plan(parts, subject, keyNames));
      return { receiptId: erasure.id, changes: [erasureChange(erasure)] };
    },
    carryOut: carryOutInTurn,
    isKnown: async (subject) =>
      (await findErasure(documents, subject)) !== undefined ||
      (await documents.find("meta", receiptKey(subject))) !== undefined,
    resume: () =>
      resumeEach(documents, { table: "meta", prefix: "erasure/" }, async ({ value }) =>
        resumeInTurn(decodeErasure(value).subject),
      ),
    retire: async (beforeMs) => {
      const receipts = await documents.list("meta", { prefix: "receipt/", limit: MAX_LISTED });
      const old = receipts.filter(({ value }) => decodeReceipt(value).endedMs < beforeMs);
      await documents.commit(old.map(({ key }) => ({ table: "meta", key, value: undefined })));
      return old.length;
    },
  };
}

async function plan(
  { subjects, clock }: ErasuresParts,
  subject: ErasureSubject,
  keyNames: readonly string[],
): Promise<Erasure> {
  const found = await Promise.all(keyNames.map((name) => subjects.find(name)));
  const keys = found.filter((key) => key !== undefined).map(fingerprintOf);
  return { id: randomUuid(), subject, beganMs: clock.now(), keys, keyNames, erased: {} };
}

async function carryOut(parts: ErasuresParts, subject: ErasureSubject): Promise<ErasureReceipt> {
  const { documents, subjects, clock, holdings } = parts;
  let erasure = await findErasure(documents, subject);
  if (erasure === undefined) return findReceipt(documents, subject);
  // SECURITY: before anything else, and on disk when it resolves.
  for (const name of erasure.keyNames) await subjects.destroy(name);
  for (const { kind, eraseOf } of holdings[subject.kind]) {
    if (Object.hasOwn(erasure.erased, kind)) continue;
    const { count, changes = [] } = await eraseOf(subject.id);
    erasure = { ...erasure, erased: { ...erasure.erased, [kind]: count } };
    await documents.commit([...changes, erasureChange(erasure)]);
  }
  const { keyNames: _destroyed, ...told } = erasure;
  const receipt = { ...told, endedMs: clock.now() };
  await documents.commit([
    { table: "meta", key: erasureKey(subject), value: undefined },
    { table: "meta", key: receiptKey(subject), value: encodeErasure(receipt) },
    restrictionChange(subject.id, undefined),
  ]);
  return receipt;
}

async function findErasure(
  documents: Documents,
  subject: ErasureSubject,
): Promise<Erasure | undefined> {
  const stored = await documents.find("meta", erasureKey(subject));
  return stored && decodeErasure(stored);
}

async function findReceipt(documents: Documents, subject: ErasureSubject): Promise<ErasureReceipt> {
  const stored = await documents.find("meta", receiptKey(subject));
  if (stored === undefined) throw new LogveilError("not-found");
  return decodeReceipt(stored);
}

function erasureChange(erasure: Erasure): Change {
  return { table: "meta", key: erasureKey(erasure.subject), value: encodeErasure(erasure) };
}

function erasureKey(subject: ErasureSubject): string {
  return `erasure/${nameOf(subject)}`;
}

function receiptKey(subject: ErasureSubject): string {
  return `receipt/${nameOf(subject)}`;
}

function nameOf({ kind, id }: ErasureSubject): string {
  return `${kind}/${id}`;
}

/** 64 bits of a digest of 256 random ones: tells keys apart, and tells nothing about any. */
function fingerprintOf(key: Buffer): string {
  return digest("fingerprint of a subject key", key).toString("hex", 0, 8);
}
