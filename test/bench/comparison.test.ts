import { expect } from "chai";
import { cellsOf, comparisonOf } from "../../bench/comparison.ts";
import type { Turn } from "../../bench/contest.ts";
import { median, medianRatio } from "../../bench/medians.ts";

describe("bench comparison", () => {
  it("takes the middle, or the mean of the two in the middle", () => {
    expect(median([9, 1, 4])).to.equal(4);
    expect(median([9, 1, 4, 5])).to.equal(4.5);
    expect(median([7])).to.equal(7);
  });

  it("divides within each round, so that a slow round hits both sides", () => {
    // The median of one divided by that of the other would be 50 / 100.
    expect(medianRatio([10, 50, 300], [100, 500, 100])).to.equal(0.1);
  });

  it("gives logveil's figures against each server's", () => {
    const { scenario, servers } = comparisonOf("visits", [
      { name: "logveil", turns: [turnOf(5000, 40, 1), turnOf(4000, 50, 1)] },
      { name: "nginx", turns: [turnOf(20000, 20, 0.4), turnOf(16000, 25, 0.4)] },
    ]);
    expect(scenario).to.equal("visits");
    expect(servers.map(({ name }) => name)).to.deep.equal(["logveil", "nginx"]);
    expect(servers[0]?.ratios.cpuUs).to.equal(1);
    expect(servers[1]?.medians.perSecond).to.equal(18000);
    expect(servers[1]?.ratios.perSecond).to.equal(0.25);
    expect(servers[1]?.ratios.cpuUs).to.equal(2);
  });

  it("marks the rate of a server that was not the limit", () => {
    const [head, logveil, nginx] = cellsOf(
      comparisonOf("visits", [
        { name: "logveil", turns: [turnOf(5000, 200, 1)] },
        { name: "nginx", turns: [turnOf(20000, 20, 0.4)] },
      ]),
    );
    expect(head?.[0]).to.equal("visits");
    expect(logveil?.[1]).to.equal("5,000");
    expect(nginx?.[1]).to.equal("20,000*");
    expect(nginx?.slice(7)).to.deep.equal(["0.25 x", "1.00 x", "1.00 x", "10.00 x"]);
    expect(nginx).to.have.length(head?.length ?? 0);
  });
});

function turnOf(perSecond: number, cpuUs: number, busy: number): Turn {
  return { perSecond, cpuUs, busy, p50Us: 1000, p99Us: 2000, loadBusy: 1 };
}
