import { expect } from "chai";
import * as fc from "fast-check";
import { createJsonFormat } from "../../src/access-log/json-format.ts";
import { BARE_EXCHANGE, exchangeWith, SESSION, STARTED_AT_MS } from "./exchanges.ts";

const ALL = { identity: "token", userAgent: "family" } as const;

describe("access-log: json format", () => {
  it("writes the documented fields, in order, and nothing else", () => {
    const line = createJsonFormat(ALL)(exchangeWith());
    expect(Object.entries(JSON.parse(line))).to.deep.equal([
      ["time", "2026-02-10T12:00:00.042Z"],
      ["session.id", SESSION.uuid],
      ["client.address", SESSION.address],
      ["http.request.method", "GET"],
      ["url.path", "/orders/~email.k3f9a2xq"],
      ["url.query", "page=2"],
      ["server.address", "shop.example"],
      ["network.protocol.version", "1.1"],
      ["http.response.status_code", 200],
      ["http.request.body.size", 0],
      ["http.response.body.size", 123],
      ["duration_ms", 12.346],
      ["upstream_ms", 11.5],
      ["http.request.header.referer", "https://shop.example"],
      ["user_agent.name", "Chrome"],
      ["user_agent.version", "126"],
      ["user_agent.os.name", "Windows"],
      ["http.request.id", "0199aa11-2222-7333-8444-555555555555"],
      ["trace_id", "0af7651916cd43dd8448eb211c80319c"],
      ["enduser.pseudo.id", "~user.k3f9a2xq"],
      ["error.type", "upstream-timeout"],
    ]);
  });

  it("leaves out what is absent", () => {
    expect(Object.keys(JSON.parse(createJsonFormat(ALL)(BARE_EXCHANGE)))).to.deep.equal([
      "time",
      "http.request.method",
      "url.path",
      "network.protocol.version",
      "http.response.status_code",
      "http.request.body.size",
      "http.response.body.size",
      "duration_ms",
      "http.request.id",
    ]);
  });

  it("writes no token in either spelling with identity none", () => {
    const line = createJsonFormat({ ...ALL, identity: "none" })(exchangeWith());
    expect(line).not.to.contain(SESSION.uuid).and.not.to.contain(SESSION.address);
    expect(line).not.to.contain("enduser").and.not.to.contain("~user");
    expect(JSON.parse(line)).to.include({ "user_agent.name": "Chrome" });
  });

  it("writes the sealed identity beside the token with identity sealed, and not otherwise", () => {
    const exchange = exchangeWith({ sealedIdentity: "sealed:v1:AAAA" });
    const record = JSON.parse(createJsonFormat({ ...ALL, identity: "sealed" })(exchange));
    expect(record).to.include({
      "identity.sealed": "sealed:v1:AAAA",
      "session.id": SESSION.uuid,
      "enduser.pseudo.id": "~user.k3f9a2xq",
    });
    for (const identity of ["token", "none"] as const)
      expect(createJsonFormat({ ...ALL, identity })(exchange)).not.to.contain("sealed");
  });

  it("writes no user agent with userAgent none", () => {
    const line = createJsonFormat({ ...ALL, userAgent: "none" })(exchangeWith());
    expect(line).not.to.contain("user_agent").and.not.to.contain("Chrome");
    expect(JSON.parse(line)).to.include({ "session.id": SESSION.uuid });
  });

  it("tells each line's own time", () => {
    const format = createJsonFormat(ALL);
    const instant = fc.integer({ min: 0, max: 4e12 });
    fc.assert(
      fc.property(instant, (startedAtMs) => {
        const record = JSON.parse(format(exchangeWith({ startedAtMs })));
        expect(record.time).to.equal(new Date(startedAtMs).toISOString());
      }),
    );
    const times = [7, 7 - 1000, 999].map((ms) =>
      JSON.parse(format(exchangeWith({ startedAtMs: STARTED_AT_MS + ms }))),
    );
    expect(times.map(({ time }) => time.slice(17))).to.deep.equal([
      "00.049Z",
      "59.049Z",
      "01.041Z",
    ]);
  });

  it("is one line of printable ASCII that gives every hostile string back", () => {
    const format = createJsonFormat(ALL);
    const hostile = fc.string({ unit: "binary", maxLength: 60 });
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (method, path, query, host) => {
        const line = format(exchangeWith({ method, path, query, host, referer: path }));
        expect(line).to.match(/^[\x20-\x7e]+\n$/);
        expect(JSON.parse(line)).to.include({
          "http.request.method": method,
          "url.path": path,
          "url.query": query,
          "server.address": host,
          "http.request.header.referer": path,
        });
      }),
    );
  });

  it("escapes what ends a line or drives a terminal elsewhere", () => {
    const path = "/\u007f\u0085\u009b2J\u2028\u2029\ud800";
    const line = createJsonFormat(ALL)(exchangeWith({ path }));
    expect(line).to.contain("/\\u007f\\u0085\\u009b2J\\u2028\\u2029\\ud800");
    expect(JSON.parse(line)["url.path"]).to.equal(path);
  });
});
