// Access tokens of data subjects who have logged in: ten minutes, own records only.

import type { Change } from "../store/documents.ts";
import { createAccessToken } from "./access-token.ts";
import type { CallersParts } from "./named-callers.ts";
import { tokenChange, tokenIdOf, tokenRemoval } from "./token-records.ts";

export const LOG_IN_TTL_MS = 600_000;
const SLICE = 500;

export type LogInTokens = {
  /** A new access token for the data subject of this user token, for ten minutes. */
  readonly create: (userToken: string) => Promise<string>;
  /** Ends all of a data subject, at once; resolves how many there were. */
  readonly revokeAll: (userToken: string) => Promise<number>;
  /** Removes what has expired; resolves how many that were. */
  readonly sweep: () => Promise<number>;
};

export type LogInTokensParts = CallersParts & {
  /** Called as soon as a token that may be remembered somewhere means nothing any more. */
  readonly onRevoked: () => void;
};

/** Where a token is listed, for its subject and for its end. */
type Listing = { readonly id: string; readonly subject: string; readonly expiresAt: string };

export function createLogInTokens(parts: LogInTokensParts): LogInTokens {
  const { documents, key, clock, onRevoked } = parts;
  const remove = async (listings: readonly Listing[]) => {
    try {
      await documents.commit(listings.flatMap(removalsOf));
    } finally {
      // Also when it failed: then it is not known what has been stored.
      if (listings.length > 0) onRevoked();
    }
    return listings.length;
  };
  const removeSlices = async (list: () => Promise<readonly Listing[]>) => {
    let removed = 0;
    for (;;) {
      const count = await remove(await list());
      removed += count;
      if (count < SLICE) return removed;
    }
  };
  return {
    create: async (userToken) => {
      const token = createAccessToken();
      const expiresAtMs = clock.now() + LOG_IN_TTL_MS;
      const listing = {
        id: tokenIdOf(key, token),
        subject: userToken,
        expiresAt: timeKey(expiresAtMs),
      };
      const record = tokenChange(key, listing.id, ["log-in", userToken, expiresAtMs]);
      await documents.commit([record, ...listingsOf(listing, new Uint8Array())]);
      return token;
    },
    revokeAll: (userToken) =>
      removeSlices(async () => {
        const found = await documents.list("accessToken", {
          prefix: `subject/${userToken}/`,
          limit: SLICE,
        });
        return found.map((document) => parseSubjectKey(document.key));
      }),
    sweep: () =>
      removeSlices(async () => {
        const found = await documents.list("accessToken", {
          prefix: "expiry/",
          // Up to and with this millisecond: a token is refused from its last one on.
          to: `expiry/${timeKey(clock.now() + 1)}`,
          limit: SLICE,
        });
        return found.map((document) => parseExpiryKey(document.key));
      }),
  };
}

function listingsOf(
  { id, subject, expiresAt }: Listing,
  value: Uint8Array | undefined,
): readonly Change[] {
  return [
    { table: "accessToken", key: `subject/${subject}/${expiresAt}/${id}`, value },
    { table: "accessToken", key: `expiry/${expiresAt}/${subject}/${id}`, value },
  ];
}

function removalsOf(listing: Listing): readonly Change[] {
  return [tokenRemoval(listing.id), ...listingsOf(listing, undefined)];
}

function parseSubjectKey(key: string): Listing {
  const [, subject = "", expiresAt = "", id = ""] = key.split("/");
  return { subject, expiresAt, id };
}

function parseExpiryKey(key: string): Listing {
  const [, expiresAt = "", subject = "", id = ""] = key.split("/");
  return { subject, expiresAt, id };
}

/** Fifteen digits, so that the order of keys is that of times. */
function timeKey(ms: number): string {
  return String(ms).padStart(15, "0");
}
