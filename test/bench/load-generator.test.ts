import { expect } from "chai";
import { parseMeasured, percentile } from "../../bench/load-generator.ts";

describe("bench load generator", () => {
  it("reads the last line of figures, whatever wrk prints around it", () => {
    const output = `Running 1s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
{"requests":1,"seconds":1.0,"failures":0,"latency":[]}
Requests/sec:  12345.67
{"requests":3,"seconds":1.500000,"failures":2,"latency":[[100,2],[400,1]]}
`;
    expect(parseMeasured(output)).to.deep.equal({
      requests: 3,
      seconds: 1.5,
      failures: 2,
      latency: [
        [100, 2],
        [400, 1],
      ],
    });
  });

  it("throws when the generator reported nothing", () => {
    expect(() => parseMeasured("unable to connect\n")).to.throw("reported nothing");
  });

  it("counts each latency as often as it occurred, over all histograms", () => {
    const first = [
      [300, 1],
      [100, 49],
    ] as const;
    const second = [[200, 50]] as const;
    expect(percentile([first, second], 0.49)).to.equal(100);
    expect(percentile([first, second], 0.5)).to.equal(200);
    expect(percentile([first, second], 0.99)).to.equal(200);
    expect(percentile([first, second], 1)).to.equal(300);
    expect(percentile([], 0.5)).to.equal(0);
  });
});
