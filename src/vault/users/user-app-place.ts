import { LogveilError } from "../../errors.ts";
import { findPatched } from "./record-patch.ts";
import type { RecordPatch } from "./record-patch.ts";
import { findAppRecord } from "./user-app-record.ts";
import type { AppPlace } from "./user-app-record.ts";
import type { Hold, UserParts } from "./user-parts.ts";
import type { Profile } from "./user-record.ts";
import { requireUnrestricted } from "./user-records.ts";
import { userTurn } from "./user-turn.ts";

/** Where an app of a user is, or would be, with the key that seals it. */
export type OpenPlace = AppPlace & { readonly key: Buffer };

type PlaceParts = Pick<UserParts, "directory">;

/** Undefined for an unknown and for an erased user. */
export async function findPlace(
  { directory }: PlaceParts,
  token: string,
  app: string,
): Promise<OpenPlace | undefined> {
  const user = await directory.find(token);
  const key = await directory.keyOf(token);
  if (user === undefined || key === undefined) return undefined;
  return { token, generation: user.generation, app, key };
}

/** As `findPlace`; rejects `not-found`. */
export async function requirePlace(
  parts: PlaceParts,
  token: string,
  app: string,
): Promise<OpenPlace> {
  const place = await findPlace(parts, token, app);
  if (place === undefined) throw new LogveilError("not-found");
  return place;
}

/** The place, which from now on nobody else changes. Rejects `record-restricted`, `not-found`. */
export async function holdPlace(
  parts: PlaceParts,
  token: string,
  app: string,
  hold: Hold,
): Promise<OpenPlace> {
  await hold(userTurn(token));
  await requireUnrestricted(parts, token);
  return requirePlace(parts, token, app);
}

/** A change of an app that is allowed and not yet made. Rejects `app-missing`, `app-patch-failed`, `record-restricted`, `record-too-large`. */
export async function draftAppChange(
  parts: Pick<UserParts, "directory" | "documents">,
  {
    token,
    app,
    patch,
  }: { readonly token: string; readonly app: string; readonly patch: RecordPatch },
  hold: Hold,
): Promise<{ readonly place: OpenPlace; readonly before: Profile; readonly after: Profile }> {
  const place = await holdPlace(parts, token, app, hold);
  const before = await findAppRecord(parts.documents, place, place.key);
  if (before === undefined) throw new LogveilError("app-missing");
  const after = findPatched(before, patch);
  if (after === undefined) throw new LogveilError("app-patch-failed");
  return { place, before, after };
}
