import { expect } from "chai";
import { createHandClock } from "./hand-clock.ts";

describe("hand-moved clock", () => {
  it("stands still until it is moved", () => {
    const clock = createHandClock(1000);
    expect([clock.now(), clock.now(), clock.monotonic()]).to.deep.equal([1000, 1000, 0]);
  });

  it("moves wall and monotonic time together when time passes", () => {
    const clock = createHandClock(1000);
    clock.advance(250);
    expect([clock.now(), clock.monotonic()]).to.deep.equal([1250, 250]);
  });

  it("leaves monotonic time alone when the wall clock is set", () => {
    const clock = createHandClock(5000);
    clock.advance(10);
    clock.jumpTo(20);
    expect([clock.now(), clock.monotonic()]).to.deep.equal([20, 10]);
  });

  it("refuses to let time pass backwards", () => {
    expect(() => createHandClock().advance(-1)).to.throw(TypeError);
    expect(() => createHandClock().advance(Number.NaN)).to.throw(TypeError);
  });
});
