import type { Clock } from "../../clock.ts";
import { canonicalEmail } from "../../identity/email.ts";
import type { Change } from "../../store/documents.ts";
import { shownAgreement } from "./agreement.ts";
import type { Agreement, AgreementPlace, AgreementView } from "./agreement.ts";
import type { AgreementShelf } from "./agreement-shelf.ts";
import type { AgreementTerms } from "./agreement-terms.ts";
import type { LegalBases } from "./legal-bases.ts";
import type { StoredBasis } from "./legal-basis.ts";
import type { Outcome } from "../operation.ts";
import type { IdentityMode } from "../users/user-directory.ts";
import type { UserParts } from "../users/user-parts.ts";

export type AgreementReadingParts = { readonly shelf: AgreementShelf; readonly clock: Clock };

export type AgreementWritingParts = AgreementReadingParts & {
  readonly notify: UserParts["notify"];
};

/** A data subject as a request names them. */
export type Identity = { readonly mode: IdentityMode; readonly id: string };

/** A user record with the data subject's key. */
export type User = { readonly token: string; readonly key: Buffer };

/** All that a user record has agreed to, as it stands now. */
export async function agreementsOf(
  { bases, shelf, clock }: AgreementReadingParts & { readonly bases: Pick<LegalBases, "all"> },
  { token, key }: User,
): Promise<readonly AgreementView[]> {
  const views: AgreementView[] = [];
  for (const basis of await bases.all()) {
    if (basis.isRemoved) continue;
    const agreement = await shelf.find(shelf.placeOfUser(basis, token, key));
    if (agreement !== undefined)
      views.push(shownAgreement(agreement, basis, { token, nowMs: clock.now() }));
  }
  return views;
}

export type Withdrawal = {
  readonly identity: Identity;
  /** Empty under an address. */
  readonly token: string;
  readonly lastmodifiedby: string;
};

/** What withdraws the agreement in `place`; nothing when there is none. For a caller who may, and for an approved request. */
export async function withdraw(
  { shelf, clock, notify }: AgreementWritingParts,
  place: AgreementPlace,
  basis: StoredBasis,
  { identity, token, lastmodifiedby }: Withdrawal,
): Promise<Outcome<undefined>> {
  const before = await shelf.find(place);
  if (before === undefined) return { result: undefined };
  const nowMs = clock.now();
  const after: Agreement = {
    ...before,
    ...named(identity),
    endtime: 0,
    generation: basis.generation,
    lastmodifiedby,
    status: "no",
    when: Math.floor(nowMs / 1000),
  };
  const shown = (agreement: Agreement) => shownAgreement(agreement, basis, { token, nowMs });
  return {
    result: undefined,
    changes: [...shelf.storing(place, after), ...(await tell(notify, shown(after), before))],
    personal: { before: shown(before), after: shown(after) },
  };
}

/** What writes down `terms` in `place`, over what was there. */
export async function storeTerms(
  { shelf, clock, notify }: AgreementWritingParts,
  place: AgreementPlace,
  basis: StoredBasis,
  given: { readonly identity: Identity; readonly token: string; readonly terms: AgreementTerms },
): Promise<Outcome<undefined>> {
  const { identity, token, terms } = given;
  const nowMs = clock.now();
  const when = Math.floor(nowMs / 1000);
  const before = await shelf.find(place);
  const after: Agreement = {
    ...terms,
    ...named(identity),
    creationtime: before?.creationtime ?? when,
    generation: basis.generation,
    when,
  };
  const shown = (agreement: Agreement) => shownAgreement(agreement, basis, { token, nowMs });
  return {
    result: undefined,
    changes: [...shelf.storing(place, after), ...(await tell(notify, shown(after), before))],
    personal: { ...(before && { before: shown(before) }), after: shown(after) },
  };
}

function named({ mode, id }: Identity): Pick<Agreement, "mode" | "who"> {
  return { mode, who: (mode === "email" ? canonicalEmail(id) : undefined) ?? id.trim() };
}

/** Of users alone: what is agreed under an address, nobody has vouched for. */
async function tell(
  notify: AgreementWritingParts["notify"],
  { brief, status, token }: AgreementView,
  before: Agreement | undefined,
): Promise<readonly Change[]> {
  if (token === "" || before?.status === status) return [];
  const details = { brief, status };
  return notify({
    action: "consentchange",
    identity: token,
    mode: "token",
    subject: token,
    details,
  });
}
