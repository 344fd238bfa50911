import type { AuditTrail } from "../../audit/trail.ts";
import type { Keyring } from "../../keys/keyring.ts";
import type { Documents } from "../../store/documents.ts";
import type { DoomedKeys } from "../doomed-keys.ts";
import type { Notification } from "../notify/notification.ts";
import type { Change } from "../../store/documents.ts";
import type { UserRequestsPort } from "./requests-port.ts";
import type { TakeTurn } from "../turns.ts";
import type { UserDirectory } from "./user-directory.ts";
import type { UserFollower } from "./user-follower.ts";
import type { UserIndex } from "./user-index.ts";
import type { UserSchema } from "./user-schema.ts";

/** What a data subject may do without approval (`vault.selfService`). */
export type SelfService = {
  readonly forgetMe: boolean;
  readonly changeProfile: boolean;
  /** Names of apps, each with a `*` at either end for any beginning or any end. */
  readonly changeApps: readonly string[];
};

/** What users and user apps are made of. One `inTurn` for all of them and for whatever else follows a user. */
export type UserParts = {
  readonly documents: Documents;
  readonly subjects: Keyring["subjects"];
  readonly trail: Pick<AuditTrail, "append" | "admitAnonymous">;
  readonly directory: UserDirectory;
  readonly index: UserIndex;
  readonly schema: UserSchema;
  readonly inTurn: TakeTurn;
  readonly doomedKeys: DoomedKeys;
  readonly selfService: SelfService;
  readonly requests: UserRequestsPort;
  readonly followers: readonly UserFollower[];
  /** What the world outside is told (vault/notify). */
  readonly notify: (notification: Notification) => Promise<readonly Change[]>;
};

/** Waits for turns and keeps them until the operation's changes are stored. */
export type Hold = (keys: string | readonly string[]) => Promise<void>;
