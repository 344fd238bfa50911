import { aeadKey, associatedData, openWith, sealWith } from "../../keys/aead.ts";
import type { Change, Documents } from "../../store/documents.ts";
import type { RequestKind, RequestReceipt } from "../users/requests-port.ts";

export type RequestAction = RequestKind | "agreement-withdraw";

export type RequestStatus = "open" | "approved" | "canceled";

/** What somebody who asked is told. */
export type OpenedRequest = Pick<RequestReceipt, "result" | "rtoken">;

/** What is readable of a request without the data subject's key. Times are unix seconds. */
export type UserRequest = {
  readonly rtoken: string;
  readonly action: RequestAction;
  readonly app?: string | undefined;
  readonly brief?: string | undefined;
  /** User token. */
  readonly token: string;
  readonly status: RequestStatus;
  readonly creationtime: number;
  readonly when: number;
  /** Whether `contents` have a change. */
  readonly more: boolean;
  /** `RequestContents`, sealed, in base64; absent once the data subject is erased. */
  readonly sealed?: string | undefined;
};

/** What is personal in a request. */
export type RequestContents = {
  /** The record as it was when the request was opened. */
  readonly original?: unknown;
  readonly change?: unknown;
  /** Why it was approved or canceled. */
  readonly reason?: string | undefined;
};

export function sealContents(
  request: Pick<UserRequest, "rtoken" | "token">,
  contents: RequestContents,
  key: Buffer,
): string {
  const plaintext = Buffer.from(JSON.stringify(contents));
  return sealWith(aeadKey(key), plaintext, bindingOf(request)).toString("base64");
}

/** Empty without a key: the data subject has been erased. Throws `open-failed`. */
export function openContents(request: UserRequest, key: Buffer | undefined): RequestContents {
  if (request.sealed === undefined || key === undefined) return {};
  const sealed = Buffer.from(request.sealed, "base64");
  const opened = openWith(aeadKey(key), sealed, bindingOf(request));
  // Authenticated: `sealContents` has written it, so it has this shape.
  return JSON.parse(opened.toString("utf8")) as RequestContents;
}

function bindingOf({ rtoken, token }: Pick<UserRequest, "rtoken" | "token">): Buffer {
  return associatedData("user request 1", `user:${token}`, rtoken);
}

/**
 * Requests lie under `r/<rtoken>`; beside each an entry by status and one by data subject, both in the order in which they were opened, and
 * for an open one an entry by what it asks for, so that there is only one of it.
 */
export type RequestTable = {
  readonly find: (rtoken: string) => Promise<UserRequest | undefined>;
  /** The rtoken of the open request of that data subject that asks for the same. */
  readonly findOpen: (wanted: Wanted) => Promise<string | undefined>;
  /** Newest first; `total` counts up to 10,000. */
  readonly list: (
    by: { readonly status: RequestStatus } | { readonly token: string },
    page: Page,
  ) => Promise<{ readonly total: number; readonly rows: readonly UserRequest[] }>;
  /** What replaces `before`, if there was one. */
  readonly storing: (request: UserRequest, before?: UserRequest) => readonly Change[];
  readonly removal: (request: UserRequest) => readonly Change[];
};

export type Page = { readonly offset: number; readonly limit: number };

type Wanted = Pick<UserRequest, "token" | "action" | "app" | "brief">;

const MAX_LISTED = 10_000;

export function createRequestTable(documents: Documents): RequestTable {
  const find = async (rtoken: string) => {
    const stored = await documents.find("request", `r/${rtoken}`);
    return stored === undefined ? undefined : decode(stored);
  };
  const removal = (request: UserRequest) => keysOf(request).map((key) => change(key, undefined));
  return {
    find,
    removal,
    findOpen: async (wanted) => {
      const stored = await documents.find("request", openKey(wanted));
      return stored === undefined ? undefined : Buffer.from(stored).toString("utf8");
    },
    list: async (by, { offset, limit }) => {
      const prefix = "status" in by ? `s/${by.status}/` : `u/${by.token}/`;
      const range = { prefix, reverse: true, limit: MAX_LISTED };
      const entries = await documents.list("request", range);
      const rows: UserRequest[] = [];
      for (const { value } of entries.slice(offset, offset + limit)) {
        const request = await find(Buffer.from(value).toString("utf8"));
        // Its status has just changed.
        if (request !== undefined) rows.push(request);
      }
      return { total: entries.length, rows };
    },
    storing: (request, before) => [
      ...(before === undefined ? [] : removal(before)),
      ...keysOf(request).map((key) => change(key, Buffer.from(request.rtoken))),
      change(`r/${request.rtoken}`, Buffer.from(JSON.stringify({ version: 1, ...request }))),
    ],
  };
}

function decode(stored: Uint8Array): UserRequest {
  // Written by `storing` and by nobody else.
  const { version, ...request } = JSON.parse(Buffer.from(stored).toString("utf8"));
  if (version !== 1) throw new TypeError("a request of another version");
  return request;
}

function keysOf(request: UserRequest): readonly string[] {
  const { rtoken, status, token, creationtime } = request;
  const place = `${String(creationtime).padStart(12, "0")}/${rtoken}`;
  const keys = [`r/${rtoken}`, `s/${status}/${place}`, `u/${token}/${place}`];
  return status === "open" ? [...keys, openKey(request)] : keys;
}

function openKey({ token, action, app = "", brief = "" }: Wanted): string {
  return `o/${token}/${action}/${app}/${brief}`;
}

function change(key: string, value: Uint8Array | undefined): Change {
  return { table: "request", key, value };
}
