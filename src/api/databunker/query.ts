import type { Request } from "express";

/** What stands behind the first `?`. Never throws: it is read before it is known whether the caller may ask. */
export function queryOf({ originalUrl }: Pick<Request, "originalUrl">): URLSearchParams {
  const at = originalUrl.indexOf("?");
  return new URLSearchParams(at === -1 ? "" : originalUrl.slice(at + 1));
}
