import { expect } from "chai";
import { createJsonFormat } from "../../src/access-log/json-format.ts";
import { exchangeWith } from "./exchanges.ts";

/**
 * OpenTelemetry's semantic conventions 1.3x, attribute registry (https://opentelemetry.io/docs/specs/semconv/registry/attributes/; Apache
 * License 2.0): facts. `string[]` there and a text here: a header's values, of which there is one.
 */
const REGISTRY: Readonly<Record<string, "string" | "int" | "string[]">> = {
  "session.id": "string",
  "client.address": "string",
  "http.request.method": "string",
  "url.path": "string",
  "url.query": "string",
  "server.address": "string",
  "network.protocol.version": "string",
  "http.response.status_code": "int",
  "http.request.body.size": "int",
  "http.response.body.size": "int",
  "http.request.header.referer": "string[]",
  "user_agent.name": "string",
  "user_agent.version": "string",
  "user_agent.os.name": "string",
  "enduser.pseudo.id": "string",
  "error.type": "string",
};

/** No attribute, but OpenTelemetry's name for it in logs that are not OTLP. */
const TRACE = ["trace_id"];

/** What the conventions have no name for; documented in docs/formats.md. */
const OURS = ["time", "duration_ms", "upstream_ms", "http.request.id", "identity.sealed"];

describe("access-log: OpenTelemetry's names", () => {
  const line = createJsonFormat({ identity: "sealed", userAgent: "family" })(
    exchangeWith({ sealedIdentity: "sealed:v1:AAAA" }),
  );
  const record: Readonly<Record<string, unknown>> = JSON.parse(line);

  it("are those of the registry, but for a few of our own", () => {
    const names = [...Object.keys(REGISTRY), ...TRACE, ...OURS];
    expect(Object.keys(record).toSorted()).to.deep.equal(names.toSorted());
  });

  it("have values of the registry's types", () => {
    for (const [name, type] of Object.entries(REGISTRY)) {
      const value = record[name];
      const isOfType = type === "int" ? Number.isInteger(value) : typeof value === "string";
      expect(isOfType, name).to.equal(true);
    }
  });
});
