import { readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { Ajv } from "ajv";
import { expect } from "chai";
import * as fc from "fast-check";
import { createLineFormats } from "../../src/access-log/line-formats.ts";
import type { FormatName } from "../../src/access-log/line-formats.ts";
import type { TextEntry } from "../../src/access-log/text-entry.ts";
import { SESSION } from "./exchanges.ts";

const ERROR: TextEntry = {
  atMs: Date.UTC(2026, 1, 10, 12),
  session: SESSION,
  level: "error",
  text: 'open() "/www/x" failed',
  isUnparsed: false,
  method: "GET",
  path: "/x",
  query: "page=2",
  protocolVersion: "1.1",
  host: "shop.example",
  referer: "https://x.example",
};
const UNPARSED: TextEntry = {
  atMs: undefined,
  session: undefined,
  level: undefined,
  text: "hello ~email.k3f9a2xq",
  isUnparsed: true,
  method: undefined,
  path: undefined,
  query: undefined,
  protocolVersion: undefined,
  host: undefined,
  referer: undefined,
};

const write = (name: FormatName, entry: TextEntry, identity: "token" | "none" = "token") =>
  createLineFormats(name, { identity, userAgent: "family" }).text(entry);

describe("access-log: what is no request", () => {
  it("is in json what it is in an access log, with a level and a message", () => {
    expect(JSON.parse(write("json", ERROR))).to.deep.equal({
      time: "2026-02-10T12:00:00.000Z",
      "session.id": SESSION.uuid,
      "client.address": SESSION.address,
      severity_text: "error",
      message: ERROR.text,
      "http.request.method": "GET",
      "url.path": "/x",
      "url.query": "page=2",
      "server.address": "shop.example",
      "network.protocol.version": "1.1",
      "http.request.header.referer": "https://x.example",
    });
    expect(write("json", UNPARSED)).to.equal('{"message":"hello ~email.k3f9a2xq","logveil.unparsed":true}\n'); // prettier-ignore
  });

  it("is in ecs what the Elastic Common Schema has fields for", () => {
    const schema = JSON.parse(readFileSync(new URL("ecs-schema.json", import.meta.url), "utf8")) as object; // prettier-ignore
    const ajv = new Ajv({ allErrors: true, strictTypes: false });
    ajv.addFormat("ipv6", isIPv6);
    ajv.addFormat("ipv4", /^[\d.]+$/);
    ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const validate = ajv.compile(schema);
    for (const entry of [ERROR, { ...UNPARSED, atMs: 0 }])
      expect(validate(JSON.parse(write("ecs", entry))), ajv.errorsText(validate.errors)).to.equal(true); // prettier-ignore
  });

  it("is beside combined a line of nginx's error log", () => {
    expect(write("combined", ERROR)).to.equal(
      `2026/02/10 12:00:00 [error] open() \\x22/www/x\\x22 failed, client: ${SESSION.address}, request: "GET /x?page=2 HTTP/1.1", host: "shop.example", referrer: "https://x.example"\n`,
    );
    expect(write("combined", UNPARSED)).to.equal("- [unparsed] hello ~email.k3f9a2xq\n");
  });

  for (const name of ["json", "ecs", "combined"] as const) {
    it(`has no token in ${name} where lines are to have none`, () => {
      const line = write(name, ERROR, "none");
      expect(line).not.to.include(SESSION.uuid).and.not.to.include(SESSION.address);
    });

    it(`is one line of printable ASCII in ${name}, whatever is in it`, () => {
      fc.assert(
        fc.property(fc.string({ unit: "binary" }), (text) => {
          const line = write(name, { ...ERROR, text, path: text, host: text, referer: text });
          expect(line).to.match(/^[\x20-\x7e]+\n$/);
        }),
      );
    });
  }
});
