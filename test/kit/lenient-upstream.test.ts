import { expect } from "chai";
import { ATTACKS } from "../guarantees/smuggling-attacks.ts";
import { READINGS, readSloppily, startLenientUpstream } from "./lenient-upstream.ts";
import { openRawClient } from "./raw-client.ts";

const mostIn = (bytes: string) =>
  Math.max(...READINGS.map((reading) => readSloppily(bytes, reading).requests.length));

describe("lenient upstream", () => {
  it("reads what is in order in one way only", () => {
    const first = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nG / x";
    const second =
      "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n";
    for (const reading of READINGS) {
      const { requests, rest } = readSloppily(first + second, reading);
      const bodies = requests.map(({ requestLine, body }) => `${requestLine}: ${body}`);
      expect(bodies).to.deep.equal(["POST /a HTTP/1.1: G / x", "POST /b HTTP/1.1: abc"]);
      expect(rest).to.equal("");
    }
  });

  it("waits for what is missing", () => {
    expect(mostIn("GET / HTTP/1.1\r\nHost: h\r\n")).to.equal(0);
    expect(mostIn("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab")).to.equal(0);
  });

  for (const head of [
    "Content-Length: 0\r\nContent-Length: 18",
    "Content-Length : 0",
    "Transfer_Encoding: chunked",
    "X: y\nTransfer-Encoding: chunked",
    "X: y\rTransfer-Encoding: \u000bchunked",
    "Content-Length: +18",
  ]) {
    it(`can be fooled by ${JSON.stringify(head)}`, () => {
      const body = head.includes("hunked")
        ? "0\r\n\r\nGET /s HTTP/1.1\r\n\r\n"
        : "GET /s HTTP/1.1\r\n\r\n";
      expect(mostIn(`POST / HTTP/1.1\r\n${head}\r\n\r\n${body}`)).to.be.greaterThan(1);
    });
  }

  it("answers what it sees, and serves a smuggled request when nobody stands in front of it", async () => {
    await using upstream = await startLenientUpstream();
    await using client = await openRawClient(upstream.port);
    const smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n";
    client.send(
      `POST /front HTTP/1.1\r\nContent-Length: ${smuggled.length}\r\nTransfer-Encoding: chunked\r\n\r\n${smuggled}`,
    );
    const answer = await client.receive("/smuggled");
    expect(answer).to.include("POST /front");
    upstream.forget();
    expect(upstream.connections().join("")).to.equal("");
  });

  it("would be fooled by most of the attacks that the proxy is tried with", () => {
    const fooling = ATTACKS.filter(({ bytes }) => mostIn(bytes) > 1);
    expect(fooling.length).to.be.at.least(130);
  });
});
