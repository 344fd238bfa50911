import { expect } from "chai";
import type { Exchange } from "../../src/access-log/exchange.ts";
import { createMetrics } from "../../src/metrics.ts";
import { OpenExchange } from "../../src/proxy/open-exchange.ts";
import { WaitingLines } from "../../src/proxy/waiting-lines.ts";
import { createScrubber } from "../../src/scrub/scrubber.ts";
import type { IdentitySealing } from "../../src/token/sealed-identity.ts";
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
  const open = (isLinking = true, identitySealing?: Pick<IdentitySealing, "seal">) => {
    const written: Exchange[] = [];
    const links: string[] = [];
    const clock = createHandClock();
    const peer = {
      address: "192.0.2.1",
      isTrusted: false,
      scheme: "http" as const,
      inFlight: 0,
      isRefused: false,
      upload: undefined,
      onIdle: undefined,
    };
    const exchange = new OpenExchange(LINE, peer, {
      accessLog: { write: (line) => void written.push(line) },
      scrubber: createScrubber({ keepQuery: [], pathTemplates: [], defaultCountry: "GB" }),
      pseudonymsOf: () => (kind) => `~${kind}.aaaaaaaa`,
      links: {
        link: async (uuid, userToken) => {
          links.push(`${uuid} ${userToken}`);
          return isLinking;
        },
      },
      currentEpoch: () => 0,
      clock,
      metrics: createMetrics(),
      waitingLines: new WaitingLines(),
      identitySealing,
    });
    return { exchange, written, clock, peer, links };
  };

  const session = (isStored: boolean, stored: Promise<void>) => ({
    uuid: "u",
    address: "fd::",
    epoch: 0,
    isStored,
    stored,
    isShared: false,
    userToken: undefined as string | undefined,
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

  describe("with identities sealed into lines", () => {
    const CLIENT = {
      address: "192.0.2.1",
      userAgent: "x",
      sessionCookies: "",
      cookieHeader: "",
      host: "h",
    };

    it("seals when the session is known, and writes the line at once", () => {
      const { exchange, written } = open(true, {
        seal: ({ uuid }, { address }) => `${uuid} ${address}`,
      });
      exchange.enter(session(true, Promise.resolve()), CLIENT);
      exchange.finish(200);
      expect(written[0]?.sealedIdentity).to.equal("u 192.0.2.1");
    });

    it("waits for the key of a new epoch, and for the record", async () => {
      const sealed = Promise.withResolvers<string | undefined>();
      const stored = Promise.withResolvers<void>();
      const { exchange, written } = open(true, { seal: () => sealed.promise });
      exchange.enter(session(false, stored.promise), CLIENT);
      exchange.finish(200);
      for (const settle of [() => stored.resolve(), () => sealed.resolve("sealed")]) {
        expect(written).to.deep.equal([]);
        settle();
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(written.map(({ sealedIdentity }) => sealedIdentity)).to.deep.equal(["sealed"]);
    });
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

  describe("whose session it is", () => {
    const ADA = "0a0a0a0a-0000-0000-0000-00000000000a";
    const BOB = "0b0b0b0b-0000-0000-0000-00000000000b";
    const turn = () => new Promise((resolve) => setImmediate(resolve));

    it("is linked once for each session, after its record is stored, and written as a pseudonym", async () => {
      const { exchange, written, links } = open();
      const stored = Promise.withResolvers<void>();
      const known = session(true, stored.promise);
      exchange.session = known;
      exchange.belongsTo(ADA.toUpperCase());
      exchange.belongsTo(ADA);
      await turn();
      expect(links).to.deep.equal([]);
      stored.resolve();
      await turn();
      exchange.belongsTo(BOB);
      await turn();
      expect(links).to.deep.equal([`u ${ADA}`]);
      expect(known.userToken).to.equal(ADA);
      exchange.finish(200);
      expect(written[0]?.userPseudonym).to.equal("~user.aaaaaaaa");
    });

    it("is remembered for the session's other requests, and said again when the link was not stored", async () => {
      const known = session(true, Promise.resolve());
      const first = open(false);
      first.exchange.session = known;
      first.exchange.belongsTo(ADA);
      await turn();
      expect(known.userToken).to.equal(undefined);
      const second = open();
      second.exchange.session = known;
      second.exchange.belongsTo(ADA);
      await turn();
      expect(second.links).to.have.length(1);
      const third = open();
      third.exchange.session = known;
      third.exchange.finish(200);
      expect(third.written[0]?.userPseudonym).to.equal("~user.aaaaaaaa");
    });

    it("is nobody's when no record was stored, or when many share the session", async () => {
      const lost = session(false, Promise.resolve());
      const shared = { ...session(true, Promise.resolve()), isShared: true };
      for (const known of [lost, shared]) {
        const { exchange, links } = open();
        exchange.session = known;
        exchange.belongsTo(ADA);
        await turn();
        expect(links).to.deep.equal([]);
        expect(known.userToken).to.equal(undefined);
      }
    });

    it("is told by a user token and by nothing else", async () => {
      const { exchange, written, links } = open();
      exchange.session = session(true, Promise.resolve());
      for (const header of [undefined, "", "ada@example.org", `${ADA}, ${BOB}`, `${ADA}x`])
        exchange.belongsTo(header);
      await turn();
      exchange.finish(200);
      expect(links).to.deep.equal([]);
      expect(written[0]?.userPseudonym).to.equal(undefined);
    });
  });
});
