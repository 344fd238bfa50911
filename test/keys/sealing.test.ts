import { expect } from "chai";
import * as fc from "fast-check";
import { epochMaterial, epochOpener } from "../../src/keys/epoch-secret.ts";
import { createSealer } from "../../src/keys/sealing.ts";
import { codeOf } from "./keyring-fixture.ts";

const EPOCH = 1_767_571_200;
const secret = Buffer.alloc(32, 5);
const tag = new Uint8Array(11).fill(9);
const plaintext = Buffer.from("192.0.2.1");

async function sealerOf(epoch = EPOCH, epochSecret = secret) {
  return createSealer(await epochMaterial(epochSecret, epoch, 0));
}

describe("session records", () => {
  it("open to what was sealed, in any order", async () => {
    const [sealer, opener] = [await sealerOf(), await epochOpener(secret, EPOCH)];
    const tags = fc.uint8Array({ minLength: 11, maxLength: 11 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(tags, fc.uint8Array())), async (sessions) => {
        const sealed = sessions.map(([tag, text]) => ({
          tag,
          text,
          record: sealer.seal(tag, text),
        }));
        for (const { tag, text, record } of sealed.toReversed()) {
          expect(await opener.open(tag, record)).to.deep.equal(Buffer.from(text));
        }
      }),
      { numRuns: 30 },
    );
  });

  it("of many processes open with one opener, more than it remembers senders", async () => {
    const opener = await epochOpener(secret, EPOCH);
    const first = (await sealerOf()).seal(tag, plaintext);
    for (let i = 0; i < 300; i += 1) {
      const record = (await sealerOf()).seal(tag, plaintext);
      expect((await opener.open(tag, record)).equals(plaintext)).to.equal(true);
    }
    expect((await opener.open(tag, first)).equals(plaintext)).to.equal(true);
  });

  it("never use a nonce twice under one ephemeral key", async () => {
    const sealer = await sealerOf();
    const nonces = Array.from({ length: 1000 }, () =>
      Buffer.from(sealer.seal(tag, plaintext)).toString("hex", 5, 37 + 12),
    );
    expect(new Set(nonces).size).to.equal(1000);
  });

  it("are bound to their token, epoch and key", async () => {
    const record = (await sealerOf()).seal(tag, plaintext);
    const opener = await epochOpener(secret, EPOCH);
    const otherTag = new Uint8Array(11).fill(8);
    expect(await codeOf(opener.open(otherTag, record))).to.equal("open-failed");
    const otherEpoch = await epochOpener(secret, EPOCH + 1);
    expect(await codeOf(otherEpoch.open(tag, record))).to.equal("open-failed");
    const otherSecret = await epochOpener(Buffer.alloc(32, 6), EPOCH);
    expect(await codeOf(otherSecret.open(tag, record))).to.equal("open-failed");
  });

  it("with any byte changed or cut do not open", async () => {
    const record = Buffer.from((await sealerOf()).seal(tag, plaintext));
    const opener = await epochOpener(secret, EPOCH);
    for (let at = 0; at < record.length; at += 1) {
      const changed = Buffer.from(record);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(await codeOf(opener.open(tag, changed)), `byte ${at}`).to.equal("open-failed");
      const cut = record.subarray(0, at);
      expect(await codeOf(opener.open(tag, cut)), `length ${at}`).to.equal("open-failed");
    }
  });

  it("with a sender key of small order do not open (RFC 7748 section 6.1)", async () => {
    const record = Buffer.from((await sealerOf()).seal(tag, plaintext)).fill(0, 5, 37);
    const opener = await epochOpener(secret, EPOCH);
    expect(await codeOf(opener.open(tag, record))).to.equal("open-failed");
  });

  it("do not contain what was sealed", async () => {
    const record = Buffer.from((await sealerOf()).seal(tag, plaintext));
    expect(record.includes(plaintext)).to.equal(false);
  });

  it("refuse a tag that is not 11 bytes", async () => {
    const sealer = await sealerOf();
    expect(() => sealer.seal(new Uint8Array(10), plaintext)).to.throw(RangeError);
  });
});
