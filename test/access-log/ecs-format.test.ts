import { readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { Ajv } from "ajv";
import { expect } from "chai";
import * as fc from "fast-check";
import { createEcsFormat } from "../../src/access-log/ecs-format.ts";
import { BARE_EXCHANGE, exchangeWith, SESSION } from "./exchanges.ts";

const ALL = { identity: "token", userAgent: "family" } as const;

const schema: unknown = JSON.parse(
  readFileSync(new URL("ecs-schema.json", import.meta.url), "utf8"),
);
const ajv = new Ajv({ allErrors: true, strictTypes: false });
ajv.addFormat("ipv6", isIPv6);
ajv.addFormat("ipv4", /^(?:\d{1,3}\.){3}\d{1,3}$/);
ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const validate = ajv.compile(schema as object);

function problemsOf(record: unknown): readonly string[] {
  validate(record);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** What Elasticsearch makes of dotted names; throws when one name is a field and an object at once. */
function expanded(record: object): object {
  const tree: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) {
    const path = name.split(".");
    const last = path.pop() ?? "";
    let at = tree;
    for (const part of path) {
      at[part] ??= {};
      if (typeof at[part] !== "object") throw new TypeError(`${name} is below a field`);
      at = at[part] as Record<string, unknown>;
    }
    if (last in at) throw new TypeError(`${name} is there twice`);
    at[last] = value;
  }
  return tree;
}

describe("access-log: ecs format", () => {
  it("is what the Elastic Common Schema has fields for", () => {
    const record = JSON.parse(createEcsFormat(ALL)(exchangeWith()));
    expect(problemsOf(record)).to.deep.equal([]);
    expect(record).to.deep.equal({
      "@timestamp": "2026-02-10T12:00:00.042Z",
      "log.level": "info",
      message: "GET /orders/~email.k3f9a2xq 200",
      "ecs.version": "8.17.0",
      "event.kind": "event",
      "event.category": ["web"],
      "event.type": ["access"],
      "event.dataset": "logveil.access",
      "event.outcome": "failure",
      "event.duration": 12_345_600,
      "client.address": SESSION.address,
      "client.ip": SESSION.address,
      "http.version": "1.1",
      "http.request.id": "0199aa11-2222-7333-8444-555555555555",
      "http.request.method": "GET",
      "http.request.body.bytes": 0,
      "http.request.referrer": "https://shop.example",
      "http.response.status_code": 200,
      "http.response.body.bytes": 123,
      "url.domain": "shop.example",
      "url.path": "/orders/~email.k3f9a2xq",
      "url.query": "page=2",
      "user_agent.name": "Chrome",
      "user_agent.version": "126",
      "user_agent.os.name": "Windows",
      "user.hash": "~user.k3f9a2xq",
      "trace.id": "0af7651916cd43dd8448eb211c80319c",
      "error.type": "upstream-timeout",
      "logveil.upstream.duration": 11_500_000,
      labels: { session_id: SESSION.uuid },
    });
    expect(Object.keys(expanded(record))).to.include.members(["http", "url", "client", "event"]);
  });

  it("leaves out what is absent, and is still what the schema wants", () => {
    const record = JSON.parse(createEcsFormat(ALL)(BARE_EXCHANGE));
    expect(problemsOf(record)).to.deep.equal([]);
    expect(record).not.to.have.any.keys("client.ip", "labels", "url.query", "user_agent.name");
    expect(record).to.include({ "event.outcome": "success" });
  });

  it("says failure of what was answered with an error", () => {
    const outcomeOf = (statusCode: number) =>
      JSON.parse(createEcsFormat(ALL)(exchangeWith({ statusCode, errorType: undefined })))[
        "event.outcome"
      ];
    for (const statusCode of [101, 200, 304, 399])
      expect(outcomeOf(statusCode)).to.equal("success");
    for (const statusCode of [400, 404, 499, 503])
      expect(outcomeOf(statusCode)).to.equal("failure");
  });

  it("writes no token with identity none, and the sealed identity beside it with sealed", () => {
    const exchange = exchangeWith({ sealedIdentity: "sealed:v1:AAAA" });
    const none = createEcsFormat({ ...ALL, identity: "none" })(exchange);
    expect(none).not.to.contain(SESSION.uuid).and.not.to.contain(SESSION.address);
    expect(none).not.to.contain("~user").and.not.to.contain("sealed");
    const sealed = JSON.parse(createEcsFormat({ ...ALL, identity: "sealed" })(exchange));
    expect(problemsOf(sealed)).to.deep.equal([]);
    expect(sealed.labels).to.deep.equal({
      session_id: SESSION.uuid,
      identity_sealed: "sealed:v1:AAAA",
    });
    expect(createEcsFormat({ ...ALL, userAgent: "none" })(exchange)).not.to.contain("Chrome");
  });

  it("is one line of printable ASCII that gives every hostile string back", () => {
    const format = createEcsFormat(ALL);
    const hostile = fc.string({ unit: "binary", minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (method, path, query, host) => {
        const line = format(exchangeWith({ method, path, query, host, referer: path }));
        expect(line).to.match(/^[\x20-\x7e]+\n$/);
        const record = JSON.parse(line);
        expect(problemsOf(record)).to.deep.equal([]);
        expect(record).to.include({
          "http.request.method": method,
          "url.path": path,
          "url.query": query,
          "url.domain": host,
        });
      }),
    );
  });

  it("has a schema that refuses a field that is not there, and a value of another type", () => {
    const record = JSON.parse(createEcsFormat(ALL)(exchangeWith()));
    for (const wrong of [
      { "session.id": "x" },
      { "http.response.status_code": "200" },
      { "event.duration": 1.5 },
      { "client.ip": "not an address" },
      { "event.outcome": "ok" },
      { "event.category": "web" },
      { "@timestamp": "20/Nov/2026" },
      { labels: { session_id: 5 } },
    ])
      expect(problemsOf({ ...record, ...wrong }), JSON.stringify(wrong)).not.to.deep.equal([]);
  });
});
