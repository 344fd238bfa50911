import { expect } from "chai";
import * as fc from "fast-check";
import { createTurns } from "../../src/vault/turns.ts";

describe("turns", () => {
  it("come one after another under one key, also behind a failure", async () => {
    const takeTurn = createTurns();
    const steps: string[] = [];
    const act = (name: string) => async () => {
      steps.push(`${name} begins`);
      await new Promise(setImmediate);
      steps.push(`${name} ends`);
      if (name === "first") throw new Error(name);
    };
    const turns = ["first", "second", "third"].map((name) => takeTurn("key", act(name)));
    const outcomes = await Promise.allSettled(turns);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect(steps).to.deep.equal(
      ["first", "second", "third"].flatMap((name) => [`${name} begins`, `${name} ends`]),
    );
  });

  it("do not wait for another key", async () => {
    const takeTurn = createTurns();
    let release: () => void = () => undefined;
    const held = takeTurn("held", () => new Promise<void>((resolve) => (release = resolve)));
    expect(await takeTurn("free", async () => "done")).to.equal("done");
    release();
    await held;
  });

  it("of several keys wait for all of them, and hold all of them", async () => {
    const takeTurn = createTurns();
    const steps: string[] = [];
    const act = (name: string) => async () => {
      steps.push(`${name} begins`);
      await new Promise(setImmediate);
      steps.push(`${name} ends`);
    };
    await Promise.all([
      takeTurn("a", act("a")),
      takeTurn("b", act("b")),
      takeTurn(["a", "b", "a"], act("both")),
      takeTurn("b", act("b again")),
      takeTurn("c", act("c")),
    ]);
    expect(steps.indexOf("both begins")).to.be.greaterThan(steps.indexOf("a ends"));
    expect(steps.indexOf("both begins")).to.be.greaterThan(steps.indexOf("b ends"));
    expect(steps.indexOf("b again begins")).to.be.greaterThan(steps.indexOf("both ends"));
    expect(steps.indexOf("c begins")).to.be.lessThan(steps.indexOf("both begins"));
  });

  it("never wait for each other, whatever keys they take in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 }), {
          maxLength: 20,
        }),
        async (requests) => {
          const takeTurn = createTurns();
          const held = new Set<string>();
          const turns = requests.map((keys) =>
            takeTurn(keys, async () => {
              for (const key of keys) {
                expect(held.has(key)).to.equal(false);
                held.add(key);
              }
              await new Promise(setImmediate);
              for (const key of keys) held.delete(key);
              return keys;
            }),
          );
          expect(await Promise.all(turns)).to.deep.equal(requests);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("run at once when there is no key", async () => {
    expect(await createTurns()([], async () => "done")).to.equal("done");
  });
});
