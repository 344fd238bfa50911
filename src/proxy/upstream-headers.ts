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
  headers.push("Host", host, "X-Session-Token", pseudonyms.uuid, "Via", "1.1 logveil");
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

/** RFC 7239 section 6: an IPv6 address stands in brackets, and so in quotes. */
function pushAddress(headers: string[], address: string): void {
  const node = address.includes(":") ? `"[${address}]"` : address;
  headers.push("X-Forwarded-For", address, "X-Real-IP", address, "Forwarded", `for=${node}`);
}
