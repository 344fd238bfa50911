import type { RequestFields } from "./request-fields.ts";

/** What the upstream gets to see of a client; `proxy.forward` of the configuration. */
export type ForwardPolicy = {
  readonly clientAddress: "token" | "omit" | "pass";
  readonly userAgent: "token" | "reduced" | "omit" | "pass";
  readonly cookies: "token" | "omit" | "pass";
};

/** What one request is to carry instead of its client's identity. */
export type Pseudonyms = {
  /** UUID spelling of the session token. */
  readonly uuid: string;
  /** What stands in every slot that must hold an address: the token's IPv6 spelling, or the client's own with `pass`. */
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  readonly cookie: string | undefined;
  readonly requestId: string;
  readonly scheme: "http" | "https";
};

/**
 * The header list for the upstream, flat: name, value, name, value … The client's own fields first, in their order and casing,
 * then what logveil says. `isPeerTrusted`: whether the peer's word on host and scheme is believed.
 */
export function headersForUpstream(
  fields: RequestFields,
  pseudonyms: Pseudonyms,
  policy: ForwardPolicy,
  isPeerTrusted: boolean,
): string[] {
  const headers = fields.passing;
  const host = fields.host ?? "";
  headers.push("Host", host, "X-Session-Token", pseudonyms.uuid, "Via", viaOf(fields));
  headers.push("X-Request-Id", pseudonyms.requestId);
  headers.push("X-Forwarded-Host", (isPeerTrusted ? fields.xForwardedHost : undefined) ?? host);
  headers.push(
    "X-Forwarded-Proto",
    (isPeerTrusted ? fields.xForwardedProto : undefined) ?? pseudonyms.scheme,
  );
  if (isPeerTrusted && fields.xForwardedPort !== undefined)
    headers.push("X-Forwarded-Port", fields.xForwardedPort);
  if (pseudonyms.address !== undefined) pushAddress(headers, pseudonyms.address);
  if (pseudonyms.userAgent !== undefined) headers.push("User-Agent", pseudonyms.userAgent);
  if (policy.userAgent === "pass") headers.push(...fields.userAgentHints);
  if (pseudonyms.cookie !== undefined) headers.push("Cookie", pseudonyms.cookie);
  return headers;
}

const OWN_HOP = "1.1 logveil";

/** How many times a request may pass a logveil, this one or another: more is a loop (RFC 9110 section 7.6). */
const MAX_HOPS = 8;

/**
 * How many logveils a request has passed. Of a Via field only that is believed and passed on: the other entries name hosts, which
 * may be the client's own.
 */
function ownHops(via: string): number {
  return via.split(",").filter((entry) => entry.trim() === OWN_HOP).length;
}

export function isLooping({ via }: RequestFields): boolean {
  return via !== undefined && ownHops(via) >= MAX_HOPS;
}

/** RFC 9110 section 7.6.3, with a pseudonym. */
function viaOf({ via }: RequestFields): string {
  if (via === undefined) return OWN_HOP;
  return Array.from({ length: ownHops(via) + 1 }, () => OWN_HOP).join(", ");
}

/** RFC 7239 section 6: an IPv6 address stands in brackets, and so in quotes. */
function pushAddress(headers: string[], address: string): void {
  const node = address.includes(":") ? `"[${address}]"` : address;
  headers.push("X-Forwarded-For", address, "X-Real-IP", address, "Forwarded", `for=${node}`);
}
