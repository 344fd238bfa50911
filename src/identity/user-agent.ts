// What may be known of a client's software: its family, major version and platform. A full User-Agent header tells one person
// from another and can hold anything; so a description is made of our own words (user-agent-families.ts) and one small number.

import { getParser } from "bowser";
import { BROWSERS, ROBOTS, SYSTEMS, TOOLS } from "./user-agent-families.ts";

/** Family, major version (0 to 9999) and platform: too coarse to tell one person from another. */
export type CoarseUserAgent = {
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly os: string | undefined;
};

// What browsers send is below 300; the rest is not read.
const MAX_HEADER_CHARACTERS = 512;
const UNKNOWN: CoarseUserAgent = { name: undefined, version: undefined, os: undefined };
const TOOL = /^([A-Za-z][\w-]{1,30})(?:[/ ]v?([\d.]{1,20}))?/;
const ROBOT = new RegExp(
  `(${[...ROBOTS.keys()].map(escapeRegExp).join("|")})(?:/v?(\\d{1,4}))?`,
  "i",
);

/** Describes a User-Agent header, never throws. A family that is not known is "Other"; an empty header says nothing. Costs some 5 µs. */
export function describeUserAgent(header: string): CoarseUserAgent {
  const text = header.slice(0, MAX_HEADER_CHARACTERS);
  if (text.trim() === "") return UNKNOWN;
  return describeTool(text) ?? describeRobot(text) ?? describeBrowser(text);
}

function describeTool(text: string): CoarseUserAgent | undefined {
  const match = TOOL.exec(text);
  const name = TOOLS.get(match?.[1]?.toLowerCase() ?? "");
  return name === undefined ? undefined : { name, version: majorOf(match?.[2]), os: undefined };
}

function describeRobot(text: string): CoarseUserAgent | undefined {
  const match = ROBOT.exec(text);
  const name = ROBOTS.get(match?.[1]?.toLowerCase() ?? "");
  return name === undefined ? undefined : { name, version: majorOf(match?.[2]), os: undefined };
}

function describeBrowser(text: string): CoarseUserAgent {
  // Parsing on demand: only the two passes that are needed.
  const parser = getParser(text, true);
  const browser = parser.getBrowser();
  // SECURITY: bowser takes a name it does not know from the header itself; nothing but our own names may leave.
  const name = BROWSERS.get(browser.name ?? "") ?? "Other";
  const system = parser.getOS().name ?? "";
  return {
    name,
    version: name === "Other" ? undefined : majorOf(browser.version),
    os: SYSTEMS.get(system) ?? (system === "" ? undefined : "Other"),
  };
}

/** The number before the first dot, without leading zeros. A longer one than four digits is not a version. */
function majorOf(version: string | undefined): string | undefined {
  const digits = /^\d{1,4}(?!\d)/.exec(version ?? "")?.[0];
  return digits === undefined ? undefined : String(Number(digits));
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

// The platforms as browsers themselves freeze them (User-Agent reduction, https://www.chromium.org/updates/ua-reduction/).
const PLATFORMS: ReadonlyMap<string | undefined, string> = new Map([
  ["Android", "Linux; Android 10; K"],
  ["ChromeOS", "X11; CrOS x86_64 14541.0.0"],
  ["Linux", "X11; Linux x86_64"],
  ["Windows", "Windows NT 10.0; Win64; x64"],
  ["iOS", "iPhone; CPU iPhone OS 17_0 like Mac OS X"],
  ["macOS", "Macintosh; Intel Mac OS X 10_15_7"],
]);

const WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
const BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)";

type Product = (version: string, mobile: string) => string;

const PRODUCTS: ReadonlyMap<string, Product> = new Map([
  ["Chrome", (version, mobile) => `${BLINK} Chrome/${version}.0.0.0${mobile} Safari/537.36`],
  [
    "Edge",
    (version, mobile) =>
      `${BLINK} Chrome/${version}.0.0.0${mobile} Safari/537.36 Edg/${version}.0.0.0`,
  ],
  ["Firefox", (version) => `Gecko/20100101 Firefox/${version}.0`],
  [
    "Opera",
    (version, mobile) =>
      `${BLINK} Chrome/${version}.0.0.0${mobile} Safari/537.36 OPR/${version}.0.0.0`,
  ],
  ["Safari", (version) => `${WEBKIT} Version/${version}.0 Safari/605.1.15`],
  [
    "Samsung Internet",
    // It names the Chrome beneath, which a description no longer knows; servers look for "Chrome" and take any.
    (version, mobile) =>
      `${BLINK} SamsungBrowser/${version}.0 Chrome/120.0.0.0${mobile} Safari/537.36`,
  ],
]);

// On iOS every browser is WebKit and says so.
const IOS_PRODUCTS: ReadonlyMap<string, Product> = new Map([
  ["Chrome", (version) => `${WEBKIT} CriOS/${version}.0.0.0 Mobile/15E148 Safari/604.1`],
  [
    "Edge",
    (version) => `${WEBKIT} Version/17.0 EdgiOS/${version}.0.0.0 Mobile/15E148 Safari/604.1`,
  ],
  ["Firefox", (version) => `${WEBKIT} FxiOS/${version}.0 Mobile/15E148 Safari/605.1.15`],
  ["Safari", (version) => `${WEBKIT} Version/${version}.0 Mobile/15E148 Safari/604.1`],
]);

/**
 * A User-Agent header made of a description, for `forward.userAgent: reduced`: what that browser would send with every detail
 * frozen, so that an upstream's sniffing finds family, major version and platform and nothing else. Tools and robots name
 * themselves; all others get the platform alone. Describing the result gives the same description for the browsers above.
 */
export function reducedUserAgent(description: CoarseUserAgent): string {
  const { name = "Other", version, os } = description;
  const product = (os === "iOS" ? IOS_PRODUCTS : PRODUCTS).get(name);
  const platform = PLATFORMS.get(os) ?? "compatible";
  if (product !== undefined && version !== undefined) {
    const detail = name === "Firefox" && os !== "iOS" ? geckoPlatform(os, version) : platform;
    return `Mozilla/5.0 (${detail}) ${product(version, os === "Android" ? " Mobile" : "")}`;
  }
  const productToken = version === undefined ? name : `${name}/${version}.0`;
  if (TOOLS.has(name.toLowerCase())) return productToken;
  if (ROBOTS.has(name.toLowerCase())) return `Mozilla/5.0 (compatible; ${productToken})`;
  return `Mozilla/5.0 (${platform})`;
}

function geckoPlatform(os: string | undefined, version: string): string {
  const platform = os === "Android" ? "Android 10; Mobile" : PLATFORMS.get(os);
  return `${platform ?? "compatible"}; rv:${version}.0`;
}
