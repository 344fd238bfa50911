import { gzipSync } from "node:zlib";
import { expect } from "chai";
import * as fc from "fast-check";
import { createCopyProgress } from "../../src/ingest/copy-progress.ts";
import { readChunks } from "../../src/ingest/input-chunks.ts";
import { noLines } from "../../src/ingest/line-counts.ts";
import { LineSplitter, MAX_LINE_BYTES } from "../../src/ingest/line-splitter.ts";
import { createHandClock } from "../kit/hand-clock.ts";

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer, size: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readChunks(pieces(bytes, size))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("a log that is copied", () => {
  describe("lines", () => {
    it("are the same wherever the pieces are cut, and say where the next one begins", () => {
      const line = fc.stringMatching(/^[ -~]{0,30}\r?$/);
      fc.assert(
        fc.property(
          fc.array(line),
          fc.boolean(),
          fc.integer({ min: 1, max: 40 }),
          (lines, ends, size) => {
            const bytes = Buffer.from(lines.join("\n") + (ends ? "\n" : ""), "latin1");
            const splitter = new LineSplitter();
            const got = [];
            for (let at = 0; at < bytes.length; at += size) got.push(...splitter.split(bytes.subarray(at, at + size))); // prettier-ignore
            const last = splitter.last();
            if (last !== undefined) got.push(last);
            const expected = bytes.toString("latin1").split("\n");
            if (expected.at(-1) === "") expected.pop();
            expect(got.map(({ text }) => text)).to.deep.equal(expected.map((each) => each.replace(/\r$/, ""))); // prettier-ignore
            for (const { end } of got) if (end < bytes.length) expect(bytes[end - 1]).to.equal(10);
            expect(got.at(-1)?.end ?? 0).to.equal(bytes.length);
          },
        ),
      );
    });

    it("that are too long are cut, in one piece or in many", () => {
      const bytes = Buffer.from(`${"x".repeat(MAX_LINE_BYTES * 3)}\nnext\n`);
      for (const size of [bytes.length, 1000]) {
        const splitter = new LineSplitter();
        const got = [];
        for (let at = 0; at < bytes.length; at += size) got.push(...splitter.split(bytes.subarray(at, at + size))); // prettier-ignore
        expect(got.map(({ text, isCut }) => [text.length, isCut])).to.deep.equal([[MAX_LINE_BYTES, true], [4, false]]); // prettier-ignore
        expect(got[1]?.end).to.equal(bytes.length);
      }
    });
  });

  describe("input", () => {
    it("is unpacked when it is gzip, wherever the pieces are cut", async () => {
      const plain = Buffer.from(Array.from({ length: 5000 }, (_, at) => `line ${String(at * 7919)}`).join("\n")); // prettier-ignore
      for (const size of [1, 2, 1000, 1_000_000]) {
        expect((await read(gzipSync(plain), size)).equals(plain)).to.equal(true);
        expect((await read(plain, size)).equals(plain)).to.equal(true);
      }
      expect(await read(Buffer.alloc(0), 1)).to.have.length(0);
      expect((await read(Buffer.from("x"), 1)).toString()).to.equal("x");
    });

    it("gives what could be unpacked, the same each time, and then says that it is damaged", async () => {
      const packed = gzipSync(Buffer.from(Array.from({ length: 50_000 }, (_, at) => String(at * 7919)).join("\n"))); // prettier-ignore
      const flipped = Buffer.from(packed);
      flipped[packed.length >> 1] = (flipped[packed.length >> 1] ?? 0) ^ 0x55;
      for (const damaged of [packed.subarray(0, packed.length - 5000), flipped]) {
        const attempts = [];
        for (const size of [damaged.length, damaged.length, 777]) {
          let length = 0;
          const failure: unknown = await (async () => {
            for await (const chunk of readChunks(pieces(damaged, size))) length += chunk.length;
          })().catch((error: unknown) => error);
          expect(failure).to.include({ code: "input-damaged" });
          attempts.push(length);
        }
        expect(attempts[0]).to.be.greaterThan(1000);
        expect(attempts[1]).to.equal(attempts[0]);
      }
    });
  });

  it("says how far it is, twice a second at most, and takes that away again", () => {
    const clock = createHandClock();
    let said = "";
    const progress = createCopyProgress(100 * 1024 * 1024, (text) => (said += text), clock.monotonic); // prettier-ignore
    const counts = { ...noLines(), request: 300_000 };
    progress.show(1, counts);
    expect(said).to.equal("");
    clock.advance(2000);
    progress.show(25 * 1024 * 1024, counts);
    progress.show(26 * 1024 * 1024, counts);
    expect(said).to.equal("\r\u001b[K25.0 MiB of 100.0 MiB (25 %), 150,000 lines/s, 6 s left");
    said = "";
    progress.clear();
    expect(said).to.equal("\r\u001b[K");
    const unknown = createCopyProgress(undefined, (text) => (said = text), clock.monotonic);
    clock.advance(1000);
    unknown.show(0, counts);
    expect(said).to.equal("\r\u001b[K0.0 MiB, 300,000 lines/s");
  });
});
