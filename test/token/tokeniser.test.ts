import { expect } from "chai";
import * as fc from "fast-check";
import { LogveilError } from "../../src/errors.ts";
import type { EpochMaterial, EpochSource } from "../../src/keys/epoch-material.ts";
import { epochMaterial, epochOpener } from "../../src/keys/epoch-secret.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { SealedSession, SessionSink } from "../../src/store/session-sink.ts";
import { addressMac } from "../../src/token/address-mac.ts";
import type { Client } from "../../src/token/client-identity.ts";
import { decodeIdentity } from "../../src/token/identity-record.ts";
import { parseSessionToken } from "../../src/token/session-token.ts";
import { createTokeniser, type TokeniserOptions } from "../../src/token/tokeniser.ts";
import { createHandClock } from "../kit/hand-clock.ts";

const DAY_MS = 86_400_000;
const MONDAY_MS = Date.UTC(2026, 0, 5);
const MONDAY = MONDAY_MS / 1000;

/** One secret for each epoch, as a keyring would give, counting how often it is asked. */
class Epochs implements EpochSource {
  asked: number[] = [];
  failure: Error | undefined;

  materialOf = async (epoch: number): Promise<EpochMaterial> => {
    this.asked.push(epoch);
    if (this.failure !== undefined) throw this.failure;
    return epochMaterial(this.secretOf(epoch), epoch, epoch * 1000 + DAY_MS);
  };

  secretOf(epoch: number): Buffer {
    return Buffer.alloc(32, String(epoch));
  }
}

/** A sink that keeps what it is given, or refuses. The store's own type: the tokeniser must fit it. */
class Sink implements SessionSink {
  groups: (readonly SealedSession[])[] = [];
  isFailing = false;

  append = async (sessions: readonly SealedSession[]): Promise<void> => {
    this.groups.push(sessions);
    if (this.isFailing) throw new LogveilError("store-unavailable");
  };

  get sessions(): readonly SealedSession[] {
    return this.groups.flat();
  }
}

function visitor(changes: Partial<Client> = {}): Client {
  return {
    address: "192.0.2.1",
    userAgent: "Firefox",
    sessionCookies: "sid=1",
    cookieHeader: "sid=1; theme=dark",
    host: "example.org",
    ...changes,
  };
}

function setUp(changes: Partial<TokeniserOptions<string>> = {}) {
  const clock = createHandClock(MONDAY_MS + 3_600_000);
  const [epochs, sink, metrics] = [new Epochs(), new Sink(), createMetrics()];
  let lost = 0;
  const tokeniser = createTokeniser<string>({
    epochs,
    sink,
    clock,
    rotateMs: DAY_MS,
    cacheSize: 100,
    cap: { count: 1000, perMs: 60_000 },
    scopeOf: (address) => (address.includes(":") ? `${address.slice(0, 12)}::` : address),
    describe: (userAgent) => userAgent.toLowerCase(),
    identity: ["address", "userAgent", "cookies"],
    onLost: (count) => (lost += count),
    metrics,
    ...changes,
  });
  const identityOf = async ({ epoch, tag, record }: SealedSession) =>
    decodeIdentity(await (await epochOpener(epochs.secretOf(epoch), epoch)).open(tag, record));
  return { clock, epochs, sink, metrics, tokeniser, identityOf, lost: () => lost };
}

describe("tokeniser", () => {
  it("gives one identity one token, here, elsewhere and after a restart", async () => {
    const [here, elsewhere] = [setUp(), setUp()];
    const uuid = (await here.tokeniser.tokenise(visitor())).uuid;
    expect((await here.tokeniser.tokenise(visitor())).uuid).to.equal(uuid);
    expect((await elsewhere.tokeniser.tokenise(visitor())).uuid).to.equal(uuid);
  });

  it("answers with both spellings of one value, its epoch and the described user agent", async () => {
    const session = await setUp().tokeniser.tokenise(visitor());
    expect(parseSessionToken(session.uuid)).to.deep.equal(parseSessionToken(session.address));
    expect(parseSessionToken(session.uuid).epoch).to.equal(MONDAY);
    expect(session).to.include({ epoch: MONDAY, userAgent: "firefox" });
  });

  it("answers at once but for the first request", async () => {
    const { tokeniser } = setUp();
    expect(tokeniser.tokenise(visitor())).to.be.instanceOf(Promise);
    await tokeniser.tokenise(visitor());
    expect(tokeniser.tokenise(visitor())).not.to.be.instanceOf(Promise);
    expect(tokeniser.tokenise(visitor({ address: "192.0.2.2" }))).not.to.be.instanceOf(Promise);
  });

  it("tells identities apart, also those that are the same letters", async () => {
    const { tokeniser } = setUp({ cacheSize: 1 });
    const text = fc.string({ unit: "grapheme-ascii", maxLength: 4 });
    const identities = fc.record({ address: text, userAgent: text, sessionCookies: text });
    await fc.assert(
      fc.asyncProperty(identities, identities, async (a, b) => {
        const first = await tokeniser.tokenise(visitor(a));
        const second = await tokeniser.tokenise(visitor(b));
        const isSame = JSON.stringify(a) === JSON.stringify(b);
        expect(first.uuid === second.uuid).to.equal(isSame);
      }),
    );
  });

  it("counts only the parts that make a session", async () => {
    const { tokeniser } = setUp({ identity: ["address"] });
    const uuidOf = async (client: Client) => (await tokeniser.tokenise(client)).uuid;
    const uuid = await uuidOf(visitor());
    const other = visitor({ userAgent: "Safari", sessionCookies: "", cookieHeader: "", host: "" });
    expect(await uuidOf(other)).to.equal(uuid);
    expect(await uuidOf(visitor({ address: "192.0.2.2" }))).not.to.equal(uuid);
    const all = await setUp().tokeniser.tokenise(visitor({ userAgent: "", sessionCookies: "" }));
    expect(all.uuid).not.to.equal(uuid);
  });

  it("seals the first request's identity, once, under its token and address", async () => {
    const { tokeniser, sink, epochs, identityOf, clock } = setUp();
    const seenAtMs = clock.now();
    const atOnce = [tokeniser.tokenise(visitor()), tokeniser.tokenise(visitor())];
    const sessions = [await atOnce[0], await atOnce[1]];
    clock.advance(1000);
    await tokeniser.tokenise(visitor({ cookieHeader: "sid=1; theme=light" }));
    await tokeniser.settled();
    const [stored, ...more] = sink.sessions;
    if (stored === undefined) throw new Error("nothing was stored");
    expect(more).to.deep.equal([]);
    const { epoch, tag } = parseSessionToken(sessions[0]?.uuid ?? "");
    expect({ epoch: stored.epoch, tag: Uint8Array.from(stored.tag) }).to.deep.equal({ epoch, tag });
    const { addressKey } = await epochs.materialOf(epoch);
    expect(stored.addressMac).to.deep.equal(addressMac(addressKey, "192.0.2.1"));
    expect(stored.addressMac).to.have.length(16);
    expect(await identityOf(stored)).to.deep.equal({
      seenAtMs,
      address: "192.0.2.1",
      userAgent: "Firefox",
      cookie: "sid=1; theme=dark",
      host: "example.org",
    });
    expect(Buffer.from(stored.record).includes("192.0.2.1")).to.equal(false);
  });

  it("is stored when the sink says so, and hands over the sessions of one turn together", async () => {
    const { tokeniser, sink } = setUp();
    await tokeniser.tokenise(visitor());
    await tokeniser.settled();
    sink.groups = [];
    const clients = Array.from({ length: 20 }, (_, i) => visitor({ address: `192.0.2.${i + 10}` }));
    const sessions = clients.map((client) => tokeniser.tokenise(client));
    const first = await sessions[0];
    expect(first?.isStored).to.equal(false);
    await first?.stored;
    expect(first?.isStored).to.equal(true);
    expect(sink.groups.map((group) => group.length)).to.deep.equal([20]);
  });

  it("counts what the sink refuses, goes on, and tries again with the session's next request", async () => {
    const { tokeniser, sink, lost, identityOf } = setUp();
    sink.isFailing = true;
    const session = await tokeniser.tokenise(visitor());
    await session.stored;
    expect({ isStored: session.isStored, lost: lost() }).to.deep.equal({
      isStored: false,
      lost: 1,
    });
    sink.isFailing = false;
    const again = await tokeniser.tokenise(visitor());
    await again.stored;
    expect(again.isStored).to.equal(true);
    expect(again.uuid).to.equal(session.uuid);
    expect(lost()).to.equal(1);
    const last = sink.sessions.at(-1);
    expect(last && (await identityOf(last)).address).to.equal("192.0.2.1");
    await tokeniser.tokenise(visitor());
    await tokeniser.settled();
    expect(sink.sessions).to.have.length(2);
  });

  it("keeps no more waiting than its bound when the sink hangs", async () => {
    const { tokeniser, lost } = setUp({
      sink: { append: () => new Promise(() => {}) },
      cacheSize: 10_000,
      cap: { count: 10_000, perMs: 60_000 },
    });
    const cookieHeader = "x".repeat(16_000);
    const count = 1100;
    for (let i = 0; i < count; i += 1) {
      await tokeniser.tokenise(visitor({ sessionCookies: `sid=${i}`, cookieHeader }));
    }
    expect(lost()).to.be.within(count - 1049, count - 1000);
  });

  it("gives another token in another epoch, and nothing that links the two", async () => {
    const { tokeniser, clock, sink } = setUp();
    const monday = await tokeniser.tokenise(visitor());
    clock.advance(DAY_MS);
    const tuesday = await tokeniser.tokenise(visitor());
    await tokeniser.settled();
    expect(parseSessionToken(tuesday.uuid).epoch).to.equal(MONDAY + 86_400);
    expect(tuesday.uuid.slice(8)).not.to.equal(monday.uuid.slice(8));
    const [first, second] = sink.sessions;
    expect(first?.addressMac).not.to.deep.equal(second?.addressMac);
    clock.jumpTo(MONDAY_MS);
    expect((await tokeniser.tokenise(visitor())).uuid).to.equal(monday.uuid);
  });

  it("has the next epoch's keys at hand before it begins", async () => {
    const { tokeniser, clock, epochs } = setUp();
    await tokeniser.tokenise(visitor());
    clock.jumpTo(MONDAY_MS + DAY_MS * 0.95);
    void tokeniser.tokenise(visitor());
    void tokeniser.tokenise(visitor());
    expect(epochs.asked).to.deep.equal([MONDAY, MONDAY + 86_400]);
    // Waits for the keys that are on their way, and asks for none of its own.
    await tokeniser.tokenise(visitor(), MONDAY_MS + DAY_MS);
    clock.jumpTo(MONDAY_MS + DAY_MS);
    expect(tokeniser.tokenise(visitor())).not.to.be.instanceOf(Promise);
    expect(epochs.asked).to.deep.equal([MONDAY, MONDAY + 86_400]);
  });

  it("drops the keys of an epoch a tenth after its end, and when it is told to", async () => {
    const { tokeniser, clock, epochs } = setUp();
    const tuesdayMs = MONDAY_MS + DAY_MS;
    await tokeniser.tokenise(visitor());
    clock.jumpTo(tuesdayMs);
    await tokeniser.tokenise(visitor());
    expect(tokeniser.tokenise(visitor(), MONDAY_MS)).not.to.be.instanceOf(Promise);
    clock.jumpTo(tuesdayMs + DAY_MS * 0.1);
    await tokeniser.tokenise(visitor());
    await tokeniser.tokenise(visitor());
    expect(tokeniser.tokenise(visitor(), MONDAY_MS)).to.be.instanceOf(Promise);
    tokeniser.forget(MONDAY + 86_400);
    const before = epochs.asked.length;
    await tokeniser.tokenise(visitor());
    expect(epochs.asked).to.have.length(before + 1);
  });

  it("tokenises a log line at the time it was written", async () => {
    const { tokeniser } = setUp();
    const then = await tokeniser.tokenise(visitor(), MONDAY_MS - 1);
    expect(then.epoch).to.equal(MONDAY - 86_400);
    const uuid = (await tokeniser.tokenise(visitor(), MONDAY_MS - DAY_MS)).uuid;
    expect(uuid).to.equal(then.uuid);
  });

  it("goes on with tokens that mean nothing when an epoch has expired", async () => {
    const { tokeniser, epochs, sink, lost } = setUp();
    epochs.failure = new LogveilError("epoch-expired");
    const session = await tokeniser.tokenise(visitor());
    await session.stored;
    expect(session.isStored).to.equal(false);
    expect((await tokeniser.tokenise(visitor())).uuid).to.equal(session.uuid);
    expect(sink.sessions).to.deep.equal([]);
    expect(lost()).to.equal(1);
    const other = setUp();
    other.epochs.failure = epochs.failure;
    expect((await other.tokeniser.tokenise(visitor())).uuid).not.to.equal(session.uuid);
  });

  it("goes on while the keys are out of reach, and asks again after a second", async () => {
    const { tokeniser, epochs, clock, sink } = setUp();
    const expected = await setUp().tokeniser.tokenise(visitor());
    epochs.failure = new Error("disk full");
    const standIn = await tokeniser.tokenise(visitor());
    expect(standIn.uuid).not.to.equal(expected.uuid);
    await tokeniser.tokenise(visitor());
    expect(epochs.asked).to.have.length(1);
    clock.advance(1000);
    expect((await tokeniser.tokenise(visitor())).uuid).to.equal(standIn.uuid);
    expect(epochs.asked).to.have.length(2);
    clock.advance(1000);
    epochs.failure = undefined;
    let session = await tokeniser.tokenise(visitor());
    for (let turn = 0; session.uuid === standIn.uuid && turn < 1000; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      session = await tokeniser.tokenise(visitor());
    }
    await session.stored;
    expect(session.uuid).to.equal(expected.uuid);
    expect(session.isStored).to.equal(true);
    expect(sink.sessions).to.have.length(1);
  });

  it("stores a session again after it was told to forget it, under the same token, linked to nobody", async () => {
    const { tokeniser, sink } = setUp();
    const session = await tokeniser.tokenise(visitor());
    const other = await tokeniser.tokenise(visitor({ address: "192.0.2.2" }));
    await tokeniser.settled();
    session.userToken = "somebody";
    tokeniser.forgetSession("00000000-0000-8000-8000-000000000000");
    expect(await tokeniser.tokenise(visitor())).to.equal(session);
    tokeniser.forgetSession(session.uuid);
    const again = await tokeniser.tokenise(visitor());
    await tokeniser.settled();
    expect(again.uuid).to.equal(session.uuid);
    expect(again.userToken).to.equal(undefined);
    expect(sink.sessions).to.have.length(3);
    expect(await tokeniser.tokenise(visitor({ address: "192.0.2.2" }))).to.equal(other);
  });

  it("remembers as many sessions as it may, and derives the others again", async () => {
    const { tokeniser, sink } = setUp({ cacheSize: 2 });
    const clients = [1, 2, 3].map((i) => visitor({ sessionCookies: `sid=${i}` }));
    const uuids = [];
    for (const client of [...clients, ...clients]) {
      uuids.push((await tokeniser.tokenise(client)).uuid);
    }
    await tokeniser.settled();
    expect(uuids.slice(3)).to.deep.equal(uuids.slice(0, 3));
    expect(sink.sessions).to.have.length(6);
  });
});

describe("cap of new sessions", () => {
  const cap = { count: 3, perMs: 60_000 };
  const manyOf = (address: string, count = 10) =>
    Array.from({ length: count }, (_, i) => visitor({ address, sessionCookies: `sid=${i}` }));

  it("lets an address share one token past it, sealed with the address alone", async () => {
    const { tokeniser, sink, metrics, identityOf } = setUp({ cap });
    const uuids = [];
    for (const client of manyOf("192.0.2.1")) uuids.push((await tokeniser.tokenise(client)).uuid);
    await tokeniser.settled();
    expect(new Set(uuids.slice(0, 3)).size).to.equal(3);
    expect(new Set(uuids.slice(3)).size).to.equal(1);
    expect(new Set(uuids).size).to.equal(4);
    expect(sink.sessions).to.have.length(4);
    expect((await metrics.sessionsCapped.get()).values[0]?.value).to.equal(7);
    const shared = sink.sessions[3];
    const identity = shared && (await identityOf(shared));
    expect(identity).to.include({ address: "192.0.2.1", userAgent: "", cookie: "", host: "" });
    const [own, past] = manyOf("192.0.2.1", 4).filter((_, index) => index === 0 || index === 3);
    expect((await tokeniser.tokenise(own ?? visitor())).isShared).to.equal(false);
    expect((await tokeniser.tokenise(past ?? visitor())).isShared).to.equal(true);
  });

  it("counts an IPv6 /64 as one and another address apart", async () => {
    const { tokeniser, sink, identityOf } = setUp({ cap });
    const addresses = Array.from({ length: 5 }, (_, i) => `2001:db8:1:2:${i}::1`);
    for (const address of addresses) await tokeniser.tokenise(visitor({ address }));
    await tokeniser.tokenise(visitor({ address: "2001:db8:9:9::1" }));
    await tokeniser.settled();
    const identities = await Promise.all(sink.sessions.map(identityOf));
    expect(identities.map(({ address }) => address)).to.deep.equal([
      ...addresses.slice(0, 3),
      "2001:db8:1:2::",
      "2001:db8:9:9::1",
    ]);
  });

  it("leaves sessions alone that are known, and new ones after its time", async () => {
    const { tokeniser, clock } = setUp({ cap });
    const clients = manyOf("192.0.2.1", 5);
    const uuids = [];
    for (const client of clients) uuids.push((await tokeniser.tokenise(client)).uuid);
    const known = await tokeniser.tokenise(clients[0] ?? visitor());
    expect(known.uuid).to.equal(uuids[0]);
    clock.advance(cap.perMs);
    const fresh = await tokeniser.tokenise(clients[4] ?? visitor());
    expect(uuids).not.to.include(fresh.uuid);
  });
});
