import { expect } from "chai";
import type { Exchange } from "../../src/access-log/exchange.ts";
import { createMetrics } from "../../src/metrics.ts";
import { OpenExchange } from "../../src/proxy/open-exchange.ts";
import { createScrubber } from "../../src/scrub/scrubber.ts";
import { createHandClock } from "../kit/hand-clock.ts";

const LINE = {
  method: "GET",
  path: "/users/ada@example.org",
  query: undefined,
  host: "www.example.com",
  referer: undefined,
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  protocolVersion: "1.1",
  requestId: "r-1",
};

describe("proxy/open-exchange", () => {
  const open = () => {
    const written: Exchange[] = [];
    const clock = createHandClock();
    const peer = { address: "192.0.2.1", isTrusted: false, inFlight: 0 };
    const exchange = new OpenExchange(LINE, peer, {
      accessLog: {
        write: (line) => void written.push(line),
        reopen: () => undefined,
        flush: async () => undefined,
        close: async () => undefined,
        health: () => "ok",
      },
      scrubber: createScrubber({ keepQuery: [], pathTemplates: [], defaultCountry: "GB" }),
      pseudonymsOf: () => (kind) => `~${kind}.aaaaaaaa`,
      currentEpoch: () => 0,
      clock,
      metrics: createMetrics(),
    });
    return { exchange, written, clock, peer };
  };

  const session = (isStored: boolean, stored: Promise<void>) => ({
    uuid: "u",
    address: "fd::",
    epoch: 0,
    isStored,
    stored,
    userAgent: {
      name: undefined,
      version: undefined,
      os: undefined,
    },
  });

  it("writes the line of a new session only after its record is stored", async () => {
    const { exchange, written } = open();
    let store: () => void = () => undefined;
    const stored = new Promise<void>((resolve) => (store = resolve));
    exchange.session = session(false, stored);
    exchange.finish(200);
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).to.deep.equal([]);
    store();
    await stored;
    expect(written.length).to.equal(1);
  });

  it("writes the line of a known session at once, and once", () => {
    const { exchange, written, clock, peer } = open();
    exchange.session = session(true, Promise.resolve());
    expect(peer.inFlight).to.equal(1);
    clock.advance(12);
    exchange.finish(200);
    exchange.finish(502);
    expect(peer.inFlight).to.equal(0);
    expect(written.length).to.equal(1);
    expect(written[0]).to.include({
      statusCode: 200,
      durationMs: 12,
      path: "/users/~email.aaaaaaaa",
      traceId: "0af7651916cd43dd8448eb211c80319c",
    });
  });
});
