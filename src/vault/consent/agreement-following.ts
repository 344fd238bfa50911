import type { Change } from "../../store/documents.ts";
import type { AgreementPlace } from "./agreement.ts";
import type { AgreementShelf } from "./agreement-shelf.ts";
import { agreementsOf } from "./agreement-writing.ts";
import type { AgreementReadingParts, User } from "./agreement-writing.ts";
import type { HoldingPart } from "../rights/holdings.ts";
import type { LegalBases } from "./legal-bases.ts";
import type { StoredBasis } from "./legal-basis.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import type { UserFollower } from "../users/user-follower.ts";
import type { UserIndex } from "../users/user-index.ts";
import type { Profile } from "../users/user-record.ts";

export type AgreementFollowingParts = AgreementReadingParts & {
  readonly bases: Pick<LegalBases, "all">;
  readonly index: UserIndex;
  readonly directory: Pick<UserDirectory, "keyOf">;
};

/**
 * Agreements follow users: what was agreed under an e-mail address or phone number becomes the agreement of the user record that comes
 * to have it.
 */
export function createAgreementFollower(parts: AgreementFollowingParts): UserFollower {
  const { index } = parts;
  return {
    created: (user) => linkAnonymous(parts, user, addressesOf(index, user.profile)),
    changed: (user) => {
      const before = addressesOf(index, user.before);
      const gained = addressesOf(index, user.profile).filter(
        (address) => !before.includes(address),
      );
      return linkAnonymous(parts, user, gained);
    },
  };
}

/** What makes agreements under `addresses` those of the user record. Where it has one of its own already, that one stays. */
export async function linkAnonymous(
  { bases, shelf }: Pick<AgreementFollowingParts, "bases" | "shelf">,
  user: User,
  addresses: readonly string[],
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const basis of addresses.length === 0 ? [] : await bases.all()) {
    let isTaken = (await shelf.find(shelf.placeOfUser(basis, user.token, user.key))) !== undefined;
    for (const address of addresses) {
      const place = await shelf.findPlaceOfAddress(basis, address);
      const moved = place && (await move(shelf, place, basis, isTaken ? undefined : user));
      if (moved === undefined) continue;
      changes.push(...moved, shelf.removal(basis, { address }));
      isTaken = true;
    }
  }
  return changes;
}

async function move(
  shelf: AgreementShelf,
  from: AgreementPlace,
  basis: StoredBasis,
  user: User | undefined,
): Promise<readonly Change[] | undefined> {
  const agreement = await shelf.find(from);
  if (agreement === undefined) return undefined;
  if (user === undefined) return [];
  return shelf.storing(shelf.placeOfUser(basis, user.token, user.key), agreement);
}

/** For the export and the erasure of a person. */
export function createAgreementHolding(parts: AgreementFollowingParts): HoldingPart {
  const { bases, shelf, directory } = parts;
  return {
    kind: "agreements",
    exportOf: async (token) => {
      const key = await directory.keyOf(token);
      const views = key === undefined ? [] : await agreementsOf(parts, { token, key });
      return views.length === 0 ? undefined : views;
    },
    eraseOf: async (token) => {
      const held: Change[] = [];
      for (const basis of await bases.all())
        if (await shelf.has(basis, token)) held.push(shelf.removal(basis, { token }));
      return { count: held.length, changes: held };
    },
  };
}

/** Keys of the blind index. */
function addressesOf(index: UserIndex, profile: Profile): readonly string[] {
  const keys = index.keysOf(profile);
  return [keys.get("email"), keys.get("phone")].filter((address) => address !== undefined);
}
