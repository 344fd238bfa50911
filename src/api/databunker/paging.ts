import type { Request } from "express";
import { queryOf } from "./query.ts";

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

/** `offset` and `limit` of the query. What is no whole number above zero counts as left out, so that no list comes whole by mistake. */
export function pageOf(request: Request): { readonly offset: number; readonly limit: number } {
  const query = queryOf(request);
  const limit = wholeNumber(query.get("limit"));
  return {
    offset: wholeNumber(query.get("offset")),
    limit: limit === 0 ? DEFAULT_LIMIT : Math.min(limit, MAX_LIMIT),
  };
}

/** Zero for anything else. */
function wholeNumber(text: string | null): number {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
