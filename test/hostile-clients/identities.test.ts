// Clients that are somebody new in every request (SPEC section 3): disk and memory are bounded by newSessionsPerAddress, nobody is
// refused, and others keep their own tokens.

import { expect } from "chai";
import { Agent, request as httpRequest } from "node:http";
import { createMetrics } from "../../src/metrics.ts";
import { capScopeOf } from "../../src/identity/address.ts";
import type { EpochSource } from "../../src/keys/epoch-material.ts";
import { epochMaterial } from "../../src/keys/epoch-secret.ts";
import { createTokeniser } from "../../src/token/tokeniser.ts";
import { startProxiedUpstream } from "../kit/proxied-upstream.ts";
import { createHandClock } from "../kit/hand-clock.ts";

const DAY_MS = 86_400_000;
const CAP = 600;

/** As many tokenisations as a client could ask for in a minute or two, straight at the tokeniser. */
const MANY = 200_000;

describe("hostile clients: inventing identities", () => {
  const open = () => {
    const clock = createHandClock();
    const metrics = createMetrics();
    const stored: number[] = [];
    const secret = Buffer.alloc(32, 7);
    const epochs: EpochSource = {
      materialOf: async (epoch) => epochMaterial(secret, epoch, epoch * 1000 + DAY_MS),
    };
    const tokeniser = createTokeniser({
      epochs,
      sink: { append: async (sessions) => void stored.push(sessions.length) },
      clock,
      rotateMs: DAY_MS,
      cacheSize: 50_000,
      cap: { count: CAP, perMs: 60_000 },
      scopeOf: capScopeOf,
      describe: (text) => text,
      identity: ["address", "userAgent", "cookies"],
      onLost: () => undefined,
      metrics,
    });
    const visit = (address: string, n: number) =>
      tokeniser.tokenise({
        address,
        userAgent: `agent/${String(n)}`,
        sessionCookies: "",
        cookieHeader: "",
        host: "h",
      });
    const records = async () => {
      await tokeniser.settled();
      return stored.reduce((sum, count) => sum + count, 0);
    };
    return { visit, records, clock };
  };

  it("200,000 identities of one address store 600 sessions and one shared one", async function () {
    this.timeout(60_000);
    const { visit, records } = open();
    const honest = await visit("198.51.100.7", 0);
    const tokens = new Set<string>();
    for (let n = 0; n < MANY; n += 1) tokens.add((await visit("192.0.2.1", n)).uuid);
    expect(tokens.size).to.equal(CAP + 1);
    expect(await records()).to.equal(CAP + 2);
    expect((await visit("198.51.100.7", 0)).uuid).to.equal(honest.uuid);
  });

  it("65,000 addresses of one IPv6 /64 are one scope, those of another are not in it", async function () {
    this.timeout(60_000);
    const { visit, records } = open();
    const addressOf = (n: number) => `2001:db8:0:1:${n.toString(16)}::1`;
    const tokens = new Set<string>();
    for (let n = 1; n <= 65_000; n += 1) tokens.add((await visit(addressOf(n), 0)).uuid);
    expect(tokens.size).to.equal(CAP + 1);
    const other = await visit("2001:db8:0:2::1", 0);
    expect(tokens.has(other.uuid)).to.equal(false);
    expect(other.isShared).to.equal(false);
    expect(await records()).to.equal(CAP + 2);
  });

  it("the share is had again in the next minute, not sooner", async () => {
    const { visit, records, clock } = open();
    for (let n = 0; n < 2 * CAP; n += 1) await visit("192.0.2.1", n);
    clock.advance(59_999);
    expect((await visit("192.0.2.1", -1)).isShared).to.equal(true);
    clock.advance(1);
    expect((await visit("192.0.2.1", -1)).isShared).to.equal(false);
    expect(await records()).to.equal(CAP + 2);
  });

  it("through the proxy: everybody is served, and counted as what they are", async function () {
    this.timeout(60_000);
    await using proxied = await startProxiedUpstream({
      trustedProxies: ["127.0.0.1/32"],
      limits: { newSessionsPerAddress: `${String(CAP)}/h` },
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const visit = (n: number, address: string) =>
      new Promise<string>((resolve, reject) => {
        const headers = { "X-Forwarded-For": address, "User-Agent": `agent/${String(n)}` };
        const asked = httpRequest(proxied.sidecar.proxyUrl, { agent, headers }, (response) => {
          let body = "";
          response.on("data", (chunk: Buffer) => (body += chunk.toString()));
          response.on("end", () => resolve(body));
        });
        asked.on("error", reject).end();
      });
    const count = 3000;
    for (let n = 0; n < count; n += 100) {
      const bodies = await Promise.all(
        Array.from({ length: 100 }, (_, m) =>
          visit(n + m, `2001:db8::${(n + m + 1).toString(16)}`),
        ),
      );
      expect(bodies.every((body) => body === "ok\n")).to.equal(true);
    }
    agent.destroy();
    expect(await proxied.metric("logveil_sessions_new_total")).to.equal(CAP + 1);
    expect(await proxied.metric("logveil_sessions_capped_total")).to.equal(count - CAP);
    const lines = await proxied.sidecar.logLines(count);
    expect(new Set(lines.map((line) => line["session.id"])).size).to.equal(CAP + 1);
    const shared = proxied.upstream.requests
      .at(-1)
      ?.headers.find(([name]) => name === "X-Session-Token");
    const { status, body } = await proxied.sidecar.lookUp(String(shared?.[1]));
    expect(status).to.equal(200);
    expect(body.data?.["clientip"]).to.match(/^2001:db8::/);
  });
});
