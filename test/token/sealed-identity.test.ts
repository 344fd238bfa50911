import { expect } from "chai";
import * as fc from "fast-check";
import { macKey } from "../../src/keys/mac.ts";
import { randomBytes } from "../../src/keys/secure-random.ts";
import { hpke } from "../../src/keys/session-record.ts";
import {
  createIdentitySealing,
  findSealedIdentity,
  formatSealedIdentity,
} from "../../src/token/sealed-identity.ts";
import { formatUuid } from "../../src/token/session-token.ts";
import { createHandClock } from "../kit/hand-clock.ts";

const EPOCH = 1_770_681_600;
const CLIENT = {
  address: "198.51.100.237",
  userAgent: "Firefox",
  sessionCookies: "",
  cookieHeader: "a=1",
  host: "shop.example",
};
const SESSION = { uuid: formatUuid({ epoch: EPOCH, tag: Buffer.alloc(11, 7) }), epoch: EPOCH };

async function material() {
  const { publicKey } = await hpke.kem.generateKeyPair();
  const key = macKey(randomBytes(32));
  return {
    epoch: EPOCH,
    endsAtMs: (EPOCH + 86_400) * 1000,
    tokenKey: key,
    addressKey: key,
    scrubKey: key,
    sealingKey: new Uint8Array(await hpke.kem.serializePublicKey(publicKey)),
  };
}

const sealing = (options: Partial<Parameters<typeof createIdentitySealing>[0]> = {}) =>
  createIdentitySealing({
    epochs: { materialOf: material },
    cover: (_epoch, _tag, record) => record,
    clock: createHandClock(),
    ...options,
  });

describe("token: sealed identity", () => {
  it("is found again in whatever stands around it", () => {
    const bytes = fc.uint8Array({ minLength: 70, maxLength: 2000 });
    const tag = fc.uint8Array({ minLength: 11, maxLength: 11 });
    const epoch = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(epoch, tag, bytes, fc.string(), (second, some, record, before) => {
        const sealed = { token: { epoch: second, tag: some }, record };
        const text = formatSealedIdentity(sealed);
        expect(text).to.match(/^sealed:v1:[A-Za-z0-9_-]+$/);
        const found = findSealedIdentity(`${before.replaceAll("sealed", "")}"${text}"}\n`);
        expect(found?.token).to.deep.equal(sealed.token);
        expect(Buffer.compare(Buffer.from(found?.record ?? []), record)).to.equal(0);
      }),
    );
  });

  it("is the line's own, whatever a client has written before it", () => {
    const own = { token: { epoch: EPOCH, tag: new Uint8Array(11) }, record: Buffer.alloc(80, 1) };
    const path = `/sealed:v1:${"abcdefgh-".repeat(20)}`;
    const line = { "url.path": path, "identity.sealed": formatSealedIdentity(own) };
    expect(findSealedIdentity(JSON.stringify(line))?.token).to.deep.equal(own.token);
  });

  it("is not found in anything else", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(findSealedIdentity(`sealed:v2:${text}`)).to.equal(undefined);
      }),
    );
    expect(findSealedIdentity("sealed:v1:AAAA")).to.equal(undefined);
  });

  it("is ready at once when the epoch's key is, and never the same twice", async () => {
    const { seal } = sealing();
    const first = seal(SESSION, CLIENT, 1);
    expect(first).to.be.instanceOf(Promise);
    const [one, other] = [await first, seal(SESSION, CLIENT, 1)];
    expect(one).to.be.a("string");
    expect(other).to.be.a("string").and.not.to.equal(one);
  });

  it("has a bound, whatever a client sends", async () => {
    const { seal } = sealing();
    const long = '"'.repeat(16_000);
    const client = { ...CLIENT, userAgent: long, cookieHeader: long, host: long };
    const text = (await seal(SESSION, client, 1)) ?? "";
    expect(text.length).to.be.within(1000, 8000);
    expect(findSealedIdentity(text)).not.to.equal(undefined);
  });

  it("is missing, and asked for again after a second, when there is no key", async () => {
    const clock = createHandClock();
    let asked = 0;
    const { seal } = sealing({
      clock,
      epochs: {
        materialOf: () => {
          asked += 1;
          return asked === 1 ? Promise.reject(new Error("disk full")) : material();
        },
      },
    });
    expect(await seal(SESSION, CLIENT, 1)).to.equal(undefined);
    expect(seal(SESSION, CLIENT, 1)).to.equal(undefined);
    clock.advance(1000);
    expect(await seal(SESSION, CLIENT, 1)).to.be.a("string");
    expect(asked).to.equal(2);
  });

  it("is missing when the layer cannot be put on that lets it be erased", async () => {
    const failing = sealing({
      cover: () => {
        throw new Error("expired");
      },
    });
    expect(await failing.seal(SESSION, CLIENT, 1)).to.equal(undefined);
    const rejecting = sealing({ cover: () => Promise.reject(new Error("expired")) });
    expect(await rejecting.seal(SESSION, CLIENT, 1)).to.equal(undefined);
  });
});
