import { expect } from "chai";
import { createTrustedProxies, findClientAddress } from "../../src/identity/client-address.ts";

describe("identity/client-address", () => {
  const proxies = createTrustedProxies(["10.0.0.0/8", "2001:db8:ffff::/48", "192.0.2.200"]);
  const clientBehind = (peer: string, xForwardedFor?: string, forwarded?: string) =>
    findClientAddress(peer, { xForwardedFor, forwarded }, proxies);

  it("believes no header of a peer that is not trusted", () => {
    expect(clientBehind("198.51.100.7", "203.0.113.1", "for=203.0.113.1")).to.equal("198.51.100.7");
  });

  it("takes the rightmost hop that is not trusted, whatever stands left of it", () => {
    expect(clientBehind("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2")).to.equal("203.0.113.9");
    expect(clientBehind("192.0.2.200", "203.0.113.9")).to.equal("203.0.113.9");
  });

  it("takes the farthest proxy when all hops are trusted", () => {
    expect(clientBehind("10.0.0.1", "10.0.0.3, 10.0.0.2")).to.equal("10.0.0.3");
    expect(clientBehind("10.0.0.1")).to.equal("10.0.0.1");
  });

  for (const hidden of ["unknown", "_secret", "not an address", ""]) {
    it(`stops at the proxy that reported ${JSON.stringify(hidden)}`, () => {
      expect(clientBehind("10.0.0.1", `203.0.113.9, ${hidden}, 10.0.0.2`)).to.equal("10.0.0.2");
    });
  }

  it("reads ports, brackets and quotes of RFC 7239", () => {
    const header = 'for=203.0.113.1, for="[2001:db8::7]:4711";proto=https;by=203.0.113.43';
    expect(clientBehind("10.0.0.1", undefined, header)).to.equal("2001:db8::7");
    expect(clientBehind("10.0.0.1", undefined, 'for="203.0.113.5:99"')).to.equal("203.0.113.5");
  });

  it("believes nothing of a Forwarded header that breaks its grammar", () => {
    expect(clientBehind("10.0.0.1", undefined, 'for="203.0.113.1')).to.equal("10.0.0.1");
  });

  it("prefers X-Forwarded-For, which proxies append to, over a Forwarded that a client may have sent", () => {
    expect(clientBehind("10.0.0.1", "203.0.113.9", "for=203.0.113.66")).to.equal("203.0.113.9");
  });

  it("trusts an IPv6 network", () => {
    expect(clientBehind("2001:db8:ffff::1", "203.0.113.9")).to.equal("203.0.113.9");
    expect(clientBehind("2001:db8:fffe::1", "203.0.113.9")).to.equal("2001:db8:fffe::1");
  });
});
