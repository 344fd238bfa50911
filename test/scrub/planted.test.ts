// What a person leaves in a URL does not survive, wherever and however it is encoded.

import { expect } from "chai";
import * as fc from "fast-check";
import { newEffort } from "../../src/scrub/finding.ts";
import { isPlain } from "../../src/scrub/plain-text.ts";
import { KEEP, allDetectors, pseudonymiserOf, scrubberWith } from "./scrubbing.ts";

const pseudonymise = pseudonymiserOf(1);
const scrubber = scrubberWith();
const PSEUDONYM = /~[a-z]+\.[a-z2-7]{8}/g;

const letters = (minLength: number, maxLength: number) =>
  fc.string({
    unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz".split("")),
    minLength,
    maxLength,
  });
const digits = (length: number) =>
  fc.string({
    unit: fc.constantFrom(..."0123456789".split("")),
    minLength: length,
    maxLength: length,
  });
const base64url = (minLength: number) =>
  fc
    .uint8Array({ minLength, maxLength: minLength + 20 })
    .map((bytes) => Buffer.from(bytes).toString("base64url"));

const email = fc
  .tuple(letters(2, 8), fc.constantFrom("", ".x", "+news", "_1", "'s"), letters(2, 8))
  .map(([name, tag, domain]) => `${name}${tag}@${domain}.com`);
const phone = fc
  .tuple(fc.constantFrom("+44", "0", "0044", "44"), fc.constantFrom("7911", "7400"), digits(6))
  .map((parts) => parts.join(""));
const ip = fc.oneof(
  fc.ipV4().filter((address) => address !== "127.0.0.1"),
  fc.ipV6().filter((address) => address.replace(/[^0-9a-f]/gi, "").length > 4),
);
const jwt = fc
  .tuple(base64url(12), base64url(12), base64url(12))
  .map(([head, body, mac]) => `eyJ${head}.eyJ${body}.${mac}`);
const planted = fc.oneof(email, phone, ip, jwt);

/** Every character as it is, or percent-encoded once or twice, as chance will have it. */
const encodings = fc.infiniteStream(fc.constantFrom(0, 0, 0, 1, 2));

function encode(text: string, rounds: Iterable<number>): string {
  const iterator = rounds[Symbol.iterator]();
  return Array.from(text, (character) => encodeCharacter(character, iterator.next().value)).join(
    "",
  );
}

function encodeCharacter(character: string, rounds: number): string {
  const byte = `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  if (rounds === 2) return byte.replace("%", "%25");
  return rounds === 1 || /[^A-Za-z0-9._~@:+'-]/.test(character) ? byte : character;
}

/** All that a reader who decodes three times could see. */
function readings(written: string): readonly string[] {
  const seen = [written];
  for (let round = 0; round < 3; round++) {
    const last = seen.at(-1) ?? "";
    seen.push(last.replace(/%[0-9a-f]{2}/gi, (byte) => decodeLatin1(byte)));
  }
  return seen;
}

function decodeLatin1(byte: string): string {
  return String.fromCharCode(Number.parseInt(byte.slice(1), 16));
}

function expectGone(written: string, secret: string): void {
  for (const reading of readings(written)) expect(reading).to.not.include(secret);
}

const around = fc.constantFrom("", "x ", "id,", "(", '"', "a_b<", "é ");
const behind = fc.constantFrom("", " x", ",1", ")", '"', ">b", " é");

describe("planted personal data", () => {
  it("does not survive in a path", () => {
    fc.assert(
      fc.property(planted, around, behind, encodings, (secret, before, after, rounds) => {
        const sent = `/a/${encode(before + secret + after, rounds)}/b`;
        const written = scrubber.path(sent, pseudonymise);
        expectGone(written, secret);
        expect(written.split("/")).to.have.length(4);
      }),
      { numRuns: 2000 },
    );
  });

  it("does not survive in kept and other values and in keys; keys and their order stay", () => {
    const pair = fc.record({
      key: fc.constantFrom(...KEEP, "name", "q"),
      secret: planted,
      before: around,
      after: behind,
      rounds: encodings,
    });
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 4 }), planted, (pairs, stray) => {
        const sent = pairs
          .map(({ key, secret, before, after, rounds }) => {
            return `${key}=${encode(before + secret + after, rounds)}`;
          })
          .concat(`k[${encodeURIComponent(stray)}]=`)
          .join("&");
        const written = scrubber.query(sent, pseudonymise);
        for (const { secret } of pairs) expectGone(written, secret);
        expectGone(written, stray);
        const keys = written.split("&").map((each) => each.split("=", 1)[0]);
        expect(keys.slice(0, -1)).to.deep.equal(pairs.map(({ key }) => key));
      }),
      { numRuns: 500 },
    );
  });

  it("does not survive in a host, a referer or free text", () => {
    fc.assert(
      fc.property(planted, around, behind, (secret, before, after) => {
        expectGone(scrubber.host(secret, pseudonymise), secret);
        expectGone(scrubber.host(`${secret}.example.com`, pseudonymise), secret);
        const origin = `https://${secret}.example.com/${secret}?${secret}`;
        expectGone(scrubber.referer(origin, pseudonymise) ?? "", secret);
        expectGone(scrubber.text(`${before}${secret}${after} more`, pseudonymise), secret);
      }),
      { numRuns: 500 },
    );
  });
});

describe("scrubbing twice", () => {
  it("changes no pseudonym", () => {
    fc.assert(
      fc.property(planted, around, behind, encodings, (secret, before, after, rounds) => {
        const value = encode(before + secret + after, rounds);
        for (const [scrub, sent] of [
          [scrubber.path, `/a/${value}/${value}`],
          [scrubber.query, `page=${value}&name=${value}&${value}`],
          [scrubber.host, value],
          [scrubber.text, `${before}${secret}${after}`],
        ] as const) {
          const once = scrub(sent, pseudonymise);
          const twice = scrub(once, pseudonymise);
          expect(twice.match(PSEUDONYM)).to.deep.equal(once.match(PSEUDONYM));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("any input at all", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.string({
      unit: fc.constantFrom(..."%25a0@.:+-/&;=~1é\u0000\u2028".split("")),
      maxLength: 200,
    }),
  );

  it("is written without controls and never throws", () => {
    fc.assert(
      fc.property(anything, (sent) => {
        for (const scrub of [
          scrubber.path,
          scrubber.query,
          scrubber.host,
          scrubber.referer,
          scrubber.text,
        ]) {
          expect(scrub(sent, pseudonymise) ?? "").to.not.match(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("plain text", () => {
  it("holds nothing that a detector finds", () => {
    const detectors = allDetectors().filter((detector) => detector.spares !== true);
    const ordinary = fc.oneof(
      fc.string({ unit: fc.constantFrom(..."aeyJBz019.-+_()=,~".split("")), maxLength: 40 }),
      fc.string({ unit: fc.constantFrom(..."a0-. ".split("")), maxLength: 40 }),
      planted,
      digits(14),
    );
    fc.assert(
      fc.property(ordinary, (text) => {
        fc.pre(isPlain(text));
        for (const view of [text, text.replaceAll("+", " ")]) {
          for (const detector of detectors) {
            expect(detector.find(view, newEffort()), detector.kind).to.have.length(0);
          }
        }
      }),
      { numRuns: 5000 },
    );
  });
});
