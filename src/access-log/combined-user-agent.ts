import { reducedUserAgent } from "../identity/user-agent.ts";
import type { CoarseUserAgent } from "../identity/user-agent.ts";
import { ROBOTS } from "../identity/user-agent-families.ts";

/** How readers of logs know the browsers that `reducedUserAgent` has no product for. */
const PRODUCTS: ReadonlyMap<string, string> = new Map([
  ["Internet Explorer", "MSIE"],
  ["UC Browser", "UCBrowser"],
  ["Yandex Browser", "YaBrowser"],
  ["QQ Browser", "QQBrowser"],
]);

/**
 * A User-Agent that GoAccess, AWStats and lnav put among the same browsers and systems as the header that it stands for, with nothing in it
 * but family, major version and platform. Undefined when nothing was sent.
 */
export function combinedUserAgent(described: CoarseUserAgent): string | undefined {
  const { name, version } = described;
  if (name === undefined) return undefined;
  const reduced = reducedUserAgent(described);
  // A "Mozilla" that no browser is would be counted as one.
  if (name === "Other") return described.os === undefined ? name : reduced.replace(/^\S+/, name);
  const product = `${(PRODUCTS.get(name) ?? name).replaceAll(" ", "")}${version === undefined ? "" : `/${version}.0`}`;
  // GoAccess takes what gives an address of its own for a robot.
  if (ROBOTS.has(name.toLowerCase())) return `Mozilla/5.0 (compatible; ${product}; +http)`;
  return isBare(reduced) ? `${reduced} ${product}` : reduced;
}

/** The platform alone. */
function isBare(reduced: string): boolean {
  return reduced.startsWith("Mozilla/5.0 (") && reduced.endsWith(")");
}
