import { expect } from "chai";
import * as fc from "fast-check";
import { LineQueue } from "../../src/access-log/line-queue.ts";

function drained(queue: LineQueue): string {
  let text = "";
  for (let head = queue.head(); head !== undefined; head = queue.head()) {
    text += head.text;
    queue.remove(head);
  }
  return text;
}

describe("access-log: line queue", () => {
  it("gives lines back in order, whatever is added and removed in between", () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 30 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 7 }), (sizes, every) => {
        const queue = new LineQueue(1e9);
        let [put, got] = ["", ""];
        sizes.forEach((size, index) => {
          const line = `${index}:${"x".repeat(size)}\n`;
          expect(queue.add(line)).to.equal(true);
          put += line;
          if (index % every === 0) got += drained(queue);
        });
        expect(got + drained(queue)).to.equal(put);
        expect(queue.isEmpty).to.equal(true);
        expect(queue.removed).to.equal(sizes.length);
      }),
    );
  });

  it("refuses what would pass its bound, and has room again for what was removed", () => {
    const queue = new LineQueue(10);
    expect([queue.add("12345\n"), queue.add("1234\n"), queue.add("123\n")]).to.deep.equal([
      true,
      false,
      true,
    ]);
    const head = queue.head();
    expect(head).to.deep.equal({ text: "12345\n123\n", lines: 2 });
    if (head !== undefined) queue.remove(head, 6, 1);
    expect(queue.head()).to.deep.equal({ text: "123\n", lines: 1 });
    expect([queue.add("123456\n"), queue.add("12345\n")]).to.deep.equal([false, true]);
    expect(queue.clear()).to.equal(2);
    expect([queue.isEmpty, queue.add("123456789\n")]).to.deep.equal([true, true]);
  });

  it("ignores the removal of a batch that was cleared meanwhile", () => {
    const queue = new LineQueue(100);
    queue.add("old\n");
    const head = queue.head();
    queue.clear();
    queue.add("new\n");
    expect(head === undefined ? undefined : queue.remove(head)).to.equal(0);
    expect(drained(queue)).to.equal("new\n");
  });
});
