import type { Change } from "../../store/documents.ts";
import type { Profile } from "./user-record.ts";

/** A user as it is after the change, with the data subject's key. */
export type FollowedUser = {
  readonly token: string;
  readonly profile: Profile;
  readonly key: Buffer;
};

/**
 * A part of the vault that follows what happens to users. What it returns is stored in one batch with the record and the event. What
 * goes with a user's erasure is a `HoldingPart` (holdings.ts).
 */
export type UserFollower = {
  readonly created?: (user: FollowedUser) => Promise<readonly Change[]>;
  readonly changed?: (
    user: FollowedUser & { readonly before: Profile },
  ) => Promise<readonly Change[]>;
};
