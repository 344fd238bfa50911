import { LogveilError } from "../../errors.ts";
import type { Change, Documents } from "../../store/documents.ts";

/** Restriction of processing (GDPR article 18): what is held stays as it is, and is neither used nor changed, until it is lifted. */
export type Restrictions = {
  /** `subject` is a user token, or a canonical session id. */
  readonly isRestricted: (subject: string) => Promise<boolean>;
  /** Rejects `record-restricted`. */
  readonly requireUnrestricted: (subject: string) => Promise<void>;
};

/** User tokens and session ids are UUIDs drawn at random, or MACs; so one never stands for the other. */
export function createRestrictions(documents: Pick<Documents, "find">): Restrictions {
  const isRestricted = async (subject: string) =>
    (await documents.find("meta", keyOf(subject))) !== undefined;
  return {
    isRestricted,
    requireUnrestricted: async (subject) => {
      if (await isRestricted(subject)) throw new LogveilError("record-restricted");
    },
  };
}

/** Begins a restriction when `sinceMs` is given, lifts it otherwise. Why is in the audit trail. */
export function restrictionChange(subject: string, sinceMs: number | undefined): Change {
  const value = sinceMs === undefined ? undefined : Buffer.from(JSON.stringify([1, sinceMs]));
  return { table: "meta", key: keyOf(subject), value };
}

function keyOf(subject: string): string {
  return `restriction/${subject}`;
}
