import { readFileSync } from "node:fs";
import { expect } from "chai";
import { epochMaterial } from "../../src/keys/epoch-secret.ts";
import { createMetrics } from "../../src/metrics.ts";
import { addressMac } from "../../src/token/address-mac.ts";
import { identityText, scopeText } from "../../src/token/client-identity.ts";
import { formatAddress, formatUuid, parseSessionToken } from "../../src/token/session-token.ts";
import { createTokeniser } from "../../src/token/tokeniser.ts";
import { createHandClock } from "../kit/hand-clock.ts";

// Frozen: replicas and restarts must agree on every bit of a token.

const { derivation, tokens } = JSON.parse(
  readFileSync(new URL("../vectors/session-tokens.json", import.meta.url), "utf8"),
);

describe("frozen vectors of token/", () => {
  for (const { name, epoch, tag, uuid, address } of tokens) {
    it(`both spellings: ${name}`, () => {
      const token = { epoch, tag: Uint8Array.from(Buffer.from(tag, "hex")) };
      expect(formatUuid(token)).to.equal(uuid);
      expect(formatAddress(token)).to.equal(address);
      expect(parseSessionToken(uuid)).to.deep.equal(token);
      expect(parseSessionToken(address)).to.deep.equal(token);
    });
  }

  it("from epoch secret and identity to the token", async () => {
    const secret = Buffer.from(derivation.epochSecret, "hex");
    const [expected] = tokens;
    expect(identityText(["cookies", "userAgent", "address"])(derivation.client)).to.equal(
      derivation.identityText,
    );
    expect(scopeText("2001:db8:1:2::")).to.equal(derivation.scopeText);
    const tokeniser = createTokeniser({
      epochs: { materialOf: (epoch) => epochMaterial(secret, epoch, 0) },
      sink: { append: async () => {} },
      clock: createHandClock(expected.epoch * 1000),
      rotateMs: 86_400_000,
      cacheSize: 10,
      cap: { count: 10, perMs: 1000 },
      scopeOf: (address) => address,
      describe: () => undefined,
      identity: ["address", "userAgent", "cookies"],
      onLost: () => {},
      metrics: createMetrics(),
    });
    const client = { ...derivation.client, cookieHeader: "", host: "" };
    expect((await tokeniser.tokenise(client)).uuid).to.equal(expected.uuid);
  });

  it("the entry of the address index", async () => {
    const secret = Buffer.from(derivation.epochSecret, "hex");
    const { addressKey } = await epochMaterial(secret, 0, 0);
    const entry = addressMac(addressKey, derivation.client.address).toString("hex");
    expect(entry).to.equal(derivation.addressMac);
  });
});
