// Where logveil listens and where it forwards to, and whether these are the same place.

import { isIP, isIPv4, isIPv6 } from "node:net";

/** Fits `server.listen(address)` as it is. No host means every interface, IPv4 and IPv6. */
export type ListenAddress =
  | { readonly port: number; readonly host?: string }
  | { readonly path: string };

// A Unix socket's path is 108 bytes at most, its closing NUL among them (unix(7)); a longer one is cut silently.
const MAX_SOCKET_PATH_BYTES = 107;
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080`, `:8080` or `unix:/run/x.sock`; port 0 lets the system choose one. */
export function findListenAddress(text: string): ListenAddress | undefined {
  const path = findSocketPath(text);
  if (path !== undefined) return { path };
  const [, literal, name = "", digits = ""] =
    /^(?:\[([^\]]*)\]|([^[\]:]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number.parseInt(digits, 10);
  if (!(port <= 65_535)) return undefined;
  if (literal !== undefined) return isIPv6(literal) ? { host: literal, port } : undefined;
  if (name === "") return { port };
  return isHost(name) ? { host: name, port } : undefined;
}

/** The path of `unix:/path`; undefined for anything else. */
export function findSocketPath(text: string): string | undefined {
  const [, path] = /^unix:(\/[^\0]+)$/.exec(text) ?? [];
  return path !== undefined && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES ? path : undefined;
}

/**
 * The origin of `http://host:port` or `https://host:port`, or `unix:/path` as it is; undefined for anything else. A path, a
 * query or a password would have no effect, so they are refused.
 */
export function findUpstream(text: string): string | undefined {
  if (findSocketPath(text) !== undefined) return text;
  const url = /^https?:\/\/\S+$/i.test(text) ? URL.parse(text) : null;
  if (url === null || url.port === "0") return undefined;
  return url.href === `${url.origin}/` ? url.origin : undefined;
}

/** Whether what is sent to `upstream` arrives at `address`: a request would go round until it dies (RFC 9110 section 7.6). */
export function reaches(upstream: string, address: ListenAddress): boolean {
  const path = findSocketPath(upstream);
  if (path !== undefined || "path" in address) return "path" in address && path === address.path;
  const url = new URL(upstream);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? defaultPort(url.protocol) : Number.parseInt(url.port, 10);
  if (port !== address.port) return false;
  return isSameHost(address.host ?? "::", host) || (isLocal(host) && covers(address.host, host));
}

/** Whether two listeners would be in each other's way. Port 0 never is. */
export function clash(one: ListenAddress, other: ListenAddress): boolean {
  if ("path" in one || "path" in other)
    return "path" in one && "path" in other && one.path === other.path;
  if (one.port !== other.port || one.port === 0) return false;
  const [a, b] = [one.host ?? "::", other.host ?? "::"];
  return isSameHost(a, b) || covers(a, b) || covers(b, a);
}

function covers(listening: string | undefined, host: string): boolean {
  if (listening === undefined || listening === "::") return true;
  return listening === "0.0.0.0" && !isIPv6(host);
}

function isSameHost(one: string, other: string): boolean {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  return a === b || (a === "localhost" && isLocal(b)) || (b === "localhost" && isLocal(a));
}

function isLocal(host: string): boolean {
  return (
    host === "localhost" ||
    host === "::1" ||
    host === "::" ||
    host === "0.0.0.0" ||
    host.startsWith("127.")
  );
}

/** A name, not an address: what TLS can ask for (RFC 6066 section 3). */
export function findHostName(text: string): string | undefined {
  return /^[\d.]+$/.test(text) || !HOST_NAME.test(text) ? undefined : text;
}

function isHost(name: string): boolean {
  // Digits and dots only are an IPv4 address or a mistake, never a name.
  return /^[\d.]+$/.test(name) ? isIPv4(name) : HOST_NAME.test(name) && isIP(name) === 0;
}

function defaultPort(protocol: string): number {
  return protocol === "https:" ? 443 : 80;
}
