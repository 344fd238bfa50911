import { aeadKey, associatedData, openWith, sealWith } from "../../keys/aead.ts";
import { LogveilError } from "../../errors.ts";
import type { Change, Documents } from "../../store/documents.ts";
import { keyNameOf } from "./user-record.ts";
import type { Profile } from "./user-record.ts";

const APP_NAME = /^[a-z][a-z0-9_]{1,30}$/;
/** Bound of one user's apps; with 256 KiB each that is more than anybody's. */
export const MAX_APPS = 256;
const NAMES = "names/";
const VERSION = "1";

/** Lower case. Throws `app-name-invalid`. */
export function parseAppName(text: string): string {
  const name = findAppName(text);
  if (name === undefined) throw new LogveilError("app-name-invalid");
  return name;
}

export function findAppName(text: string): string | undefined {
  const name = text.toLowerCase();
  return APP_NAME.test(name) ? name : undefined;
}

/** Whose app it is, and which of that data subject's keys seals it. */
export type AppPlace = {
  readonly token: string;
  readonly generation: number;
  readonly app: string;
};

/** Sealed with the data subject's key; binds purpose, the key's name, user token and app. */
export function appChanges(place: AppPlace, record: Profile, key: Buffer): readonly Change[] {
  const plaintext = Buffer.from(JSON.stringify(record));
  const value = sealWith(aeadKey(key), plaintext, bindingOf(place));
  const { token, app } = place;
  return [
    { table: "app", key: recordKey(token, app), value },
    { table: "app", key: nameKey(app, token), value: new Uint8Array(0) },
  ];
}

export function appRemoval(token: string, app: string): readonly Change[] {
  return [
    { table: "app", key: recordKey(token, app), value: undefined },
    { table: "app", key: nameKey(app, token), value: undefined },
  ];
}

/** Everything that removes the apps of a user. */
export async function appRemovals(documents: Documents, token: string): Promise<readonly Change[]> {
  return (await appNamesOf(documents, token)).flatMap((app) => appRemoval(token, app));
}

/** Rejects `open-failed` for a damaged record. */
export async function findAppRecord(
  documents: Documents,
  place: AppPlace,
  key: Buffer,
): Promise<Profile | undefined> {
  const sealed = await documents.find("app", recordKey(place.token, place.app));
  if (sealed === undefined) return undefined;
  const plaintext = openWith(aeadKey(key), sealed, bindingOf(place));
  return JSON.parse(plaintext.toString("utf8")) as Profile; // authenticated: as `appChanges` wrote it
}

/** Ascending. */
export async function appNamesOf(documents: Documents, token: string): Promise<readonly string[]> {
  const prefix = recordKey(token, "");
  const rows = await documents.list("app", { prefix, limit: MAX_APPS });
  return rows.map(({ key }) => key.slice(prefix.length));
}

/** Names of the apps that any user has, ascending; one read for each. */
export async function allAppNames(documents: Documents, limit: number): Promise<readonly string[]> {
  const names: string[] = [];
  let from = NAMES;
  while (names.length < limit) {
    const [row] = await documents.list("app", { prefix: NAMES, from, limit: 1 });
    const name = row?.key.slice(NAMES.length).split("/", 1)[0];
    if (name === undefined) break;
    names.push(name);
    from = `${NAMES}${name}0`; // "0" is the character behind "/", so this is behind all users of that app
  }
  return names;
}

function recordKey(token: string, app: string): string {
  return `${token}/${app}`;
}

/** No user token begins with "n". */
function nameKey(app: string, token: string): string {
  return `${NAMES}${app}/${token}`;
}

function bindingOf({ token, generation, app }: AppPlace): Buffer {
  return associatedData("user app", VERSION, keyNameOf(token, generation), token, app);
}
