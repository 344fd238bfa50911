import { LogveilError } from "../errors.ts";
import type { Members } from "./stated-reason.ts";

/** The members of a request's body. */
export type Fields = Members;

/** Reads the body when it is asked for, which is inside the operation and never before the caller may come in. */
export type ReadFields = () => Promise<Fields | undefined>;

const MAX_TEXT_LENGTH = 10_000;

/** The text of a member; empty for what is absent or no text. A number counts as its digits. Throws `field-too-long` beyond 10,000 characters. */
export function textOf(fields: Fields, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return "";
  if (text.length > MAX_TEXT_LENGTH) throw new LogveilError("field-too-long");
  return text;
}
