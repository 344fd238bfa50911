import { readFileSync } from "node:fs";
import { expect } from "chai";
import { aeadKey, associatedData, openWith } from "../../src/keys/aead.ts";
import { LABELS, derive } from "../../src/keys/derivation.ts";
import { epochFields, parseEpochFile } from "../../src/keys/epoch-file.ts";
import { epochMaterial, epochOpener } from "../../src/keys/epoch-secret.ts";
import { MasterKeys } from "../../src/keys/key-wrapping.ts";
import { mac, macKey } from "../../src/keys/mac.ts";
import { decodeIdentity } from "../../src/token/identity-record.ts";

// Frozen: what an earlier version wrote must open for as long as it has not expired. A vector that has to change is a new
// format and needs a new version number.

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
const bytes = (hex: string) => Buffer.from(hex, "hex");

describe("frozen vectors of keys/", () => {
  it("HKDF outputs, one for each label", () => {
    const { secret, outputs } = read("derivation");
    const derived = Object.values(LABELS).map((label) => [
      label,
      derive(bytes(secret), label, 32).toString("hex"),
    ]);
    expect(Object.fromEntries(derived)).to.deep.equal(outputs);
    expect(new Set(Object.values(outputs)).size).to.equal(Object.keys(LABELS).length);
  });

  it("the sealing key of an epoch", async () => {
    const { secret, sealingKey } = read("derivation");
    const material = await epochMaterial(bytes(secret), 0, 0);
    expect(Buffer.from(material.sealingKey).toString("hex")).to.equal(sealingKey);
  });

  it("MACs over parts", () => {
    const { key, cases } = read("mac");
    for (const { parts, mac: expected } of cases) {
      expect(mac(macKey(bytes(key)), ...parts).toString("hex")).to.equal(expected);
    }
  });

  it("a sealed session record opens", async () => {
    const { epochSecret, epoch, tag, records, identity } = read("session-record");
    const opener = await epochOpener(bytes(epochSecret), epoch);
    for (const record of records) {
      const plaintext = await opener.open(bytes(tag), bytes(record));
      expect(decodeIdentity(plaintext)).to.deep.equal(identity);
    }
  });

  it("an AEAD record opens", () => {
    const { key, aad, plaintext, sealed } = read("aead-record");
    const [purpose, ...parts] = aad;
    const opened = openWith(aeadKey(bytes(key)), bytes(sealed), associatedData(purpose, ...parts));
    expect(String(opened)).to.equal(plaintext);
  });

  it("an epoch file unwraps", () => {
    const vector = read("epoch-file");
    const keys = new MasterKeys(bytes(vector.masterKey));
    const file = parseEpochFile(bytes(vector.file), vector.epoch);
    expect(file).to.include({ endsAtMs: vector.endsAtMs, expiresAtMs: vector.expiresAtMs });
    expect(keys.currentId).to.equal(vector.masterKeyId);
    const secret = keys.unwrap("epoch", epochFields(file), file.wrapped);
    expect(secret.toString("hex")).to.equal(vector.epochSecret);
  });
});
