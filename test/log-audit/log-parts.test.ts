import { expect } from "chai";
import * as fc from "fast-check";
import { createLeftoverFinder } from "../../src/log-audit/leftover-finder.ts";
import { LogAudit } from "../../src/log-audit/log-audit.ts";
import { MAX_PART_CHARACTERS, readLogParts } from "../../src/log-audit/log-parts.ts";
import type { LogPart } from "../../src/log-audit/log-parts.ts";
import { scrubberWith } from "../scrub/scrubbing.ts";

async function* inChunks(bytes: Buffer, size: number): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function partsOf(text: string, size = 4096): Promise<readonly LogPart[]> {
  const parts: LogPart[] = [];
  for await (const some of readLogParts(inChunks(Buffer.from(text), size))) parts.push(...some);
  return parts;
}

function newAudit(): LogAudit {
  return new LogAudit(
    createLeftoverFinder({ scrubber: scrubberWith(), ignoresAddress: () => false }),
  );
}

describe("log parts", () => {
  it("are the lines, however the log comes in pieces", async () => {
    const line = fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\n\r\ufeff]/g, "-"));
    const property = fc.asyncProperty(
      fc.array(line.map((text) => text.toWellFormed())),
      fc.constantFrom("\n", "\r\n"),
      fc.integer({ min: 1, max: 9 }),
      async (lines, end, size) => {
        const parts = await partsOf(lines.map((text) => text + end).join(""), size);
        const told = lines
          .map((text, index) => [index + 1, text] as const)
          .filter(([, text]) => text !== "");
        expect(parts.map((part) => [part.line, part.text])).to.deep.equal(told);
        expect(parts.every(({ isWholeLine }) => isWholeLine)).to.equal(true);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });

  it("are of a bounded length, overlap, and have all of a line of 10 MB", async () => {
    const text = "0123456789abcdef".repeat(640 * 1024);
    let [next, covered, count] = [0, 0, 0];
    for await (const parts of readLogParts(inChunks(Buffer.from(`short\n${text}\nlast`), 65_536)))
      for (const part of parts) {
        expect(part.text.length).to.be.at.most(MAX_PART_CHARACTERS);
        if (part.line !== 2) continue;
        count++;
        expect(part.before + part.repeated).to.equal(covered);
        expect(text.startsWith(part.text, part.before)).to.equal(true);
        expect(part.isWholeLine).to.equal(false);
        covered = part.before + part.text.length;
        next = part.line + 1;
      }
    expect({ covered, next }).to.deep.equal({ covered: text.length, next: 3 });
    expect(count).to.be.greaterThan(1000);
  });

  it("let nothing be overlooked where a long line is cut, nor found twice", async () => {
    const planted = "ada.lovelace@example.org";
    const property = fc.asyncProperty(
      fc.integer({ min: MAX_PART_CHARACTERS - 700, max: MAX_PART_CHARACTERS + 200 }),
      async (at) => {
        const line = `${"x ".repeat(at / 2).padEnd(at)}${planted}${" y".repeat(6000)}`;
        const found = [];
        for await (const some of newAudit().read(inChunks(Buffer.from(line), 1000)))
          found.push(...some.map(({ start, end, kind }) => ({ start, end, kind })));
        expect(found).to.deep.equal([{ start: at, end: at + planted.length, kind: "email" }]);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });

  it("hold no more of a large log than of a small one", async () => {
    const line = Buffer.from(`${"a ".repeat(200)}\n`);
    const chunk = Buffer.concat(Array.from({ length: 200 }, () => line));
    let [most, yielded] = [0, 0];
    const source = (async function* () {
      for (let count = 0; count < 300; count++) {
        yielded++;
        yield chunk;
      }
    })();
    let read = 0;
    for await (const parts of readLogParts(source)) {
      read += parts.length;
      most = Math.max(most, yielded * 200 - read);
    }
    expect(read).to.equal(60_000);
    expect(most).to.be.at.most(400);
  });
});
