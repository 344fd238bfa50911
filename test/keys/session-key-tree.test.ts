import { readFileSync } from "node:fs";
import { expect } from "chai";
import * as fc from "fast-check";
import { ReadyKeys, SessionKeyTree, maskWith } from "../../src/keys/session-key-tree.ts";
import {
  SEALED_AT,
  maskIvOf,
  maskedVersionOf,
  unmaskedVersionOf,
} from "../../src/keys/session-record.ts";

const tags = fc.uint8Array({ minLength: 11, maxLength: 11 });
const hex = (key: Uint8Array) => Buffer.from(key).toString("hex");
/** What leads to a tag's leaf. */
const leafOf = (tag: Uint8Array) => hex(tag).slice(0, 10);

describe("session key tree", () => {
  it("gives each session a key of its own, the same every time", () => {
    const tree = SessionKeyTree.create();
    fc.assert(
      fc.property(tags, tags, (one, other) => {
        expect(hex(tree.keyOf(one))).to.equal(hex(tree.keyOf(Uint8Array.from(one))));
        if (leafOf(one) !== leafOf(other))
          expect(hex(tree.keyOf(one))).not.to.equal(hex(tree.keyOf(other)));
      }),
    );
    const another = SessionKeyTree.create();
    expect(hex(another.keyOf(Buffer.alloc(11)))).not.to.equal(hex(tree.keyOf(Buffer.alloc(11))));
  });

  it("gives the same keys with and without what is kept ready", () => {
    const tree = SessionKeyTree.create().without(Buffer.alloc(11, 0x12));
    const ready = new ReadyKeys();
    fc.assert(
      fc.property(tags, (tag) => {
        const expected = hex(tree.keyOf(tag));
        expect(hex(tree.keyOf(tag, ready))).to.equal(expected);
        expect(hex(tree.keyOf(tag, ready))).to.equal(expected);
      }),
    );
  });

  it("loses the erased keys and keeps all others, however many are erased", () => {
    fc.assert(
      fc.property(
        fc.array(tags, { minLength: 1, maxLength: 8 }),
        tags,
        fc.boolean(),
        (erased, kept, isTogether) => {
          const whole = SessionKeyTree.create();
          const tree = isTogether
            ? whole.without(...erased)
            : erased.reduce((before, tag) => before.without(tag), whole);
          const before = erased.map((tag) => hex(whole.keyOf(tag)));
          const after = new Set(erased.map((tag) => hex(tree.keyOf(tag))));
          expect(before.filter((key) => after.has(key))).to.deep.equal([]);
          if (!erased.some((tag) => leafOf(tag) === leafOf(kept)))
            expect(hex(tree.keyOf(kept))).to.equal(hex(whole.keyOf(kept)));
          // Not one of the keys that are held gives an erased one: it is not above it.
          expect(tree.encode().includes(whole.keyOf(erased[0] ?? kept))).to.equal(false);
          expect(tree.encode().includes(whole.encode().subarray(-32))).to.equal(false);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("keeps the neighbours of an erased session at every level", () => {
    const tag = Buffer.from("0123456789abcdef012345", "hex");
    const whole = SessionKeyTree.create();
    const tree = whole.without(tag).without(tag);
    for (let bit = 0; bit < 40; bit += 1) {
      const neighbour = Buffer.from(tag);
      neighbour[bit >> 3] = (neighbour[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(hex(tree.keyOf(neighbour)), `bit ${String(bit)}`).to.equal(
        hex(whole.keyOf(neighbour)),
      );
    }
  });

  it("forgets what was ready above an erased session", () => {
    const tag = Buffer.alloc(11, 7);
    const whole = SessionKeyTree.create();
    const ready = new ReadyKeys();
    const before = hex(whole.keyOf(tag, ready));
    ready.forget(tag);
    const tree = whole.without(tag);
    expect(hex(tree.keyOf(tag, ready))).not.to.equal(before);
    expect(hex(tree.keyOf(tag, ready))).to.equal(hex(tree.keyOf(tag)));
  });

  it("comes back from its bytes, and from no others", () => {
    const tree = SessionKeyTree.create().without(Buffer.alloc(11, 9));
    const again = SessionKeyTree.decode(tree.encode());
    fc.assert(
      fc.property(tags, (tag) => {
        expect(hex(again?.keyOf(tag) ?? Buffer.alloc(0))).to.equal(hex(tree.keyOf(tag)));
      }),
    );
    expect(SessionKeyTree.decode(Buffer.alloc(0))).to.equal(undefined);
    expect(SessionKeyTree.decode(tree.encode().subarray(0, -1))).to.equal(undefined);
  });

  it("takes 5 KB more for each erased session", () => {
    let tree = SessionKeyTree.create();
    for (let each = 0; each < 20; each += 1) tree = tree.without(Buffer.alloc(11, each * 13));
    expect(tree.encode().length / 20).to.be.lessThan(6500);
  });

  it("gives what an earlier version gave, and the mask that it laid over a record", () => {
    const path = new URL("../vectors/session-key-tree.json", import.meta.url);
    const vector = JSON.parse(readFileSync(path, "utf8")) as Record<string, string>;
    const read = (name: string) => Buffer.from(vector[name] ?? "", "hex");
    const key = SessionKeyTree.decode(read("tree"))?.keyOf(read("tag"));
    expect(hex(key ?? Buffer.alloc(0))).to.equal(vector["key"]);
    const record = read("record");
    expect(hex(maskIvOf(record))).to.equal(vector["iv"]);
    const masked = maskWith(read("key"), read("iv"), record.subarray(SEALED_AT));
    expect(hex(masked)).to.equal(hex(read("covered").subarray(SEALED_AT)));
    expect([unmaskedVersionOf(read("covered")), maskedVersionOf(record)]).to.deep.equal([1, 2]);
  });

  it("masks as its own inverse", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (text) => {
        const [key, iv] = [Buffer.alloc(32, 1), Buffer.alloc(16, 2)];
        const masked = maskWith(key, iv, text);
        expect(masked.length).to.equal(text.length);
        expect(hex(maskWith(key, iv, masked))).to.equal(hex(text));
      }),
    );
  });
});
