import { LogveilError } from "../../errors.ts";
import { parseExpiration } from "../expiration.ts";
import { parseFields } from "./field-selection.ts";
import type { Members } from "../stated-reason.ts";

/** What the body of a request for a shared record asks for. */
export type SharedRecordTerms = {
  readonly fields: readonly string[] | undefined;
  readonly expiresAtMs: number;
  readonly usesLeft: number | undefined;
  readonly partner: string | undefined;
  /** Unchecked: lower case only. */
  readonly app: string | undefined;
  /** Unchecked. */
  readonly session: string | undefined;
};

const MAX_PARTNER_LENGTH = 512;

/** Throws `fields-invalid`, `expiration-invalid`, `uses-invalid`, `body-invalid`. */
export function parseTerms(members: Members, nowMs: number, maxMs: number): SharedRecordTerms {
  const { expiresAtMs } = parseExpiration(members["expiration"], nowMs, maxMs);
  const partner = textOf(members["partner"]);
  if (partner !== undefined && partner.length > MAX_PARTNER_LENGTH)
    throw new LogveilError("body-invalid");
  return {
    fields: parseFields(members["fields"]),
    expiresAtMs: Math.ceil(expiresAtMs),
    usesLeft: parseUses(members["maxUses"]),
    partner,
    app: textOf(members["app"])?.toLowerCase(),
    session: textOf(members["session"]),
  };
}

/** SECURITY: what is not understood is refused, because without a number the record can be used without end. */
function parseUses(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const uses = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof uses !== "number" || !Number.isSafeInteger(uses) || uses < 1)
    throw new LogveilError("uses-invalid");
  return uses;
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw new LogveilError("body-invalid");
  return value;
}
