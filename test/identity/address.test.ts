import { expect } from "chai";
import * as fc from "fast-check";
import { capScopeOf, findAddress, findNodeAddress, networkOf } from "../../src/identity/address.ts";

describe("identity/address", () => {
  const canonical: readonly (readonly [string, string | undefined])[] = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:C000:0201", "192.0.2.1"],
    ["2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
    ["192.0.2.256", undefined],
    ["0300.0.2.1", undefined],
    ["192.0.2", undefined],
    ["0xc0000201", undefined],
    ["localhost", undefined],
    ["", undefined],
    ["192.0.2.1, 10.0.0.1", undefined],
  ];
  for (const [text, expected] of canonical) {
    it(`reads ${JSON.stringify(text)} as ${String(expected)}`, () => {
      expect(findAddress(text)).to.equal(expected);
    });
  }

  it("gives every spelling of an IPv6 address one canonical form", () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const once = findAddress(address) ?? "";
        expect(once).to.not.equal("");
        expect(findAddress(once)).to.equal(once);
        expect(findAddress(address.toUpperCase())).to.equal(once);
      }),
    );
  });

  const nodes: readonly (readonly [string, string | undefined])[] = [
    ["192.0.2.1:8080", "192.0.2.1"],
    [" 192.0.2.1 ", "192.0.2.1"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["unknown", undefined],
    ["_hidden", undefined],
    ["_hidden:80", undefined],
  ];
  for (const [text, expected] of nodes) {
    it(`reads the forwarding element ${JSON.stringify(text)} as ${String(expected)}`, () => {
      expect(findNodeAddress(text)).to.equal(expected);
    });
  }

  it("coarsens to the network that support may see", () => {
    expect(networkOf("192.0.2.77")).to.equal("192.0.2.0/24");
    expect(networkOf("2001:db8:1:2::3")).to.equal("2001:db8:1::/48");
  });

  it("counts an IPv6 subscriber as one, and an IPv4 address as itself", () => {
    expect(capScopeOf("2001:db8:1:2:3::4")).to.equal(capScopeOf("2001:db8:1:2:ffff::1"));
    expect(capScopeOf("2001:db8:1:2::4")).to.not.equal(capScopeOf("2001:db8:1:3::4"));
    expect(capScopeOf("192.0.2.1")).to.equal("192.0.2.1");
  });
});
