import { expect } from "chai";
import { encodeEpochFile, epochFields, parseEpochFile } from "../../src/keys/epoch-file.ts";
import { MasterKeys } from "../../src/keys/key-wrapping.ts";
import { KEY_A, MONDAY, MONDAY_MS, thrownCode } from "./keyring-fixture.ts";

const keys = new MasterKeys(KEY_A);
const fields = { epoch: MONDAY, endsAtMs: MONDAY_MS + 10, expiresAtMs: MONDAY_MS + 20 };
const secret = Buffer.alloc(32, 4);
const file = { ...fields, wrapped: keys.wrap("epoch", epochFields(fields), secret) };

describe("epoch file", () => {
  it("reads what it wrote", () => {
    expect(parseEpochFile(encodeEpochFile(file), MONDAY)).to.deep.equal(file);
    expect(keys.unwrap("epoch", epochFields(file), file.wrapped)).to.deep.equal(secret);
  });

  it("does not open with an expiry or end that somebody moved, checksum and all", () => {
    for (const moved of [{ expiresAtMs: fields.expiresAtMs + 1 }, { endsAtMs: 0 }]) {
      const forged = parseEpochFile(encodeEpochFile({ ...file, ...moved }), MONDAY);
      const open = () => keys.unwrap("epoch", epochFields(forged), forged.wrapped);
      expect(thrownCode(open)).to.equal("keyring-corrupt");
    }
  });

  it("does not open as a key of another kind", () => {
    const open = () => keys.unwrap("subject", epochFields(file), file.wrapped);
    expect(thrownCode(open)).to.equal("keyring-corrupt");
  });
});
