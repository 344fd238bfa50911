import type { IncomingHttpHeaders } from "node:http";
import { randomUuid } from "../keys/secure-random.ts";

/** Any hexadecimal digits: Databunker's tokens carry neither version nor variant. */
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const BEARER = /^bearer +(?<token>[^ ]+)$/i;

/** 122 random bits, in lower case. */
export const createAccessToken: () => string = randomUuid;

/** The token in lower case; undefined for what cannot be one, so that it costs no look-up. */
export function findAccessToken(text: string): string | undefined {
  return UUID.test(text) ? text.toLowerCase() : undefined;
}

/** The token that a request carries. `X-Bunker-Token` comes first; when it is there, `Authorization` does not count. */
export function findTokenOf(headers: IncomingHttpHeaders): string | undefined {
  const own = headers["x-bunker-token"];
  const text = own ?? BEARER.exec(headers.authorization ?? "")?.groups?.["token"];
  return typeof text === "string" ? findAccessToken(text) : undefined;
}
