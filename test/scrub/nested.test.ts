// Identifiers inside of encodings inside of encodings, up to the depth that docs/scrubbing.md states, and past it.

import { expect } from "chai";
import * as fc from "fast-check";
import { writeFindings } from "../../src/scrub/component.ts";
import { blank, pseudonymiserOf, scrubberWith } from "./scrubbing.ts";

const pseudonymise = pseudonymiserOf(1);
const scrubber = scrubberWith();

const IDENTIFIERS = [
  "ada.lovelace@example.com",
  "bob+news@example.org",
  "192.0.2.155",
  "2001:db8:85a3::8a2e:370:7334",
  "+447700900123",
  "4111111111111111",
  "GB82WEST12345698765432",
] as const;

type Encoding = (text: string) => string;

const percent: Encoding = (text) => encodeURIComponent(text);
const everyByte: Encoding = (text) =>
  Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const references: Encoding = (text) =>
  Array.from(text, (letter) => `&#${letter.charCodeAt(0)};`).join("");
const escapes: Encoding = (text) =>
  Array.from(text, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
const json: Encoding = (text) => JSON.stringify({ a: [text] });
const base64: Encoding = (text) => Buffer.from(text).toString("base64");
const base64url: Encoding = (text) => Buffer.from(text).toString("base64url");
const hexadecimal: Encoding = (text) => Buffer.from(text).toString("hex");

/** One round of what stands for single characters; two rounds are read. */
const characters = fc.constantFrom(everyByte, references, escapes);
/** One layer of what stands for a whole text; two layers are read. */
const blocks = fc.constantFrom(base64, base64url, hexadecimal);
const identifier = fc.constantFrom(...IDENTIFIERS);
const before = fc.constantFrom("", "to ", "a, b: ", "x|");
const behind = fc.constantFrom("", " and more", ", c", "|y");

const nested = fc.record({
  identifier,
  before,
  behind,
  inner: fc.array(characters, { maxLength: 2 }),
  layers: fc.array(blocks, { maxLength: 2 }),
  isJson: fc.boolean(),
});

function encode(text: string, encodings: readonly Encoding[]): string {
  return encodings.reduce((encoded, encoding) => encoding(encoded), text);
}

/** All that can be read in what was written, however deep. */
function readings(written: string, depth = 4): readonly string[] {
  if (depth === 0) return [written];
  const decoded = written
    .replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString())
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replace(/\\u([0-9a-f]{4})/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    );
  const inside = (written.match(/[A-Za-z0-9+/_-]{8,}/g) ?? []).flatMap((run) => [
    Buffer.from(run, "base64").toString(),
    Buffer.from(run, "hex").toString(),
  ]);
  return [
    written,
    ...[decoded, ...inside]
      .filter((one) => one !== written)
      .flatMap((one) => readings(one, depth - 1)),
  ];
}

function expectGone(written: string, planted: string): void {
  for (const reading of readings(written)) expect(reading).to.not.include(planted);
}

describe("nested encodings", () => {
  it("hide nothing in a path, a kept value or a text", () => {
    fc.assert(
      fc.property(nested, ({ identifier, before, behind, inner, layers, isJson }) => {
        const plain = `${before}${identifier}${behind}`;
        const sent = encode(isJson ? json(plain) : plain, [...inner, ...layers]);
        // A layer of percent-encoding goes around it on the way; with two rounds inside that would be the third.
        const isFull = inner.length === 2 && layers.length === 0;
        const url = isFull
          ? sent.replaceAll("/", "%2F").replaceAll(/[&#;?]/g, percent)
          : percent(sent);
        expectGone(scrubber.path(`/a/${url}/b`, pseudonymise), identifier);
        expectGone(scrubber.query(`page=1&sort=${url}`, pseudonymise), identifier);
        expectGone(scrubber.text(`x ${sent} y`, pseudonymise), identifier);
      }),
      { numRuns: 1500 },
    );
  });

  it("are replaced whole when they are deeper", () => {
    fc.assert(
      fc.property(
        identifier,
        fc.array(blocks, { minLength: 3, maxLength: 5 }),
        fc.array(characters, { minLength: 3, maxLength: 4 }),
        (identifier, layers, rounds) => {
          for (const sent of [encode(identifier, layers), encode(identifier, rounds)]) {
            const url = sent.replaceAll(/[&#;?/]/g, percent);
            const path = scrubber.path(`/a/${url}/b`, pseudonymise);
            expect(blank(path)).to.match(
              /^\/a\/(?:~(?:opaque|encoded|secret)\.\*\/)?(?:b|~rest\.\*)$/,
            );
            expectGone(path, identifier);
            expectGone(scrubber.text(`x ${sent} y`, pseudonymise), identifier);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("give an identifier that is alone in base64 its own pseudonym", () => {
    for (const value of IDENTIFIERS) {
      const [plain] = scrubber.findings(value);
      for (const layers of [
        [base64url],
        [base64url, base64url],
        [base64url, everyByte, everyByte],
      ]) {
        const [encoded] = scrubber.findings(encode(value, layers));
        expect(encoded?.kind).to.equal(plain?.kind);
        expect(encoded?.canonical).to.equal(plain?.canonical);
      }
    }
  });
});

const pieces = fc.oneof(
  identifier,
  before,
  behind,
  fc.constantFrom(
    "%",
    "%40",
    "&#64;",
    "\\u0040",
    "?",
    "&",
    "=",
    "token=",
    '"email":"',
    "é",
    "\n",
    "~email.aaaaaaaa",
  ),
  fc.constantFrom(
    "eyJhbGciOiJIUzI1NiJ9.e30.",
    "//u:p@",
    "Bearer ",
    "0x",
    "user ",
    ":",
    "+",
    "-",
    ".",
    "1",
    "Ab3",
  ),
  fc.string({ unit: "binary", maxLength: 5 }),
);
const jumble = fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join(""));

describe("scrubbing", () => {
  const all = (sent: string): readonly (readonly [string, (text: string) => string])[] => [
    [`/${sent}`, (text) => scrubber.path(text, pseudonymise)],
    [sent, (text) => scrubber.query(text, pseudonymise)],
    [sent, (text) => scrubber.host(text, pseudonymise)],
    [`https://${sent}`, (text) => scrubber.referer(text, pseudonymise) ?? ""],
    [sent, (text) => scrubber.text(text, pseudonymise)],
  ];

  it("twice is scrubbing once", () => {
    fc.assert(
      fc.property(jumble, (sent) => {
        for (const [text, scrub] of all(sent)) {
          const once = scrub(text);
          expect(scrub(once)).to.equal(once);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it("twice is scrubbing once, also where a finding joins a query to what follows it", () => {
    const once = scrubber.text("see?+44 7911123456&k=v", pseudonymise);
    expect(blank(once)).to.equal("see?~phone.*&k=~value.*");
    expect(scrubber.text(once, pseudonymise)).to.equal(once);
  });

  it("gives printable ASCII and never throws", () => {
    fc.assert(
      fc.property(jumble, (sent) => {
        for (const [text, scrub] of all(sent)) expect(scrub(text)).to.match(/^[\x20-\x7e]*$/);
      }),
      { numRuns: 1500 },
    );
  });

  it("replaces what findings names, which are in order and do not overlap", () => {
    fc.assert(
      fc.property(jumble, (sent) => {
        const findings = scrubber.findings(sent);
        let from = 0;
        for (const { start, end, kind } of findings) {
          expect(start).to.be.at.least(from);
          expect(end).to.be.greaterThan(start).and.at.most(sent.length);
          expect(kind).to.match(/^[a-z]{2,7}$/);
          from = end;
        }
        const written = scrubber.text(sent, pseudonymise);
        expect(scrubber.findings(written)).to.deep.equal([]);
        const once = writeFindings(sent, findings, pseudonymise);
        expect(scrubber.text(once, pseudonymise)).to.equal(written);
      }),
      { numRuns: 1000 },
    );
  });

  it("says where in a text which kind stands", () => {
    const text = "caf\u00e9 192.0.2.1 wrote to ada%40example.com, token=abc";
    const found = scrubber
      .findings(text)
      .map(({ start, end, kind }) => [kind, text.slice(start, end)]);
    expect(found).to.deep.equal([
      ["ip", "192.0.2.1"],
      ["email", "ada%40example.com"],
      ["value", "abc"],
    ]);
  });
});
