import { expect } from "chai";
import * as fc from "fast-check";
import { gradeSession } from "../../../src/vault/sessions/disclosure-view.ts";
import type {
  DisclosureLevels,
  DisclosurePolicy,
} from "../../../src/vault/sessions/disclosure-view.ts";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.7";
const DATA = {
  clientip: "198.51.100.237",
  "user-agent": FIREFOX,
  cookie: "PHPSESSID=ada7k2m9",
  host: "shop.example.org:8443",
};
const NETWORK: DisclosureLevels = { address: "network", userAgent: "family", cookie: "none" };
const FULL: DisclosureLevels = { address: "full", userAgent: "full", cookie: "full" };
const NONE: DisclosureLevels = { address: "none", userAgent: "none", cookie: "none" };
const POLICY: DisclosurePolicy = { support: NETWORK, dpo: FULL };

const viewOf = (data: Readonly<Record<string, unknown>>) => ({ session: "id", when: 7, data });
const asSupport = (data: Readonly<Record<string, unknown>>, support = NETWORK) =>
  gradeSession(viewOf(data), "support", { ...POLICY, support });

describe("what a role sees of a session", () => {
  it("is everything for root, a backend and the data subject", () => {
    const view = viewOf({ ...DATA, cart: [1] });
    for (const role of ["root", "app", "login"] as const)
      expect(gradeSession(view, role, { support: NONE, dpo: NONE })).to.deep.equal(view);
  });

  it("is network, family and host for support unless told otherwise", () => {
    expect(asSupport(DATA)).to.deep.equal({
      session: "id",
      when: 7,
      data: {
        clientip: "198.51.100.0/24",
        "user-agent": "Firefox 133 (Linux)",
        host: "shop.example.org:8443",
      },
    });
  });

  it("follows each level by itself", () => {
    const data = { ...DATA, clientip: "2001:db8:1:2::9" };
    expect(asSupport(data, FULL).data).to.deep.equal(data);
    expect(asSupport(data, NONE).data).to.deep.equal({ host: DATA.host });
    expect(asSupport(data, { ...NONE, address: "network" }).data).to.include({
      clientip: "2001:db8:1::/48",
    });
    expect(asSupport(data, { ...NONE, cookie: "full" }).data).to.include({ cookie: DATA.cookie });
  });

  it("grades the network of a session that many identities share", () => {
    expect(asSupport({ clientip: "2001:db8:1:2::/64" }).data).to.deep.equal({
      clientip: "2001:db8:1::/48",
    });
  });

  it("tells what was empty from what is withheld", () => {
    const data = { clientip: "", "user-agent": "", cookie: "", host: "" };
    expect(asSupport(data).data).to.deep.equal({ clientip: "", "user-agent": "", host: "" });
  });

  it("withholds from support whatever else a backend stored, and what is not what its name says", () => {
    const secret = "ada@example.org";
    const data = {
      ...DATA,
      login: secret,
      clientip: { nested: secret },
      "user-agent": [secret],
      host: `${secret}/x`,
      cart: [secret],
    };
    expect(asSupport(data).data).to.deep.equal({});
    expect(JSON.stringify(asSupport({ clientip: secret, "user-agent": secret }))).not.to.include(
      "ada",
    );
  });

  it("leaves the other members to the data-protection officer", () => {
    const view = viewOf({ ...DATA, cart: [1] });
    expect(gradeSession(view, "dpo", POLICY)).to.deep.equal(view);
    expect(gradeSession(view, "dpo", { ...POLICY, dpo: NONE }).data).to.deep.equal({
      cart: [1],
      host: DATA.host,
    });
  });

  it("shows an auditor nothing", () => {
    expect(gradeSession(viewOf(DATA), "auditor", POLICY).data).to.deep.equal({ host: DATA.host });
  });

  it("never shows support a member that is not one of the four, nor throws, whatever is stored", () => {
    const members = fc.constantFrom("clientip", "user-agent", "cookie", "host", "__proto__", "x");
    fc.assert(
      fc.property(fc.dictionary(members, fc.jsonValue()), (data) => {
        const shown = asSupport(data).data;
        expect(Object.keys(shown)).to.satisfy((names: readonly string[]) =>
          names.every((name) => ["clientip", "user-agent", "host"].includes(name)),
        );
        for (const value of Object.values(shown)) expect(value).to.be.a("string");
      }),
    );
  });

  it("never shows support the last part of an address", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(asSupport({ clientip: address }).data["clientip"]).to.match(/\/(24|48)$/);
      }),
    );
  });
});
