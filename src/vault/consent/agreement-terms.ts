import { LogveilError } from "../../errors.ts";
import type { Agreement } from "./agreement.ts";
import { isYes } from "./consent-word.ts";
import { parseExpiration } from "../expiration.ts";
import { textOf } from "../fields.ts";
import type { Fields } from "../fields.ts";

/** What the body of an agreement says. */
export type AgreementTerms = Pick<
  Agreement,
  "agreementmethod" | "endtime" | "lastmodifiedby" | "referencecode" | "starttime" | "status"
>;

/** Agreements may be meant for ever; this only keeps the arithmetic in range. */
const LONGEST_MS = 1000 * 366 * 86_400_000;

/**
 * Reads the terms of an agreement; an absent status means yes, an absent time none. Throws `expiration-invalid` also for a time that is
 * not understood: to take it for "no end" would stretch a consent. Throws `field-too-long`.
 */
export function parseTerms(fields: Fields, nowMs: number): AgreementTerms {
  const method = textOf(fields, "agreementmethod");
  return {
    agreementmethod: method === "" ? "api" : method,
    endtime: parseTime(fields["expiration"], nowMs),
    lastmodifiedby: textOf(fields, "lastmodifiedby"),
    referencecode: textOf(fields, "referencecode"),
    starttime: parseStart(fields["starttime"], nowMs),
    status: fields["status"] === undefined || isYes(fields["status"]) ? "yes" : "no",
  };
}

/** A start lies in the past or in the future: a number, or digits, is a unix time. */
function parseStart(value: unknown, nowMs: number): number {
  const seconds = typeof value === "string" && /^[0-9]{1,15}$/.test(value) ? Number(value) : value;
  if (typeof seconds !== "number") return parseTime(value, nowMs);
  if (!Number.isSafeInteger(seconds) || seconds < 0) throw new LogveilError("expiration-invalid");
  return seconds;
}

function parseTime(value: unknown, nowMs: number): number {
  const isAbsent = value === undefined || value === null || value === "" || isZero(value);
  if (isAbsent) return 0;
  const { expiresAtMs, isUnderstood } = parseExpiration(value, nowMs, LONGEST_MS);
  if (!isUnderstood) throw new LogveilError("expiration-invalid");
  return Math.floor(expiresAtMs / 1000);
}

function isZero(value: unknown): boolean {
  return value === 0 || (typeof value === "string" && /^0+[mhds]?$/.test(value));
}
