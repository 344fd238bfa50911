// 64 KiB of what makes careless patterns take minutes. These end, within mocha's ordinary limit; no time is measured.

import { expect } from "chai";
import { createDetectors, createHostDetectors } from "../../src/scrub/detectors.ts";
import { isPlain } from "../../src/scrub/plain-text.ts";
import { findReading } from "../../src/scrub/reading.ts";
import { pseudonymiserOf, scrubberWith } from "./scrubbing.ts";

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
      for (const { guard, find } of createHostDetectors(createDetectors("GB"))) {
        if (!guard.test(text)) continue;
        for (const { start, end } of find(text, { phoneParses: 16 })) {
          expect(start).to.be.lessThan(end);
        }
      }
    });
  }
});
