import { LogveilError } from "../../errors.ts";
import type { AgreementPlace } from "./agreement.ts";
import type { AgreementShelf } from "./agreement-shelf.ts";
import type { Identity, User } from "./agreement-writing.ts";
import type { StoredBasis } from "./legal-basis.ts";
import type { OperationContext } from "../operation.ts";
import type { TakeTurn } from "../turns.ts";
import { parseIdentityMode, parseUserToken } from "../users/user-directory.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import type { UserIndex } from "../users/user-index.ts";
import { userTurn } from "../users/user-turn.ts";

export type AgreementSubjectParts = {
  readonly directory: UserDirectory;
  readonly index: UserIndex;
  readonly shelf: AgreementShelf;
  /** The turns under which users change. */
  readonly inTurn: TakeTurn;
};

/** Whose agreement: the token is empty under an address. */
export type Place = { readonly place: AgreementPlace; readonly token: string };

/** Throws `mode-invalid`, `uuid-invalid`. */
export function parseIdentity(text: string, id: string): Identity {
  const mode = parseIdentityMode(text);
  return { mode, id: mode === "token" ? parseUserToken(id) : id };
}

/** Notes the user in the event, and waits until nobody else changes it. */
export async function findUser(
  { directory, inTurn }: AgreementSubjectParts,
  { about, hold }: OperationContext,
  { mode, id }: Identity,
): Promise<User | undefined> {
  const token = await directory.resolve(mode, id);
  if (token === undefined) return undefined;
  about(token, await directory.keyOf(token));
  await hold((act) => inTurn(userTurn(token), act));
  const key = await directory.keyOf(token);
  return key === undefined ? undefined : { token, key };
}

/** The agreement of the user record of that identity, or else what was agreed under the address. */
export async function requirePlace(
  parts: AgreementSubjectParts,
  context: OperationContext,
  basis: StoredBasis,
  identity: Identity,
): Promise<Place> {
  const { shelf, index } = parts;
  const user = await findUser(parts, context, identity);
  if (user !== undefined)
    return { place: shelf.placeOfUser(basis, user.token, user.key), token: user.token };
  const address = findAddress(index, identity);
  const place = address === undefined ? undefined : await shelf.findPlaceOfAddress(basis, address);
  if (place === undefined) throw new LogveilError("not-found");
  return { place, token: "" };
}

/** The key of the blind index; undefined for what is neither an e-mail address nor a phone number. */
export function findAddress(index: UserIndex, { mode, id }: Identity): string | undefined {
  return mode === "email" || mode === "phone" ? index.keyOf(mode, id) : undefined;
}
