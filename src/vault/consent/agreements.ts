// What data subjects have agreed to. An agreement belongs to a legal basis and to a user record, sealed under the data subject's key.
//
// One thing may be done without an access token, because forms for newsletters do it: agreeing, by e-mail address or phone number, to a
// basis that data subjects decide about themselves. It never touches what a user record has agreed to, and whether there is one is
// never told: it is kept under the address until a user record comes to have that, and for one that has it already nothing is kept.
// Withdrawing, reading and saying no always take a caller.

import type { AuditTrail } from "../../audit/trail.ts";
import { LogveilError } from "../../errors.ts";
import type { Change } from "../../store/documents.ts";
import { isOpenToAgreement, shownAgreement } from "./agreement.ts";
import type { AgreementView } from "./agreement.ts";
import { accept, acceptOpenly } from "./agreement-acceptance.ts";
import type { AgreementAcceptanceParts } from "./agreement-acceptance.ts";
import { findUser, parseIdentity, requirePlace } from "./agreement-subject.ts";
import { parseTerms } from "./agreement-terms.ts";
import { agreementsOf, withdraw } from "./agreement-writing.ts";
import type { Identity } from "./agreement-writing.ts";
import { findBrief, titleFor } from "./brief.ts";
import { Concealed } from "../concealed.ts";
import { textOf } from "../fields.ts";
import type { ReadFields } from "../fields.ts";
import type { LegalBases } from "./legal-bases.ts";
import type { StoredBasis } from "./legal-basis.ts";
import { operate } from "../operation.ts";
import type { Outcome } from "../operation.ts";
import { findIdentityMode } from "../users/user-directory.ts";
import { requireShowable } from "../users/user-location.ts";
import type { NamedUser } from "../users/user-location.ts";
import type { OpenedRequest } from "./user-request.ts";

export type AskedAgreement = NamedUser & { readonly brief: string };

/**
 * Everything rejects `access-denied` first, then `brief-invalid`, `mode-invalid`, `uuid-invalid`; `not-found` for a data subject who is not
 * known, and `audit-unavailable` in an outage.
 */
export type Agreements = {
  /**
   * `isBare`: the request has no access token at all; a wrong one is a caller that may not. Rejects `brief-incorrect`, `basis-unknown`,
   * `expiration-invalid`, `record-restricted`, `too-many-requests`.
   */
  readonly accept: (
    asked: AskedAgreement & { readonly isBare: boolean; readonly fields: ReadFields },
  ) => Promise<void>;
  /** Rejects `basis-unknown`, and `not-found` when nothing was agreed. */
  readonly read: (asked: AskedAgreement) => Promise<AgreementView>;
  readonly list: (asked: NamedUser) => Promise<readonly AgreementView[]>;
  /** A data subject who may not withdraw alone opens a request, which is what resolves. Rejects `basis-missing`. */
  readonly withdraw: (
    asked: AskedAgreement & { readonly fields: ReadFields },
  ) => Promise<OpenedRequest | undefined>;
};

export type AgreementsParts = AgreementAcceptanceParts & {
  readonly trail: AuditTrail;
  readonly bases: Pick<LegalBases, "all" | "find">;
  /** Opens a request to withdraw; called under the user's turn. */
  readonly requestWithdrawal: (
    token: string,
    brief: string,
  ) => Promise<OpenedRequest & { readonly changes: readonly Change[] }>;
};

export function createAgreements(parts: AgreementsParts): Agreements {
  const { trail } = parts;
  return {
    accept: (asked) => {
      const { caller, mode, id, isBare } = asked;
      const isOpen = isBare && caller === undefined && isAddressMode(mode);
      const operation = operationOf(
        asked,
        "accept agreement",
        isOpen ? undefined : "consent.change",
      );
      return operate(trail, operation, async (context) => {
        const brief = findBrief(asked.brief);
        if (brief === undefined) throw new LogveilError("brief-incorrect");
        const identity = parseIdentity(mode, id);
        const basis = await parts.bases.find(brief);
        if (isOpen && !(isOpenToAgreement(basis) && basis.usercontrol))
          throw new LogveilError("access-denied");
        if (!isOpenToAgreement(basis)) throw new LogveilError("basis-unknown");
        const terms = parseTerms((await asked.fields()) ?? {}, parts.clock.now());
        if (isOpen) return acceptOpenly(parts, context, basis, identity, terms);
        const isDataSubject = caller?.role === "login";
        return accept(parts, context, { basis, identity, terms, isDataSubject });
      });
    },
    read: (asked) =>
      operate(trail, operationOf(asked, "get agreement", "consent.read"), async (context) => {
        const { basis, identity } = await findAsked(parts, asked, "basis-unknown");
        const { place, token } = await requirePlace(parts, context, basis, identity);
        if (token !== "") await requireShowable(parts.directory, token, asked.caller);
        const agreement = await parts.shelf.find(place);
        if (agreement === undefined) throw new LogveilError("not-found");
        const nowMs = parts.clock.now();
        return { result: new Concealed(shownAgreement(agreement, basis, { token, nowMs })) };
      }),
    list: (asked) => {
      const { caller, mode, id, reason } = asked;
      const known = findIdentityMode(mode);
      const title = `get agreements for ${known ?? "unknown mode"}`;
      const operation = {
        caller,
        permission: "consent.read",
        title,
        mode: known,
        who: id,
        reason,
      } as const;
      return operate(trail, operation, async (context) => {
        const user = await findUser(parts, context, parseIdentity(mode, id));
        if (user === undefined) throw new LogveilError("not-found");
        await requireShowable(parts.directory, user.token, caller);
        return { result: new Concealed(await agreementsOf(parts, user)) };
      });
    },
    withdraw: (asked) =>
      operate(
        trail,
        operationOf(asked, "withdraw agreement", "consent.change"),
        async (context) => {
          const { basis, identity } = await findAsked(parts, asked, "basis-missing");
          const lastmodifiedby = textOf((await asked.fields()) ?? {}, "lastmodifiedby");
          const { place, token } = await requirePlace(parts, context, basis, identity);
          if (asked.caller?.role === "login" && !basis.usercontrol)
            return requestWithdrawal(parts, token, basis);
          return withdraw(parts, place, basis, { identity, token, lastmodifiedby });
        },
      ),
  };
}

function operationOf(
  { caller, mode, id, brief, reason }: AskedAgreement,
  title: string,
  permission: "consent.read" | "consent.change" | undefined,
) {
  const named = { mode: findIdentityMode(mode), who: id };
  return { caller, permission, title: titleFor(title, brief), reason, ...named };
}

async function findAsked(
  { bases }: AgreementsParts,
  asked: AskedAgreement,
  otherwise: "basis-unknown" | "basis-missing",
): Promise<{ readonly basis: StoredBasis; readonly identity: Identity }> {
  const brief = findBrief(asked.brief);
  if (brief === undefined) throw new LogveilError("brief-invalid");
  const identity = parseIdentity(asked.mode, asked.id);
  const basis = await bases.find(brief);
  if (basis === undefined) throw new LogveilError(otherwise);
  return { basis, identity };
}

async function requestWithdrawal(
  parts: AgreementsParts,
  token: string,
  { brief }: StoredBasis,
): Promise<Outcome<OpenedRequest>> {
  const { result, rtoken, changes } = await parts.requestWithdrawal(token, brief);
  return { result: { result, rtoken }, changes };
}

function isAddressMode(mode: string): boolean {
  return mode.toLowerCase() === "email" || mode.toLowerCase() === "phone";
}
