import { expect } from "chai";
import { head } from "../../kit/raw-client.ts";
import { startProxiedPair } from "./proxied-pair.ts";

// Every request has its line in the log, whichever part of the proxy refused it, and nothing of it in the answer.

const HOST = "Host: canary";
const REFUSED: readonly (readonly [status: number, bytes: string])[] = [
  [400, head("GET /canary HTTP/1.1")],
  [400, head("GET /canary HTTP/1.1", HOST, HOST)],
  [400, head("GET canary HTTP/1.1", HOST)],
  [400, head("GET /canary HTTP/1.1", HOST, "canary : x")],
  [400, head("POST / HTTP/1.1", HOST, "Content-Length: 1", "Transfer-Encoding: chunked")],
  [501, `${head("POST / HTTP/1.1", HOST, "Transfer-Encoding: canary, chunked")}0\r\n\r\n`],
  [400, `${head("POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked")}canary\r\n\r\n`],
  [400, head("POST /canary HTTP/1.1", HOST, "Connection: Upgrade", "Upgrade: websocket")],
  [400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  [405, head("TRACE /canary HTTP/1.1", HOST)],
  [405, head("CONNECT canary:80 HTTP/1.1", HOST)],
  [417, head("GET /canary HTTP/1.1", HOST, "Expect: canary")],
  [431, head("GET / HTTP/1.1", HOST, `Canary: ${"x".repeat(20_000)}`)],
  [505, head("GET /canary HTTP/3.7", HOST)],
  [508, head("GET / HTTP/1.1", HOST, `Via: ${Array(8).fill("1.1 logveil").join()}`)],
];

describe("conformance: refused requests", () => {
  it("are answered with a problem that repeats nothing, are logged, and go nowhere", async () => {
    await using pair = await startProxiedPair();
    for (const [status, bytes] of REFUSED) {
      const answer = await pair.send(bytes);
      expect(answer, bytes.slice(0, 40)).to.match(
        new RegExp(`^HTTP/1\\.1 ${String(status)} [A-Z]`),
      );
      expect(answer)
        .to.include("application/problem+json")
        .and.to.not.match(/canary/i);
    }
    const lines = await pair.sidecar.logLines(REFUSED.length);
    const statuses = lines.map((line) => line["http.response.status_code"]);
    expect(statuses).to.deep.equal(REFUSED.map(([status]) => status));
    for (const line of lines)
      expect(line["error.type"]).to.be.oneOf(["request_refused", "headers_too_large"]);
    expect(String(pair.upstream.bytes())).to.equal("");
  });
});
