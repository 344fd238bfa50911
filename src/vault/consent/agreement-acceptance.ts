import { LogveilError } from "../../errors.ts";
import type { Change } from "../../store/documents.ts";
import { findAddress, findUser } from "./agreement-subject.ts";
import type { AgreementSubjectParts } from "./agreement-subject.ts";
import type { AgreementTerms } from "./agreement-terms.ts";
import { storeTerms } from "./agreement-writing.ts";
import type { AgreementWritingParts, Identity } from "./agreement-writing.ts";
import type { AnonymousRate } from "./anonymous-rate.ts";
import type { StoredBasis } from "./legal-basis.ts";
import type { OperationContext, Outcome } from "../operation.ts";
import { indexTurn } from "../users/user-records.ts";

export type AgreementAcceptanceParts = AgreementSubjectParts &
  AgreementWritingParts & {
    /** Of what is agreed without an access token. */
    readonly rate: AnonymousRate;
  };

export type Accepted = {
  readonly basis: StoredBasis;
  readonly identity: Identity;
  readonly terms: AgreementTerms;
  readonly isDataSubject: boolean;
};

/** For a caller: of the user record, or else under the address. */
export async function accept(
  parts: AgreementAcceptanceParts,
  context: OperationContext,
  { basis, identity, terms, isDataSubject }: Accepted,
): Promise<Outcome<undefined>> {
  const { directory, shelf } = parts;
  const user = await findUser(parts, context, identity);
  // SECURITY: a data subject agrees for the own user record only.
  if (user === undefined && isDataSubject) throw new LogveilError("not-found");
  if (user === undefined) {
    const { isKnown, changes } = await acceptUnderAddress(parts, context, basis, identity, terms);
    // Somebody has come to have the address at this instant: the caller asks again, and means them.
    if (isKnown) throw new LogveilError("not-found");
    return { result: undefined, changes };
  }
  if (await directory.isRestricted(user.token)) throw new LogveilError("record-restricted");
  const place = shelf.placeOfUser(basis, user.token, user.key);
  return storeTerms(parts, place, basis, { identity, token: user.token, terms });
}

/** SECURITY: what nobody vouches for can only be a yes, and cannot say that somebody of the staff has written it down. */
export async function acceptOpenly(
  parts: AgreementAcceptanceParts,
  context: OperationContext,
  basis: StoredBasis,
  identity: Identity,
  terms: AgreementTerms,
): Promise<Outcome<undefined>> {
  if (terms.status !== "yes") throw new LogveilError("access-denied");
  parts.rate.count();
  const unsigned = { ...terms, lastmodifiedby: "" };
  const { isKnown, changes } = await acceptUnderAddress(parts, context, basis, identity, unsigned);
  // SECURITY: the same answer after the same work, whether or not there is a user record.
  return { result: undefined, changes: isKnown ? [] : changes };
}

/** Under the address's turn, in which users come to have it and lose it. Without `personal`: nobody's key could seal that. */
async function acceptUnderAddress(
  { directory, index, shelf, clock, inTurn, notify }: AgreementAcceptanceParts,
  { hold }: OperationContext,
  basis: StoredBasis,
  identity: Identity,
  terms: AgreementTerms,
): Promise<{ readonly isKnown: boolean; readonly changes: readonly Change[] }> {
  const address = findAddress(index, identity);
  if (address === undefined) throw new LogveilError("not-found");
  await hold((act) => inTurn(indexTurn(address), act));
  const place = await shelf.makePlaceOfAddress(basis, address);
  const given = { identity, token: "", terms };
  const { changes = [] } = await storeTerms({ shelf, clock, notify }, place, basis, given);
  return { isKnown: (await directory.ownerOf(address)) !== undefined, changes };
}
