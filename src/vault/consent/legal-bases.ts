// Why data of people may be processed: the legal bases that the organisation works with, named by briefs. Agreements refer to them
// (agreements.ts), processing activities list them (activities.ts). Nothing here is about one person, so nothing is sealed.

import type { AuditTrail } from "../../audit/trail.ts";
import type { Caller } from "../../callers/caller.ts";
import type { Clock } from "../../clock.ts";
import { LogveilError } from "../../errors.ts";
import { randomUuid } from "../../keys/secure-random.ts";
import type { Change, Documents } from "../../store/documents.ts";
import { findBrief, titleFor } from "./brief.ts";
import { textOf } from "../fields.ts";
import type { Fields, ReadFields } from "../fields.ts";
import { basisChange, createBasis, decodeBasis, parseBasis, shownBasis } from "./legal-basis.ts";
import type { LegalBasis, StoredBasis } from "./legal-basis.ts";
import { operate } from "../operation.ts";
import type { Outcome } from "../operation.ts";
import { createTurns } from "../turns.ts";

type Asked = { readonly caller: Caller | undefined; readonly brief: string };

/** Everything rejects `access-denied` first, then `brief-invalid`; and `audit-unavailable` in an outage. */
export type LegalBases = {
  readonly list: (caller: Caller | undefined) => Promise<readonly LegalBasis[]>;
  /** Creates, changes, or renames to the member `brief`. Rejects `basis-exists`, `limit-reached`. */
  readonly put: (asked: Asked & { readonly fields: ReadFields }) => Promise<void>;
  /** One that somebody has agreed to becomes `deleted`, and those who said yes are `revoked`. Resolves also when there is none. */
  readonly remove: (asked: Asked) => Promise<void>;
  /** Revokes every agreement there is on it. Rejects `basis-unknown`. */
  readonly revokeAll: (asked: Asked) => Promise<void>;
  /** For agreements and activities: the deleted ones included, and those that are kept although they were removed. */
  readonly all: () => Promise<readonly StoredBasis[]>;
  readonly find: (brief: string) => Promise<StoredBasis | undefined>;
};

export type LegalBasesParts = {
  readonly documents: Documents;
  readonly trail: AuditTrail;
  readonly clock: Clock;
};

/** Far more than an organisation has; what is in a list fits into one answer. */
const MAX_BASES = 1000;
const TURN = "legal bases";
const BUILT_IN_MARK = "legal-bases";

const BUILT_IN: readonly Omit<LegalBasis, "creationtime">[] = (
  [
    ["core-send-email-on-login", "Send email on login", "Send the access code by e-mail."],
    ["core-send-sms-on-login", "Send SMS on login", "Send the access code as a text message."],
  ] as const
).map(([brief, shortdesc, fulldesc]) => ({
  basistype: "consent",
  brief,
  fulldesc,
  module: "core",
  requiredflag: true,
  requiredmsg: "Without it no access code can be sent.",
  shortdesc,
  status: "active",
  usercontrol: true,
}));

/** Writes the two built-in bases when the store has never had them. */
export async function openLegalBases(parts: LegalBasesParts): Promise<LegalBases> {
  await writeBuiltIn(parts);
  const { documents, trail } = parts;
  const inTurn = createTurns();
  const change = <Result>(
    { caller, brief }: Asked,
    title: string,
    run: (brief: string) => Promise<Outcome<Result>>,
  ) => {
    const operation = {
      caller,
      permission: "consent.manage",
      title: titleFor(title, brief),
    } as const;
    return operate(trail, operation, async ({ hold }) => {
      const known = requireBrief(brief);
      await hold((act) => inTurn(TURN, act));
      return run(known);
    });
  };
  const find = (brief: string) => findBasis(documents, brief);
  const all = () => allBases(documents);
  return {
    all,
    find,
    list: (caller) =>
      operate(
        trail,
        { caller, permission: "consent.list", title: "get legal bases" },
        async () => ({
          result: (await all()).filter(({ isRemoved }) => !isRemoved).map(shownBasis),
        }),
      ),
    put: (asked) =>
      change(asked, "change legal basis", async (brief) => ({
        result: undefined,
        changes: await putBasis(parts, brief, (await asked.fields()) ?? {}),
      })),
    remove: (asked) =>
      change(asked, "delete legal basis", async (brief) => ({
        result: undefined,
        changes: await removeBasis(parts, brief),
      })),
    revokeAll: (asked) =>
      change(asked, "revoke all agreements", async (brief) => {
        const basis = await find(brief);
        if (basis === undefined) throw new LogveilError("basis-unknown");
        return { result: undefined, changes: [basisChange(revoked(basis, "revokedAll", parts))] };
      }),
  };
}

async function writeBuiltIn({ documents, clock }: LegalBasesParts): Promise<void> {
  if ((await documents.find("meta", BUILT_IN_MARK)) !== undefined) return;
  const creationtime = secondsOf(clock);
  const mark = { table: "meta", key: BUILT_IN_MARK, value: Buffer.of(1) } as const;
  const bases = BUILT_IN.map((basis) => createBasis({ ...basis, creationtime }, randomUuid()));
  await documents.commit([mark, ...bases.map(basisChange)]);
}

async function findBasis(documents: Documents, brief: string): Promise<StoredBasis | undefined> {
  const value = await documents.find("legalBasis", brief);
  const basis = value === undefined ? undefined : decodeBasis({ value });
  return basis?.isRemoved === true ? undefined : basis;
}

async function allBases(documents: Documents): Promise<readonly StoredBasis[]> {
  const stored = await documents.list("legalBasis", { limit: MAX_BASES });
  return stored.map(decodeBasis);
}

async function putBasis(
  { documents, clock }: LegalBasesParts,
  brief: string,
  fields: Fields,
): Promise<readonly Change[]> {
  const value = await documents.find("legalBasis", brief);
  const known = value === undefined ? undefined : decodeBasis({ value });
  const name = textOf(fields, "brief") === "" ? brief : requireBrief(textOf(fields, "brief"));
  const isRenamed = name !== brief;
  if (known === undefined || isRenamed) await requireRoom(documents, name);
  const stated = parseBasis(fields);
  const fresh = createBasis({ ...stated, brief, creationtime: secondsOf(clock) }, randomUuid());
  const basis = { ...(known ?? fresh), ...stated, brief: name, isRemoved: false };
  const old = { table: "legalBasis", key: brief, value: undefined } as const;
  return isRenamed && known !== undefined ? [old, basisChange(basis)] : [basisChange(basis)];
}

/** Removed ones take up room too, and their name is free. */
async function requireRoom(documents: Documents, brief: string): Promise<void> {
  if ((await findBasis(documents, brief)) !== undefined) throw new LogveilError("basis-exists");
  const stored = await documents.list("legalBasis", { limit: MAX_BASES });
  if (stored.length >= MAX_BASES) throw new LogveilError("limit-reached");
}

async function removeBasis(parts: LegalBasesParts, brief: string): Promise<readonly Change[]> {
  const basis = await findBasis(parts.documents, brief);
  if (basis === undefined) return [];
  const given = await parts.documents.list("agreement", { prefix: `${basis.id}/`, limit: 1 });
  const isRemoved = given.length === 0;
  return [basisChange({ ...revoked(basis, "revokedGiven", parts), status: "deleted", isRemoved })];
}

function revoked(
  basis: StoredBasis,
  which: "revokedAll" | "revokedGiven",
  { clock }: LegalBasesParts,
): StoredBasis {
  const generation = basis.generation + 1;
  return { ...basis, generation, [which]: { generation, when: secondsOf(clock) } };
}

function requireBrief(text: string): string {
  const brief = findBrief(text);
  if (brief === undefined) throw new LogveilError("brief-invalid");
  return brief;
}

function secondsOf(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}
