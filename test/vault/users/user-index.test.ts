import { expect } from "chai";
import * as fc from "fast-check";
import { macKey } from "../../../src/keys/mac.ts";
import { LOOKUP_FIELDS, createUserIndex } from "../../../src/vault/users/user-index.ts";

const index = createUserIndex(macKey(Buffer.alloc(32, 1)), "GB");

describe("the blind index", () => {
  it("has nothing of what it is made of", () => {
    for (const field of LOOKUP_FIELDS) {
      const key = index.keyOf(field, field === "phone" ? "07911123456" : "ada");
      expect(key).to.match(new RegExp(`^${field}/[\\w-]{43}$`));
    }
  });

  it("tells fields apart, and is another one under another key", () => {
    const other = createUserIndex(macKey(Buffer.alloc(32, 2)), "GB");
    const keys = [
      index.keyOf("login", "a"),
      index.keyOf("custom", "a"),
      index.keyOf("email", "a"),
      other.keyOf("login", "a"),
    ];
    expect(new Set(keys.map((key) => key?.split("/")[1])).size).to.equal(4);
  });

  it("finds logins and custom identities trimmed, in their own case", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("login" as const, "custom" as const),
        fc.string(),
        (field, text) => {
          const key = index.keyOf(field, text);
          expect(key === undefined).to.equal(text.trim() === "");
          expect(index.keyOf(field, `  ${text}\n`)).to.equal(key);
        },
      ),
    );
    expect(index.keyOf("login", "Ada")).not.to.equal(index.keyOf("login", "ada"));
  });

  it("finds a number by its decimals", () => {
    fc.assert(
      fc.property(fc.integer(), (number) => {
        expect(index.keyOf("login", number)).to.equal(index.keyOf("login", String(number)));
      }),
    );
    expect(index.keyOf("custom", 1e21)).to.equal(index.keyOf("custom", "1000000000000000000000"));
  });

  it("leaves out what is no text and no number, and an e-mail address that is a number", () => {
    for (const value of [true, false, null, undefined, {}, ["a"], Number.NaN])
      for (const field of LOOKUP_FIELDS) expect(index.keyOf(field, value)).to.equal(undefined);
    expect(index.keyOf("email", 5)).to.equal(undefined);
  });

  it("looks at a profile's own members only", () => {
    expect(index.keysOf(Object.create({ login: "ada" }) as Record<string, unknown>).size).to.equal(
      0,
    );
    expect([
      ...index.keysOf({ login: "a", email: "%", phone: "x", custom: 1 }).keys(),
    ]).to.deep.equal(["login", "custom"]);
  });
});
