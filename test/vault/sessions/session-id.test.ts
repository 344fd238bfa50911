import { expect } from "chai";
import * as fc from "fast-check";
import { LogveilError } from "../../../src/errors.ts";
import { formatAddress, formatUuid } from "../../../src/token/session-token.ts";
import { parseSessionId } from "../../../src/vault/sessions/session-id.ts";

describe("session id", () => {
  it("is any hexadecimal UUID in lower case", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/),
        (uuid) => {
          return parseSessionId(uuid) === uuid.toLowerCase();
        },
      ),
    );
  });

  it("is one value for both spellings of a token, in either letter case", () => {
    const bytes = fc.uint8Array({ minLength: 11, maxLength: 11 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), bytes, (epoch, tag) => {
        const uuid = formatUuid({ epoch, tag });
        const address = formatAddress({ epoch, tag });
        const texts = [uuid, uuid.toUpperCase(), address, address.toUpperCase()];
        return texts.every((text) => parseSessionId(text) === uuid);
      }),
    );
  });

  it("is nothing else", () => {
    const others = [
      "",
      "x",
      "192.0.2.1",
      "2001:db8::1",
      "a136d258d605e69e0e4dfe20460fbcf9",
      "null",
    ];
    for (const text of others) {
      expect(() => parseSessionId(text), text).to.throw(LogveilError);
    }
  });
});
