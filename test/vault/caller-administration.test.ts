import { expect } from "chai";
import { openAuditTrail } from "../../src/audit/trail.ts";
import { ROOT } from "../../src/callers/caller.ts";
import { createAccessTokens } from "../../src/callers/access-tokens.ts";
import { LogveilError, hasCode } from "../../src/errors.ts";
import type { Documents } from "../../src/store/documents.ts";
import { createCallerAdministration } from "../../src/vault/caller-administration.ts";
import { openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const NEW = async () => ({ name: "anna", role: "support", expiration: "1h" });

describe("caller administration", () => {
  let opened: OpenedVault;
  let isFailing: boolean;
  beforeEach(async () => {
    opened = await openVaultForTest();
    isFailing = false;
  });
  afterEach(() => opened.close());

  /** Over a store whose writes fail when `isFailing`. */
  async function open() {
    const { keyring, clock } = opened;
    const documents: Documents = {
      ...opened.documents,
      commit: (changes) =>
        isFailing
          ? Promise.reject(new LogveilError("store-unavailable"))
          : opened.documents.commit(changes),
    };
    const key = keyring.auditKey;
    const trail = await openAuditTrail({ documents, key, clock });
    const tokens = createAccessTokens({ documents, key: keyring.callersKey, clock });
    return {
      tokens,
      callers: createCallerAdministration({ tokens, documents, trail, clock }),
    };
  }

  it("gives out nothing and names nobody when the event cannot be stored", async () => {
    const { callers } = await open();
    isFailing = true;
    const failure = await callers.create(ROOT, NEW).catch((error: unknown) => error);
    expect(hasCode(failure, "audit-unavailable")).to.equal(true);
    isFailing = false;
    expect(await callers.list(ROOT)).to.deep.equal([]);
    expect(await callers.create(ROOT, NEW)).to.be.a("string");
  });

  it("keeps a caller whose removal cannot be stored, and still removes it afterwards", async () => {
    const { callers, tokens } = await open();
    const token = await callers.create(ROOT, NEW);
    isFailing = true;
    const failure = await callers.remove(ROOT, "anna").catch((error: unknown) => error);
    expect(hasCode(failure, "audit-unavailable")).to.equal(true);
    isFailing = false;
    expect(await tokens.findCaller(token)).not.to.equal(undefined);
    await callers.remove(ROOT, "anna");
    expect(await tokens.findCaller(token)).to.equal(undefined);
  });

  it("does not read the body of whom it denies", async () => {
    const { callers } = await open();
    const read = () => Promise.reject(new TypeError("read"));
    for (const caller of [undefined, { name: "zoe", role: "dpo" } as const]) {
      const failure = await callers.create(caller, read).catch((error: unknown) => error);
      expect(hasCode(failure, "access-denied")).to.equal(true);
    }
  });

  it("sweeps what has expired and nothing else, and nobody's new name with it", async () => {
    const { callers, tokens } = await open();
    await callers.create(ROOT, NEW);
    await callers.create(ROOT, async () => ({ name: "shop", role: "app" }));
    const logIn = await tokens.logIns.create("11111111-2222-3333-4444-555555555555");
    await callers.sweep();
    expect(await opened.documents.list("caller")).to.have.length(2);
    opened.clock.advance(3_600_000);
    const [token] = await Promise.all([callers.create(ROOT, NEW), callers.sweep()]);
    await callers.sweep();
    expect((await tokens.findCaller(token))?.name).to.equal("anna");
    expect(await tokens.findCaller(logIn)).to.equal(undefined);
    // A name and a token each for anna and shop.
    expect(await opened.documents.list("caller")).to.have.length(2);
    expect(await opened.documents.list("accessToken")).to.have.length(2);
  });
});
