import { expect } from "chai";
import * as fc from "fast-check";
import { readRequestFields } from "../../src/proxy/request-fields.ts";

describe("proxy/request-fields", () => {
  it("passes unknown fields in their order and casing", () => {
    const { passing } = readRequestFields(["X-B", "1", "accept", "*/*", "X-b", "2", "Host", "h"]);
    expect(passing).to.deep.equal(["X-B", "1", "accept", "*/*", "X-b", "2"]);
  });

  it("reads and withholds what identifies, whatever its casing and dashes", () => {
    const identifying = [
      "x-real-ip",
      "True_Client_IP",
      "CF-Connecting-IP",
      "x_forwarded_for",
      "From",
    ];
    const fields = readRequestFields(identifying.flatMap((name) => [name, "203.0.113.7"]));
    expect(fields.passing).to.deep.equal([]);
    expect(fields.xForwardedFor, "no proxy writes an underscore").to.equal(undefined);
  });

  it("drops fields that Connection names", () => {
    const { passing } = readRequestFields([
      "Connection",
      "close, X-Hop",
      "x-hop",
      "s",
      "X-Keep",
      "k",
    ]);
    expect(passing).to.deep.equal(["X-Keep", "k"]);
  });

  it("cannot be made to drop end-to-end fields by naming them", () => {
    const lines = [
      "Connection",
      "authorization, content-length",
      "Authorization",
      "a",
      "Content-Length",
      "1",
    ];
    expect(readRequestFields(lines).passing).to.deep.equal([
      "Authorization",
      "a",
      "Content-Length",
      "1",
    ]);
  });

  it("counts repeated framing fields and joins repeated lists", () => {
    const fields = readRequestFields(["Host", "a", "host", "b", "Cookie", "a=1", "cookie", "b=2"]);
    expect(fields.hostLines).to.equal(2);
    expect(fields.cookie).to.equal("a=1; b=2");
  });

  it("passes one spelling of a framing field only", () => {
    expect(readRequestFields(["Content_Length", "9"]).passing).to.deep.equal([]);
  });

  it("lets no spelling of an address field through", () => {
    const spelt = fc
      .tuple(
        fc.constantFrom("x-forwarded-for", "x-client-ip", "forwarded", "via"),
        fc.infiniteStream(fc.boolean()),
      )
      .map(([name, coins]) =>
        Array.from(name, (letter) => {
          const coin = coins.next().value === true;
          if (letter === "-") return coin ? "_" : "-";
          return coin ? letter.toUpperCase() : letter;
        }).join(""),
      );
    fc.assert(
      fc.property(spelt, (name) => {
        expect(readRequestFields([name, "203.0.113.7"]).passing).to.deep.equal([]);
      }),
    );
  });
});
