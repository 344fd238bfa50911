import type { Exchange } from "../../src/access-log/exchange.ts";

/** Noon UTC, 10 February 2026, and 42 ms. */
export const STARTED_AT_MS = Date.UTC(2026, 1, 10, 12, 0, 0, 42);

export const SESSION = {
  uuid: "698b1d00-1234-8abc-8def-0123456789ab",
  address: "fd69:8b1d:12:34ab:cdef:123:4567:89ab",
  userAgent: { name: "Chrome", version: "126", os: "Windows" },
} as const;

/** A finished request in which every field is there. */
export function exchangeWith(changes: Partial<Exchange> = {}): Exchange {
  return {
    startedAtMs: STARTED_AT_MS,
    session: SESSION,
    userPseudonym: "~user.k3f9a2xq",
    method: "GET",
    path: "/orders/~email.k3f9a2xq",
    query: "page=2",
    host: "shop.example",
    protocolVersion: "1.1",
    statusCode: 200,
    requestBodyBytes: 0,
    responseBodyBytes: 123,
    durationMs: 12.3456,
    upstreamMs: 11.5,
    referer: "https://shop.example",
    requestId: "0199aa11-2222-7333-8444-555555555555",
    traceId: "0af7651916cd43dd8448eb211c80319c",
    errorType: "upstream-timeout",
    ...changes,
  };
}

/** The same without all that can be absent: a request that was refused before it had a session. */
export const BARE_EXCHANGE: Exchange = exchangeWith({
  session: undefined,
  userPseudonym: undefined,
  query: undefined,
  host: undefined,
  upstreamMs: undefined,
  referer: undefined,
  traceId: undefined,
  errorType: undefined,
  responseBodyBytes: 0,
});
