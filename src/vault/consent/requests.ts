// What data subjects ask for and may not do alone: to be forgotten, to change their record or an app's, to withdraw an agreement. A
// request waits until somebody approves it, which carries it out in the same batch, or cancels it. Of two who decide at once one wins.

import type { AuditTrail } from "../../audit/trail.ts";
import type { Caller } from "../../callers/caller.ts";
import type { Clock } from "../../clock.ts";
import { LogveilError } from "../../errors.ts";
import type { Change } from "../../store/documents.ts";
import { Concealed } from "../concealed.ts";
import { operate } from "../operation.ts";
import type { OperationContext } from "../operation.ts";
import type { PreparedChange } from "../users/prepared-change.ts";
import { readStated } from "../stated-reason.ts";
import type { StatedRequest } from "../stated-reason.ts";
import type { TakeTurn } from "../turns.ts";
import { findIdentityMode, parseIdentityMode, parseUserToken } from "../users/user-directory.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import { requireShowable } from "../users/user-location.ts";
import type { NamedUser } from "../users/user-location.ts";
import type { Hold } from "../users/user-parts.ts";
import { openContents, sealContents } from "./user-request.ts";
import type {
  Page,
  RequestContents,
  RequestStatus,
  RequestTable,
  UserRequest,
} from "./user-request.ts";

/** How an approved request is carried out. Each holds the user's turn until the change is stored. */
export type RequestActions = {
  readonly applyProfileChange: (
    token: string,
    change: unknown,
    hold: Hold,
  ) => Promise<PreparedChange>;
  readonly applyAppChange: (
    token: string,
    change: { readonly app: string; readonly patch: unknown },
    hold: Hold,
  ) => Promise<PreparedChange>;
  readonly eraseUser: (token: string, hold: Hold) => Promise<PreparedChange>;
  readonly withdraw: (token: string, brief: string, hold: Hold) => Promise<PreparedChange>;
};

/** A request as a list shows it. */
export type RequestRow = Omit<UserRequest, "sealed"> & { readonly reason?: string | undefined };

export type RequestList = { readonly total: number; readonly rows: readonly RequestRow[] };

type Asked = StatedRequest & { readonly rtoken: string };

/** Everything rejects `access-denied` first, then `mode-invalid`, `uuid-invalid`, `not-found`; and `audit-unavailable` in an outage. */
export type Requests = {
  /** Rejects `status-invalid`. */
  readonly list: (
    asked: Page & { readonly caller: Caller | undefined; readonly status: string },
  ) => Promise<RequestList>;
  /** Rejects `record-restricted`. */
  readonly listOf: (asked: NamedUser & Page) => Promise<RequestList>;
  /** Rejects `record-restricted`. */
  readonly read: (asked: {
    readonly caller: Caller | undefined;
    readonly rtoken: string;
  }) => Promise<{
    readonly app?: string | undefined;
    readonly original: unknown;
    readonly change?: unknown;
  }>;
  /** Rejects `request-approved`, `request-canceled`, and what the change itself rejects with: then the request stays open. */
  readonly approve: (asked: Asked) => Promise<void>;
  /** As `approve`. */
  readonly cancel: (asked: Asked) => Promise<void>;
};

export type RequestsParts = {
  readonly trail: AuditTrail;
  readonly clock: Clock;
  readonly table: RequestTable;
  readonly directory: UserDirectory;
  readonly inTurn: TakeTurn;
  readonly actions: RequestActions;
};

export function createRequests(parts: RequestsParts): Requests {
  const { trail, table } = parts;
  return {
    list: ({ caller, status, ...page }) => {
      const operation = { caller, permission: "request.list", title: "get user requests" } as const;
      return operate(trail, operation, async () => {
        const listed = await table.list({ status: parseStatus(status) }, page);
        return { result: new Concealed(await shown(parts, listed)) };
      });
    },
    listOf: ({ offset, limit, ...asked }) => {
      const { caller, mode, id, reason } = asked;
      const title = "get user privacy requests";
      const named = { mode: findIdentityMode(mode), who: id, reason };
      const operation = { caller, permission: "request.read", title, ...named } as const;
      return operate(trail, operation, async ({ about }) => {
        const token = await findToken(parts, mode, id);
        about(token, await parts.directory.keyOf(token));
        await requireShowable(parts.directory, token, caller);
        const listed = await table.list({ token }, { offset, limit });
        return { result: new Concealed(await shown(parts, listed)) };
      });
    },
    read: ({ caller, rtoken }) => {
      const title = "get user request by request token";
      return operate(trail, { caller, permission: "request.read", title }, async ({ about }) => {
        const request = await requireRequest(parts, rtoken);
        const key = await parts.directory.keyOf(request.token);
        about(request.token, key);
        await requireShowable(parts.directory, request.token, caller);
        const { original = {}, change } = openContents(request, key);
        const { app } = request;
        return { result: new Concealed({ app, original, change }) };
      });
    },
    approve: (asked) =>
      decide(parts, asked, "approved", (request, hold) => carryOut(parts, request, hold)),
    cancel: (asked) => decide(parts, asked, "canceled", () => Promise.resolve({})),
  };
}

async function decide(
  parts: RequestsParts,
  asked: Asked,
  status: "approved" | "canceled",
  prepare: (request: UserRequest, hold: Hold) => Promise<PreparedChange>,
): Promise<void> {
  const permission = status === "approved" ? "request.decide" : "request.cancel";
  const title = status === "approved" ? "approve user request" : "cancel user request";
  const { caller } = asked;
  const { reason, members } = await readStated(asked, permission);
  const finish = await operate(
    parts.trail,
    { caller, permission, title, reason },
    async (context) => {
      const hold: Hold = (keys) => context.hold((act) => parts.inTurn(keys, act));
      const request = await holdOpenRequest(parts, context, hold, asked.rtoken);
      members();
      const prepared = await prepare(request, hold);
      const given = reason ?? (caller?.role === "login" ? "user operation" : undefined);
      const closing = await close(parts, request, status, given);
      const { changes = [], personal = {} } = prepared;
      return { result: prepared.finish, changes: [...changes, ...closing], personal };
    },
  );
  await finish?.();
}

/** The request, open, with its turn. A request's turn comes before its user's, so that no two operations wait for each other. */
async function holdOpenRequest(
  parts: RequestsParts,
  { about }: OperationContext,
  hold: Hold,
  rtoken: string,
): Promise<UserRequest> {
  const { token } = await requireRequest(parts, rtoken);
  about(token, await parts.directory.keyOf(token));
  await hold(`request/${parseUserToken(rtoken)}`);
  const request = await requireRequest(parts, rtoken);
  if (request.status === "approved") throw new LogveilError("request-approved");
  if (request.status === "canceled") throw new LogveilError("request-canceled");
  return request;
}

async function carryOut(
  { directory, actions }: RequestsParts,
  request: UserRequest,
  hold: Hold,
): Promise<PreparedChange> {
  const { token, action, app = "", brief = "" } = request;
  const key = await directory.keyOf(token);
  if (key === undefined) throw new LogveilError("not-found");
  const { change } = openContents(request, key);
  switch (action) {
    case "forget-me":
      return actions.eraseUser(token, hold);
    case "change-profile":
      return actions.applyProfileChange(token, change, hold);
    case "change-app-data":
      return actions.applyAppChange(token, { app, patch: change }, hold);
    case "agreement-withdraw":
      return actions.withdraw(token, brief, hold);
  }
}

/** In one batch with what the request changes. That somebody was forgotten stays on record, and nothing else of it. */
async function close(
  { directory, table, clock }: RequestsParts,
  request: UserRequest,
  status: RequestStatus,
  reason: string | undefined,
): Promise<readonly Change[]> {
  const key = await directory.keyOf(request.token);
  const isErased = status === "approved" && request.action === "forget-me";
  const contents: RequestContents = { ...openContents(request, key), reason };
  const sealed = isErased || key === undefined ? undefined : sealContents(request, contents, key);
  const when = Math.floor(clock.now() / 1000);
  return table.storing({ ...request, status, when, sealed }, request);
}

async function shown(
  { directory }: RequestsParts,
  { total, rows }: { readonly total: number; readonly rows: readonly UserRequest[] },
): Promise<RequestList> {
  const shownRows: RequestRow[] = [];
  for (const request of rows) {
    const { reason } = openContents(request, await directory.keyOf(request.token));
    const { sealed: _, ...row } = request;
    shownRows.push(reason === undefined ? row : { ...row, reason });
  }
  return { total, rows: shownRows };
}

async function findToken({ directory }: RequestsParts, text: string, id: string): Promise<string> {
  const mode = parseIdentityMode(text);
  const token = await directory.resolve(mode, mode === "token" ? parseUserToken(id) : id);
  if (token === undefined) throw new LogveilError("not-found");
  return token;
}

async function requireRequest({ table }: RequestsParts, rtoken: string): Promise<UserRequest> {
  const request = await table.find(parseUserToken(rtoken));
  if (request === undefined) throw new LogveilError("not-found");
  return request;
}

function parseStatus(text: string): RequestStatus {
  if (text !== "open" && text !== "approved" && text !== "canceled")
    throw new LogveilError("status-invalid");
  return text;
}
