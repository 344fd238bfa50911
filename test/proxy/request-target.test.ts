import { expect } from "chai";
import { parseRequestTarget } from "../../src/proxy/request-target.ts";

describe("proxy/request-target", () => {
  for (const url of ["//x//y", "/%2e%2e/%00", "/a?b=%zz&&c", "/?", "/a;b=c?d#e"]) {
    it(`leaves ${url} as it is`, () => {
      expect(parseRequestTarget(url)?.pathAndQuery).to.equal(url);
    });
  }

  it("cuts at the first question mark", () => {
    expect(parseRequestTarget("/a?b?c")).to.include({ path: "/a", query: "b?c" });
    expect(parseRequestTarget("/a")).to.include({ path: "/a", query: undefined });
  });

  it("takes path and authority out of an absolute form", () => {
    expect(parseRequestTarget("http://h2:81/x?y")).to.include({
      pathAndQuery: "/x?y",
      authority: "h2:81",
    });
    expect(parseRequestTarget("http://h2")).to.include({ pathAndQuery: "/", authority: "h2" });
    expect(parseRequestTarget("HTTP://h2?q")).to.include({
      pathAndQuery: "/?q",
      path: "/",
      query: "q",
    });
  });

  for (const url of ["h2:443", "ftp://x/", "http://user@h/", "http:///x", "", "x"]) {
    it(`refuses ${JSON.stringify(url)}`, () => {
      expect(parseRequestTarget(url)).to.equal(undefined);
    });
  }
});
