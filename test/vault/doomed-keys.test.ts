import { expect } from "chai";
import { createDoomedKeys } from "../../src/vault/doomed-keys.ts";
import { openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

describe("doomed keys", () => {
  let opened: OpenedVault;
  beforeEach(async () => {
    opened = await openVaultForTest();
  });
  afterEach(() => opened.close());

  const exists = async (subject: string) =>
    (await opened.keyring.subjects.find(subject)) !== undefined;

  it("die when the batch that doomed them is stored", async () => {
    const { doomedKeys, documents, keyring } = opened;
    await keyring.subjects.create("ada");
    await documents.commit([doomedKeys.doom("ada")]);
    expect(await exists("ada")).to.equal(true);
    await doomedKeys.carryOut("ada");
    expect(await exists("ada")).to.equal(false);
  });

  it("live when no batch has doomed them, or the sentence was carried out before", async () => {
    const { doomedKeys, documents, keyring } = opened;
    await keyring.subjects.create("ada");
    doomedKeys.doom("ada");
    await doomedKeys.carryOut("ada");
    expect(await exists("ada")).to.equal(true);
    await documents.commit([doomedKeys.doom("ada")]);
    await doomedKeys.carryOut("ada");
    await keyring.subjects.create("ada");
    await doomedKeys.carryOut("ada");
    expect(await doomedKeys.sweep()).to.equal(0);
    expect(await exists("ada")).to.equal(true);
  });

  it("that a crash left alive die in the next sweep", async () => {
    const { documents, keyring } = opened;
    for (const subject of ["ada", "bob", "eve"]) await keyring.subjects.create(subject);
    await documents.commit([opened.doomedKeys.doom("ada"), opened.doomedKeys.doom("bob")]);
    const { subjects } = keyring;
    expect(await createDoomedKeys({ documents, subjects }).sweep()).to.equal(2);
    expect(await Promise.all(["ada", "bob", "eve"].map(exists))).to.deep.equal([
      false,
      false,
      true,
    ]);
  });

  it("die whatever becomes of those before them, which the sweep reports", async () => {
    const { documents, keyring, doomedKeys } = opened;
    const names = Array.from({ length: 1100 }, (_, index) => `a${index}`);
    await keyring.subjects.create("zoe");
    await documents.commit([...names, "zoe"].map(doomedKeys.doom));
    let isFull = true;
    const tried: string[] = [];
    const destroy = async (subject: string) => {
      tried.push(subject);
      if (isFull && subject !== "zoe") throw new Error(`no space for ${subject}`);
      return keyring.subjects.destroy(subject);
    };
    const { sweep } = createDoomedKeys({ documents, subjects: { destroy } });
    const failure = await sweep().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Error).with.property("message", "no space for a0");
    expect(tried).to.have.length(1101);
    expect(await exists("zoe")).to.equal(false);
    isFull = false;
    expect(await sweep()).to.equal(1100);
    expect(await sweep()).to.equal(0);
  });
});
