// 64 KiB of what makes careless patterns take minutes. These end, within mocha's ordinary limit; no time is measured.

import { expect } from "chai";
import { type Detector, newEffort } from "../../src/scrub/finding.ts";
import { isPlain } from "../../src/scrub/plain-text.ts";
import { findReading } from "../../src/scrub/reading.ts";
import { allDetectors, pseudonymiserOf, scrubberWith } from "./scrubbing.ts";

const SIZE = 65_536;
const fill = (unit: string, end = "") => unit.repeat(SIZE / unit.length) + end;

const HOSTILE = {
  letters: fill("a"),
  digits: fill("1", "x"),
  "digits apart": fill("1-", "x"),
  "digits far apart": fill("1 - ", "x"),
  brackets: fill("(+", "1"),
  ats: fill("@"),
  "letters and ats": fill("a@", "."),
  "quotes and ats": fill('"@'),
  "domains without end": fill("a@a.", "!"),
  dots: fill(".", "@"),
  colons: fill(":"),
  "hexadecimal and colons": fill("a:", "g"),
  "four numbers": fill("1.", "x"),
  "token beginnings": fill("eyJ"),
  "token parts": fill("eyJ."),
  "account beginnings": fill("GB82", " "),
  "account groups": fill("GB82 WEST 1234 5698 7654 ", "x"),
  percent: fill("%"),
  "percent encoded": fill("%25"),
  "percent twice": fill("%2540"),
  tildes: fill("~email.", "x"),
  dashes: fill("-", "a"),
  slashes: fill("/"),
  parameters: fill("a=1&"),
  semicolons: fill(";"),
  spaces: fill(" ", "x"),
  mixed: fill("Ab3-", "."),
  hosts: fill("a-a.", "!"),
  names: fill("token", "="),
  "names and values": fill("token=token:", "x"),
  "names and quotes": fill('token="', "x"),
  "names and escapes": fill('token="\\\\', "x"),
  keys: fill("sk-", "x"),
  "key beginnings": fill("xoxb-gh", "x"),
  "certificate beginnings": fill("-----BEGIN A-----", "x"),
  "user information": fill("://a", "@"),
  base64: fill("QUFBQUFBQUFB", "="),
  "base64 of mail addresses": fill("YUBiLmNv", "-"),
  "base64 apart": fill("YUBiLmNv ", "-"),
  hexadecimal: fill("6140622e636f", "x"),
  references: fill("&#64;", "&"),
  escapes: fill("\\u0040", "\\"),
  nibbles: fill("a.", "ip6.arpa"),
  "octal numbers": fill("0300.", "x"),
  "user names": fill('user "', "x"),
  cookies: fill("Cookie: a=b; ", "x"),
};

describe("hostile input", () => {
  const scrubber = scrubberWith({ pathTemplates: ["/a/:id", "/:x/:y/:z"] });
  const pseudonymise = pseudonymiserOf(1);

  for (const [name, text] of Object.entries(HOSTILE)) {
    it(`${name}: ends, and stays within its bounds`, () => {
      const written = scrubber.path(`/${text}`, pseudonymise);
      expect(written).to.match(/~rest\.[a-z2-7]{8}$/);
      expect(scrubber.query(text, pseudonymise)).to.match(/~rest\.[a-z2-7]{8}$/);
      expect(scrubber.text(text, pseudonymise)).to.match(/~rest\.[a-z2-7]{8}$/);
      expect(scrubber.host(text, pseudonymise)).to.match(/^~host\.[a-z2-7]{8}$|^$/);
      scrubber.referer(`https://${text}`, pseudonymise);
    });

    it(`${name}: each detector ends on the whole of it`, () => {
      isPlain(text);
      findReading(text);
      for (const { guard, find } of allDetectors()) {
        if (!guard.test(text)) continue;
        for (const { start, end } of find(text, newEffort())) {
          expect(start).to.be.lessThan(end);
        }
      }
    });
  }

  // Not how long it takes but how that grows: eight times the text may take forty times as long (what is linear takes eight),
  // what is quadratic takes 64. Best of several, and nothing is said of what is too quick to tell.
  for (const [name, text] of Object.entries(HOSTILE)) {
    it(`${name}: takes time in proportion`, () => {
      for (const detector of allDetectors()) {
        const short = bestOf(detector, text.slice(-SIZE / 8));
        const long = bestOf(detector, text);
        expect(long, detector.kind).to.be.below(Math.max(TOO_QUICK_MS, 40 * short));
      }
    });
  }
});

const TOO_QUICK_MS = 300;

function bestOf({ guard, find }: Detector, text: string): number {
  const times = [1, 2, 3].map(() => {
    const start = performance.now();
    if (guard.test(text)) find(text, newEffort());
    return performance.now() - start;
  });
  return Math.min(...times);
}
