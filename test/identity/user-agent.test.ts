import { expect } from "chai";
import * as fc from "fast-check";
import { describeUserAgent, reducedUserAgent } from "../../src/identity/user-agent.ts";
import { BROWSERS, ROBOTS, SYSTEMS, TOOLS } from "../../src/identity/user-agent-families.ts";

const BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)";
const WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)";

type Described = readonly [name?: string, version?: string, os?: string];

const CASES: readonly (readonly [header: string, described: Described])[] = [
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${BLINK} Chrome/126.0.0.0 Safari/537.36`,
    ["Chrome", "126", "Windows"],
  ],
  [
    `Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) ${WEBKIT} Version/17.5 Safari/605.1.15`,
    ["Safari", "17", "macOS"],
  ],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) ${WEBKIT} CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1`,
    ["Chrome", "126", "iOS"],
  ],
  [
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
    ["Firefox", "126", "Linux"],
  ],
  [
    `Mozilla/5.0 (Windows NT 10.0) ${BLINK} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.68`,
    ["Edge", "126", "Windows"],
  ],
  [
    `Mozilla/5.0 (Windows NT 10.0) ${BLINK} Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0`,
    ["Opera", "110", "Windows"],
  ],
  [
    `Mozilla/5.0 (Linux; Android 14; SM-S918B) ${BLINK} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36`,
    ["Samsung Internet", "25", "Android"],
  ],
  [
    `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${BLINK} Chrome/125.0.0.0 Safari/537.36`,
    ["Chrome", "125", "ChromeOS"],
  ],
  ["Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ["Googlebot", "2"]],
  [
    `Mozilla/5.0 ${BLINK} (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.0.0`,
    ["bingbot", "2"],
  ],
  ["curl/8.5.0", ["curl", "8"]],
  ["python-requests/2.31.0", ["python-requests", "2"]],
  ["Go-http-client/1.1", ["Go-http-client", "1"]],
  ["Wget", ["Wget"]],
  ["bob.smith@example.com", ["Other"]],
  ["BobSmith/1985", ["Other"]],
  ["\u0000\n\u2028", ["Other"]],
  ["curl/07911123456", ["curl"]],
  ["", []],
  ["  ", []],
];

describe("user agent", () => {
  for (const [header, [name, version, os]] of CASES) {
    it(`describes ${JSON.stringify(header)}`, () => {
      expect(describeUserAgent(header)).to.deep.equal({ name, version, os });
    });
  }

  it("says only our own words and a small number, whatever the header holds", () => {
    const names = [...BROWSERS.values(), ...TOOLS.values(), ...ROBOTS.values(), "Other"];
    const systems = [...SYSTEMS.values(), "Other"];
    const fragment = fc.constantFrom(
      "Mozilla/5.0 ",
      "(X11; Linux)",
      "Chrome/",
      "Version/",
      "Bob/1.2",
      "99999999",
      "126.0 ",
      "Googlebot/",
      "curl/",
      "\u0007",
    );
    const headers = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.oneof(fragment, fc.string())).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(headers, (header) => {
        const { name, version, os } = describeUserAgent(header);
        if (name !== undefined) expect(names).to.include(name);
        if (os !== undefined) expect(systems).to.include(os);
        if (version !== undefined) expect(version).to.match(/^(?:0|[1-9]\d{0,3})$/);
      }),
      { numRuns: 1000 },
    );
  });

  it("reads the first 512 characters only, of any number", () => {
    expect(describeUserAgent(`${"x ".repeat(256)}Chrome/126.0`)).to.deep.equal(
      describeUserAgent("x"),
    );
    expect(describeUserAgent("(".repeat(65_536)).name).to.equal("Other");
  });
});

describe("reduced user agent", () => {
  const systems = ["Android", "ChromeOS", "Linux", "Windows", "macOS"];
  const families = ["Chrome", "Edge", "Firefox", "Opera", "Samsung Internet"];
  const ios = ["Chrome", "Edge", "Firefox", "Safari"].map((name) => [name, "iOS"] as const);

  for (const [name, os] of [
    ...families.flatMap((name) => systems.map((os) => [name, os] as const)),
    ["Safari", "macOS"] as const,
    ...ios,
  ]) {
    it(`describes as ${name} on ${os} again`, () => {
      const description = { name, version: "126", os };
      const header = reducedUserAgent(description);
      expect(header).to.match(/^Mozilla\/5\.0 \(/);
      expect(describeUserAgent(header)).to.deep.equal(description);
    });
  }

  it("lets tools and robots name themselves", () => {
    const curl = { name: "curl", version: "8", os: undefined };
    expect(reducedUserAgent(curl)).to.equal("curl/8.0");
    const robot = { name: "Googlebot", version: "2", os: undefined };
    expect(reducedUserAgent(robot)).to.equal("Mozilla/5.0 (compatible; Googlebot/2.0)");
    for (const description of [curl, robot]) {
      expect(describeUserAgent(reducedUserAgent(description))).to.deep.equal(description);
    }
  });

  it("gives the platform alone for all others", () => {
    expect(reducedUserAgent({ name: "Other", version: undefined, os: "Windows" })).to.equal(
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
    );
    const nobody = { name: undefined, version: undefined, os: undefined };
    expect(reducedUserAgent(nobody)).to.equal("Mozilla/5.0 (compatible)");
  });
});
