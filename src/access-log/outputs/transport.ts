import type { Entry } from "./entry.ts";

/** What became of one attempt to deliver. */
export type Outcome =
  /** Taken; `rejected` of them for good not. */
  | { readonly kind: "delivered"; readonly rejected: number }
  /** Taken but for those that are to be sent again, and `rejected` that are not. */
  | { readonly kind: "partly"; readonly again: readonly Entry[]; readonly rejected: number }
  /** Nothing is known to have been taken; the receiver may have a wish when to come again. */
  | { readonly kind: "away"; readonly retryAfterMs?: number | undefined }
  /** The receiver takes nothing from us: a key, a right or an address is wrong. `status` is HTTP's. */
  | { readonly kind: "refused"; readonly status: number }
  /** Something in these entries, or their size, is not to its liking. */
  | { readonly kind: "rejected" };

/** One receiver. */
export type Transport = {
  readonly name: "syslog" | "otlp" | "mezmo" | "http";
  /** Never rejects, ends within half a minute or with `signal`, and says nothing anywhere of what it sends and where to. */
  readonly send: (entries: readonly Entry[], signal: AbortSignal) => Promise<Outcome>;
};
