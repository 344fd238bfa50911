// User records as callers see them: who may create, read, change, erase and list them. Every one of these is one operation with its
// event; how records come about is in user-records.ts, how they go in user-erasure.ts.

import type { Caller } from "../../callers/caller.ts";
import { LogveilError } from "../../errors.ts";
import { Concealed } from "../concealed.ts";
import type { Fields, ReadFields } from "../fields.ts";
import { operate } from "../operation.ts";
import type { Operation, OperationContext } from "../operation.ts";
import type { RecordPatch } from "./record-patch.ts";
import type { RequestReceipt } from "./requests-port.ts";
import { findIdentityMode } from "./user-directory.ts";
import type { UserErasure } from "./user-erasure.ts";
import { findLocatedUser, locateUser, requireShowable, titleBy } from "./user-location.ts";
import type { NamedUser } from "./user-location.ts";
import { createUserList } from "./user-list.ts";
import type { UserExpiryOf, UserPage } from "./user-list.ts";
import type { Hold, UserParts } from "./user-parts.ts";
import { createUserRecords } from "./user-records.ts";
import type { NewUser } from "./user-records.ts";
import { userTurn } from "./user-turn.ts";

export type UserView = { readonly token: string; readonly data: Fields };

/** A change that was made, or one that waits for approval. */
export type Changed =
  | { readonly isDone: true; readonly token: string }
  | ({ readonly isDone: false } & Omit<RequestReceipt, "changes">);

export type Users = {
  /**
   * Resolves to the user token. Rejects `user-body-missing`, `user-schema-violated`, `duplicate-login` (`-email`, `-phone`, `-custom`),
   * `lookup-fields-missing`, `record-too-large`.
   */
  readonly create: (caller: Caller | undefined, read: ReadFields) => Promise<string>;
  /** Of an erased user, by token, empty. Rejects `record-restricted`. */
  readonly read: (request: NamedUser) => Promise<UserView>;
  /**
   * Rejects `user-missing`, `user-body-missing`, `patch-failed`, `duplicate-on-change`, `user-schema-violated-on-change`,
   * `record-restricted`, `record-too-large`; then nothing has been changed.
   */
  readonly change: (
    request: NamedUser,
    read: () => Promise<RecordPatch | undefined>,
  ) => Promise<Changed>;
  /** Resolves when the user's key is gone. Rejects `user-erased` for the second time, `record-restricted`. */
  readonly erase: (request: NamedUser) => Promise<Changed>;
  /** By user token, last one first. Rejects `list-disabled` unless it was allowed. */
  readonly list: (
    caller: Caller | undefined,
    page: { readonly offset: number; readonly limit: number },
  ) => Promise<UserPage>;
};

export type UsersParts = UserParts & {
  readonly erasure: UserErasure;
  /** `vault.dialect.createUserWithoutToken` */
  readonly isCreationOpen: boolean;
  /** `vault.dialect.listUsers` */
  readonly isListAllowed: boolean;
  readonly expiryOf?: UserExpiryOf | undefined;
};

export function createUsers(parts: UsersParts): Users {
  const list = createUserList(parts);
  const operations = new UserOperations(parts);
  return {
    create: (caller, read) => operations.create(caller, read),
    read: (request) => operations.read(request),
    change: (request, read) => operations.change(request, read),
    erase: (request) => operations.erase(request),
    list: (caller, page) =>
      operate(
        parts.trail,
        { caller, permission: "user.list", title: "get all user records" },
        async () => {
          if (!parts.isListAllowed) throw new LogveilError("list-disabled");
          return { result: new Concealed(await list({ caller, ...page })) };
        },
      ),
  };
}

class UserOperations {
  readonly #parts: UsersParts;
  readonly #records: ReturnType<typeof createUserRecords>;

  constructor(parts: UsersParts) {
    this.#parts = parts;
    this.#records = createUserRecords(parts);
  }

  async create(caller: Caller | undefined, read: ReadFields): Promise<string> {
    const isOpen = caller === undefined && this.#parts.isCreationOpen;
    const permission = isOpen ? undefined : "user.create";
    const operation = { caller, permission, title: "create user record" } as const;
    const made: NewUser[] = [];
    try {
      return await operate(this.#parts.trail, operation, async (context) => {
        const profile = await read();
        if (profile === undefined) throw new LogveilError("user-body-missing");
        const user = await this.#records.create(profile, this.#holdIn(context));
        made.push(user);
        context.about(user.token, user.key);
        return { result: user.token, changes: user.changes, personal: { after: profile } };
      });
    } catch (error) {
      for (const { token } of made) await this.#records.discard(token);
      throw error;
    }
  }

  read(request: NamedUser): Promise<UserView> {
    const { trail, directory } = this.#parts;
    const operation = operationOf(request, "user.read", "get user record");
    return operate(trail, operation, async ({ about }) => {
      const user = await locateUser(directory, request, about);
      const { token } = user;
      await requireShowable(directory, token, request.caller);
      const data = (await directory.open(user))?.profile ?? {};
      return { result: new Concealed({ token, data }) };
    });
  }

  change(request: NamedUser, read: () => Promise<RecordPatch | undefined>): Promise<Changed> {
    const { trail, directory, schema, selfService, requests } = this.#parts;
    const isSelf = request.caller?.role === "login";
    const isRequest = isSelf && !selfService.changeProfile;
    const operation = operationOf(request, "user.change", "change user record");
    const title = isRequest ? "user change-profile request" : operation.title;
    return operate<Changed>(trail, { ...operation, title }, async (context) => {
      const { token } = await locateUser(directory, request, context.about);
      const patch = await read();
      if (patch === undefined) throw new LogveilError("user-body-missing");
      const hold = this.#holdIn(context);
      const draft = await this.#records.draftChange(token, patch, hold);
      const { before, after } = draft;
      if (isRequest || (isSelf && schema.changesAdmin(before, after)))
        return requested(await requests.create("change-profile", token, { change: patch }));
      const changes = await this.#records.change(draft, hold);
      return { result: { isDone: true, token }, changes, personal: { before, after } };
    });
  }

  erase(request: NamedUser): Promise<Changed> {
    const { trail, directory, selfService, requests, erasure } = this.#parts;
    const isRequest = request.caller?.role === "login" && !selfService.forgetMe;
    const operation = operationOf(request, "user.erase", "delete user record");
    const title = isRequest ? "user forget-me request" : operation.title;
    return operate<Changed>(trail, { ...operation, title }, async (context) => {
      const user = await findLocatedUser(directory, request, context.about);
      if (user === undefined) return { result: nobody(request), message: "not-found" };
      const { token } = user;
      const hold = this.#holdIn(context);
      if (isRequest) {
        await hold(userTurn(token));
        return requested(await requests.create("forget-me", token, {}));
      }
      const changes = await erasure.prepare(token, hold);
      const finish = () => erasure.finish(token);
      return { result: { isDone: true, token }, changes, finish };
    });
  }

  #holdIn({ hold }: OperationContext): Hold {
    return (keys) => hold((act) => this.#parts.inTurn(keys, act));
  }
}

function operationOf(
  request: NamedUser,
  permission: NonNullable<Operation["permission"]>,
  title: string,
): Operation {
  const { caller, mode, id, reason } = request;
  return {
    caller,
    permission,
    title: titleBy(title, request),
    mode: findIdentityMode(mode),
    who: id,
    reason,
  };
}

function requested({ changes, ...receipt }: RequestReceipt) {
  const result: Changed = { isDone: false, ...receipt };
  return { result, changes, message: receipt.result };
}

/** As Databunker has it: an unknown e-mail address is as good as erased. Throws `not-found` for other modes, and for a data subject. */
function nobody({ caller, mode }: NamedUser): Changed {
  if (mode.toLowerCase() !== "email" || caller?.role === "login")
    throw new LogveilError("not-found");
  return { isDone: true, token: "" };
}
