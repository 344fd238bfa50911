import { isIPv6 } from "node:net";
import { expect } from "chai";
import * as fc from "fast-check";
import { epochAt } from "../../src/token/epoch.ts";
import {
  findSessionToken,
  formatAddress,
  formatUuid,
  parseSessionToken,
} from "../../src/token/session-token.ts";

const tokens = fc.record({
  epoch: fc.integer({ min: 0, max: 0xffff_ffff }),
  tag: fc.uint8Array({ minLength: 11, maxLength: 11 }),
});

describe("session token", () => {
  it("reads back both spellings, in either letter case", () => {
    fc.assert(
      fc.property(tokens, (token) => {
        for (const text of [formatUuid(token), formatAddress(token)]) {
          expect(parseSessionToken(text)).to.deep.equal(token);
          expect(parseSessionToken(text.toUpperCase())).to.deep.equal(token);
        }
      }),
    );
  });

  it("is spelt as a version 8 UUID and as a unique local address in its shortest form", () => {
    fc.assert(
      fc.property(tokens, (token) => {
        expect(formatUuid(token)).to.match(
          /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
        );
        const address = formatAddress(token);
        expect(isIPv6(address)).to.equal(true);
        expect(address).to.match(/^fd[0-9a-f:]+$/);
        expect(address).to.equal(new URL(`http://[${address}]`).hostname.slice(1, -1));
      }),
    );
  });

  it("has exactly one UUID for a value", () => {
    fc.assert(
      fc.property(fc.uuid({ version: [1, 3, 4, 5, 7, 8] }), (uuid) => {
        const token = findSessionToken(uuid);
        if (token !== undefined) expect(formatUuid(token)).to.equal(uuid);
      }),
    );
  });

  const UUID = "695b0280-0102-8304-8506-0708090a0b0c";
  it("refuses everything else", () => {
    expect(findSessionToken(UUID)).not.to.equal(undefined);
    const others = [
      "",
      UUID.replace("-8304", "-4304"),
      UUID.replace("-8506", "-9506"),
      UUID.replaceAll("-", ""),
      `{${UUID}}`,
      `urn:uuid:${UUID}`,
      `${UUID}\n`,
      ` ${UUID}`,
      `${UUID}0`,
      UUID.slice(1),
      "fc00::1",
      "fe80::1",
      "::1",
      "2001:db8::1",
      "192.0.2.1",
      "fd00::1%eth0",
      "fd00::1::2",
      "[fd00::1]",
      "fd00::1/64",
      " fd00::1",
      "fd00",
    ];
    for (const text of others) {
      expect(findSessionToken(text), text).to.equal(undefined);
      expect(() => parseSessionToken(text))
        .to.throw()
        .with.property("code", "session-invalid");
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(findSessionToken(text)).to.equal(undefined);
      }),
    );
  });

  it("does not repeat its input in the error", () => {
    expect(() => parseSessionToken("alice@example.org")).to.throw(/^not a session token$/);
  });
});

describe("epoch", () => {
  it("begins at the last multiple of its length", () => {
    const lengths = fc.integer({ min: 1, max: 86_400 * 30 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), lengths, (nowMs, seconds) => {
        const epoch = epochAt(nowMs, seconds * 1000);
        expect(epoch % seconds).to.equal(0);
        expect(nowMs - epoch * 1000).to.be.within(0, seconds * 1000 - 1);
      }),
    );
  });
});
