import { expect } from "chai";
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
});
