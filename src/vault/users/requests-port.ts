import type { Change } from "../../store/documents.ts";

/** What a data subject asks for and somebody else has to approve. */
export type RequestKind = "forget-me" | "change-profile" | "change-app-data";

export type RequestDetails = {
  /** A merge patch (RFC 7386), or a JSON Patch (RFC 6902) when it is a list. Personal: to be sealed with the data subject's key. */
  readonly change?: unknown;
  /** Of `change-app-data`. */
  readonly app?: string;
};

export type RequestReceipt = {
  /** `request-exists` when one of that kind (and app) is open already. */
  readonly result: "request-created" | "request-exists";
  readonly rtoken: string;
  /** To be stored in one batch with the event; nothing is stored before. */
  readonly changes: readonly Change[];
};

/** Where users and user apps hand in what they must not do at once. */
export type UserRequestsPort = {
  readonly create: (
    kind: RequestKind,
    userToken: string,
    details: RequestDetails,
  ) => Promise<RequestReceipt>;
};
