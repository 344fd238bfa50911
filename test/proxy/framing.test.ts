import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { expect } from "chai";
import { findRefusal, hasBody } from "../../src/proxy/framing.ts";
import { readRequestFields } from "../../src/proxy/request-fields.ts";

// What node's own parser refuses before is refused here too: this is the list that holds when the parser changes.

const statusOf = (lines: readonly string[], method = "GET", httpVersion = "1.1") => {
  const request = new IncomingMessage(new Socket());
  request.method = method;
  request.httpVersion = httpVersion;
  return findRefusal(request, readRequestFields(lines))?.status;
};

const HOST = ["Host", "h"];

describe("proxy/framing", () => {
  for (const host of ["h", "h:80", "[2001:db8::1]:80", "192.0.2.1", "", "a_b.c"]) {
    it(`takes the host ${JSON.stringify(host)}`, () => {
      expect(statusOf(["Host", host])).to.equal(undefined);
    });
  }

  for (const host of [
    "a b",
    "a/b",
    "user@h",
    "h:80:80",
    "h:x",
    "a,b",
    "a b\t",
    "[::1",
    "h\u0000",
  ]) {
    it(`refuses the host ${JSON.stringify(host)}`, () => {
      expect(statusOf(["Host", host])).to.equal(400);
    });
  }

  it("refuses two hosts, and none in HTTP/1.1", () => {
    expect(statusOf([...HOST, ...HOST])).to.equal(400);
    expect(statusOf([])).to.equal(400);
    expect(statusOf([], "GET", "1.0")).to.equal(undefined);
  });

  for (const length of ["+3", "0x3", "-1", "1_0", "3, 3", "", "99999999999999999999"]) {
    it(`refuses the length ${JSON.stringify(length)}`, () => {
      expect(statusOf([...HOST, "Content-Length", length])).to.equal(400);
    });
  }

  it("refuses two lengths even when they agree", () => {
    expect(statusOf([...HOST, "Content-Length", "3", "Content-Length", "3"])).to.equal(400);
  });

  for (const [coding, status] of [
    ["chunked", undefined],
    ["Chunked", undefined],
    ["gzip, chunked", 501],
    ["gzip,deflate ,\tchunked", 501],
    ["chunked, chunked", 400],
    ["identity, chunked", 400],
    [", chunked", 400],
    ["gzip,, chunked", 400],
    ["xchunked", 400],
    ["chunked, gzip", 400],
    ["identity", 400],
    ["\u000bchunked", 400],
    ["", 400],
  ] as const) {
    it(`answers the coding ${JSON.stringify(coding)} with ${String(status)}`, () => {
      expect(statusOf([...HOST, "Transfer-Encoding", coding])).to.equal(status);
    });
  }

  it("refuses a coding beside a length, and in HTTP/1.0", () => {
    expect(statusOf([...HOST, "Transfer-Encoding", "chunked", "Content-Length", "3"])).to.equal(
      400,
    );
    expect(statusOf([...HOST, "Transfer-Encoding", "chunked"], "POST", "1.0")).to.equal(400);
  });

  it("knows whether a body follows", () => {
    const has = (...lines: readonly string[]) => hasBody(readRequestFields(lines));
    expect(has("Content-Length", "0")).to.equal(false);
    expect(has("Content-Length", "1")).to.equal(true);
    expect(has("Transfer-Encoding", "chunked")).to.equal(true);
    expect(has()).to.equal(false);
  });
});
