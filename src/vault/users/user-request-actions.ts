import type { PreparedChange } from "./prepared-change.ts";
import { parseRecordPatch } from "./record-patch.ts";
import type { RequestActions } from "../consent/requests.ts";
import { draftAppChange } from "./user-app-place.ts";
import { appChanges } from "./user-app-record.ts";
import type { UserErasure } from "./user-erasure.ts";
import type { UserParts } from "./user-parts.ts";
import type { UserRecords } from "./user-records.ts";

/** How approved requests about user records and apps are carried out: as the change itself would be, without asking for approval again. */
export function createUserRequestActions(
  parts: Pick<UserParts, "directory" | "documents">,
  records: UserRecords,
  erasure: UserErasure,
): Omit<RequestActions, "withdraw"> {
  return {
    applyProfileChange: async (token, change, hold): Promise<PreparedChange> => {
      const draft = await records.draftChange(token, parseRecordPatch(change), hold);
      const { before, after } = draft;
      return { changes: await records.change(draft, hold), personal: { before, after } };
    },
    applyAppChange: async (token, { app, patch }, hold): Promise<PreparedChange> => {
      const wanted = { token, app, patch: parseRecordPatch(patch) };
      const { place, before, after } = await draftAppChange(parts, wanted, hold);
      return { changes: appChanges(place, after, place.key), personal: { before, after } };
    },
    eraseUser: async (token, hold): Promise<PreparedChange> => ({
      changes: await erasure.prepare(token, hold),
      finish: () => erasure.finish(token),
    }),
  };
}
