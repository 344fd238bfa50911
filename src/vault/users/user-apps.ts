// User apps: what single applications keep about a data subject, beside the user record and under the same key.

import type { Caller } from "../../callers/caller.ts";
import { LogveilError } from "../../errors.ts";
import { Concealed } from "../concealed.ts";
import type { ReadFields } from "../fields.ts";
import { operate } from "../operation.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { requireBounded } from "./record-patch.ts";
import type { RecordPatch } from "./record-patch.ts";
import {
  MAX_APPS,
  allAppNames,
  appChanges,
  appNamesOf,
  appRemoval,
  findAppName,
  findAppRecord,
  parseAppName,
} from "./user-app-record.ts";
import { draftAppChange, findPlace, holdPlace, requirePlace } from "./user-app-place.ts";
import type { OpenPlace } from "./user-app-place.ts";
import { findIdentityMode } from "./user-directory.ts";
import { locateUser, requireShowable, titleBy } from "./user-location.ts";
import type { NamedUser } from "./user-location.ts";
import type { Hold, UserParts } from "./user-parts.ts";
import type { Profile } from "./user-record.ts";
import type { Changed, UserView } from "./users.ts";

export type NamedApp = NamedUser & { readonly app: string };

/** What names the user is refused as for `Users`; everything rejects `app-name-invalid`, and `not-found` for an erased user. */
export type UserApps = {
  /** Stores or replaces. Resolves to the user token. Rejects `body-missing`, `apps-full`, `record-restricted`, `record-too-large`. */
  readonly store: (request: NamedApp, read: ReadFields) => Promise<string>;
  /** Rejects `not-found`, `record-restricted`. */
  readonly read: (request: NamedApp) => Promise<UserView>;
  /** Rejects `app-missing`, `body-missing`, `app-patch-failed`, `record-restricted`, `record-too-large`; then nothing was changed. */
  readonly change: (
    request: NamedApp,
    read: () => Promise<RecordPatch | undefined>,
  ) => Promise<Changed>;
  /** Resolves to the user token, also when there was no such app. */
  readonly remove: (request: NamedApp) => Promise<string>;
  /** The user's apps, last name first. */
  readonly list: (
    request: NamedUser,
  ) => Promise<{ readonly token: string; readonly apps: readonly string[] }>;
  /** The names of all apps, at most 1000. */
  readonly listAll: (caller: Caller | undefined) => Promise<readonly string[]>;
  /** For other parts of the vault: by user token and name. SECURITY: without permission and event, which are the asking part's. */
  readonly findApp: (token: string, app: string) => Promise<Profile | undefined>;
};

const MAX_NAMES = 1000;

export function createUserApps(parts: UserParts): UserApps {
  const { documents, trail } = parts;
  const operations = new AppOperations(parts);
  return {
    store: (request, read) => operations.store(request, read),
    read: (request) => operations.read(request),
    change: (request, read) => operations.change(request, read),
    remove: (request) => operations.remove(request),
    list: (request) => operations.list(request),
    listAll: (caller) =>
      operate(trail, { caller, permission: "app.list", title: "get app list" }, async () => ({
        result: await allAppNames(documents, MAX_NAMES),
      })),
    findApp: (token, app) => findApp(parts, token, app),
  };
}

async function findApp(parts: UserParts, token: string, app: string): Promise<Profile | undefined> {
  const place = await findPlace(parts, token, app);
  return place && findAppRecord(parts.documents, place, place.key);
}

class AppOperations {
  readonly #parts: UserParts;

  constructor(parts: UserParts) {
    this.#parts = parts;
  }

  store(request: NamedApp, read: ReadFields): Promise<string> {
    const { documents, trail } = this.#parts;
    const operation = operationOf(request, "app.change", "create user app record");
    return operate(trail, operation, async (context) => {
      const { token, app } = await this.#locate(request, context);
      const after = await read();
      if (after === undefined) throw new LogveilError("body-missing");
      requireBounded(after);
      const place = await holdPlace(this.#parts, token, app, this.#holdIn(context));
      const before = await findAppRecord(documents, place, place.key);
      if (before === undefined && (await appNamesOf(documents, token)).length >= MAX_APPS)
        throw new LogveilError("apps-full");
      return {
        result: token,
        changes: appChanges(place, after, place.key),
        personal: { before, after },
      };
    });
  }

  read(request: NamedApp): Promise<UserView> {
    const { documents, directory, trail } = this.#parts;
    const operation = operationOf(request, "app.read", "get user app record");
    return operate(trail, operation, async (context) => {
      const place = await this.#locate(request, context);
      await requireShowable(directory, place.token, request.caller);
      const data = await findAppRecord(documents, place, place.key);
      if (data === undefined) throw new LogveilError("not-found");
      return { result: new Concealed({ token: place.token, data }) };
    });
  }

  change(request: NamedApp, read: () => Promise<RecordPatch | undefined>): Promise<Changed> {
    const { trail, selfService, requests } = this.#parts;
    const operation = operationOf(request, "app.change", "change user app record");
    const isSelf = request.caller?.role === "login";
    return operate<Changed>(trail, operation, async (context) => {
      const { token, app } = await this.#locate(request, context);
      const patch = await read();
      if (patch === undefined) throw new LogveilError("body-missing");
      const { place, before, after } = await draftAppChange(
        this.#parts,
        { token, app, patch },
        this.#holdIn(context),
      );
      if (isSelf && !selfService.changeApps.some((pattern) => isMatch(pattern, app))) {
        const details = { app, change: patch };
        const { changes, ...receipt } = await requests.create("change-app-data", token, details);
        return { result: { isDone: false, ...receipt }, changes, message: receipt.result };
      }
      const changes = appChanges(place, after, place.key);
      return { result: { isDone: true, token }, changes, personal: { before, after } };
    });
  }

  remove(request: NamedApp): Promise<string> {
    const { documents, trail } = this.#parts;
    const operation = operationOf(request, "app.change", "delete user app record");
    return operate(trail, operation, async (context) => {
      const { token, app } = await this.#locate(request, context);
      const place = await holdPlace(this.#parts, token, app, this.#holdIn(context));
      const before = await findAppRecord(documents, place, place.key);
      return { result: token, changes: appRemoval(token, app), personal: { before } };
    });
  }

  list(request: NamedUser): Promise<{ readonly token: string; readonly apps: readonly string[] }> {
    const { documents, directory, trail } = this.#parts;
    const operation = operationOf(request, "app.read", "get user app list");
    return operate(trail, operation, async ({ about }) => {
      const { token, isErased } = await locateUser(directory, request, about);
      if (isErased) throw new LogveilError("not-found");
      await requireShowable(directory, token, request.caller);
      const apps = (await appNamesOf(documents, token)).toReversed();
      return { result: new Concealed({ token, apps }) };
    });
  }

  async #locate(request: NamedApp, { about }: OperationContext): Promise<OpenPlace> {
    const { token } = await locateUser(this.#parts.directory, request, about);
    return requirePlace(this.#parts, token, parseAppName(request.app));
  }

  #holdIn({ hold }: OperationContext): Hold {
    return (keys) => hold((act) => this.#parts.inTurn(keys, act));
  }
}

function operationOf(
  request: NamedUser & { readonly app?: string },
  permission: "app.change" | "app.read",
  title: string,
): Operation {
  const { caller, mode, id, reason } = request;
  const app = request.app === undefined ? undefined : findAppName(request.app);
  return {
    caller,
    permission,
    title: titleBy(title, request),
    mode: findIdentityMode(mode),
    who: id,
    reason,
    app,
  };
}

/** `*`, `name`, `begin*`, `*end` or `*middle*`, as in Databunker's `app_record_change`. */
function isMatch(pattern: string, app: string): boolean {
  const text = pattern.replace(/^\*/, "").replace(/\*$/, "");
  const isOpenBefore = pattern.startsWith("*");
  const isOpenBehind = pattern.endsWith("*");
  if (isOpenBefore && isOpenBehind) return app.includes(text);
  if (isOpenBefore) return app.endsWith(text);
  return isOpenBehind ? app.startsWith(text) : app === text;
}
