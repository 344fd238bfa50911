/** The request target, cut where the log and the upstream need it; never decoded, never normalised (RFC 9110 section 7.7). */
export type RequestTarget = {
  /** As it goes to the upstream: path and query byte for byte. */
  readonly pathAndQuery: string;
  readonly path: string;
  /** Without the question mark; undefined when there is none. */
  readonly query: string | undefined;
  /** Host of an absolute-form target, which replaces the Host field (RFC 9112 section 3.2.2). */
  readonly authority: string | undefined;
};

/** What no request line can carry: spaces, controls, and what is not ASCII. HTTP/2 hands them over unread. */
const UNFIT = /[^\x21-\x7e]/;

/** Undefined for a target that is neither origin-form nor absolute-form http(s) (RFC 9112 section 3.2); `*` is its own path. */
export function parseRequestTarget(url: string): RequestTarget | undefined {
  if (UNFIT.test(url)) return undefined;
  if (url.startsWith("/")) return cut(url, undefined);
  if (url === "*") return { pathAndQuery: "*", path: "*", query: undefined, authority: undefined };
  const absolute = /^https?:\/\/(?<authority>[^/?#@]+)(?<rest>[/?][^#]*)?$/i.exec(url);
  const authority = absolute?.groups?.["authority"];
  if (authority === undefined) return undefined;
  const rest = absolute?.groups?.["rest"] ?? "/";
  return cut(rest.startsWith("?") ? `/${rest}` : rest, authority);
}

function cut(pathAndQuery: string, authority: string | undefined): RequestTarget {
  const mark = pathAndQuery.indexOf("?");
  if (mark === -1) return { pathAndQuery, path: pathAndQuery, query: undefined, authority };
  return {
    pathAndQuery,
    path: pathAndQuery.slice(0, mark),
    query: pathAndQuery.slice(mark + 1),
    authority,
  };
}
