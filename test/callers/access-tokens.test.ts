import { expect } from "chai";
import { createAccessTokens } from "../../src/callers/access-tokens.ts";
import type { AccessTokens } from "../../src/callers/access-tokens.ts";
import type { NewCaller } from "../../src/callers/named-callers.ts";
import { hasCode } from "../../src/errors.ts";
import type { Documents } from "../../src/store/documents.ts";
import { openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const SUBJECT = "11111111-2222-3333-4444-555555555555";
const OTHER_SUBJECT = "99999999-2222-3333-4444-555555555555";
const UNKNOWN = "00000000-0000-0000-0000-000000000000";
const TEN_MINUTES_MS = 600_000;

describe("access tokens", () => {
  let opened: OpenedVault;
  let tokens: AccessTokens;
  let reads: string[];
  /** The next read of a caller's record says that it has read, and waits before it tells what. */
  let pause: { readonly reached: () => void; readonly until: Promise<void> } | undefined;
  beforeEach(async () => {
    opened = await openVaultForTest();
    reads = [];
    pause = undefined;
    const { documents, keyring, clock } = opened;
    const watched: Documents = {
      ...documents,
      find: async (table, key) => {
        reads.push(table);
        const found = await documents.find(table, key);
        if (table !== "caller" || pause === undefined) return found;
        const { reached, until } = pause;
        pause = undefined;
        reached();
        await until;
        return found;
      },
    };
    tokens = createAccessTokens({ documents: watched, key: keyring.callersKey, clock });
  });
  afterEach(() => opened.close());

  const name = async (caller: Partial<NewCaller> = {}) => {
    const wanted = { name: "anna", role: "support", expiresAtMs: undefined, ...caller } as const;
    const { token, changes } = await tokens.named.prepare(wanted);
    await opened.documents.commit(changes);
    return token;
  };
  const removeNamed = async (caller: string) => {
    await opened.documents.commit((await tokens.named.findRemoval(caller)) ?? []);
    tokens.forget();
  };
  const left = () => opened.documents.list("accessToken");

  it("stand for who was named, and are read from the store once", async () => {
    const token = await name();
    reads.length = 0;
    for (const _ of [1, 2, 3])
      expect(await tokens.findCaller(token)).to.deep.equal({ name: "anna", role: "support" });
    expect(reads).to.deep.equal(["accessToken", "caller"]);
  });

  it("stand for nobody as long as their changes are not stored", async () => {
    const { token } = await tokens.named.prepare({
      name: "anna",
      role: "dpo",
      expiresAtMs: undefined,
    });
    expect(await tokens.findCaller(token)).to.equal(undefined);
  });

  it("that are unknown push nobody out and are asked for again each time", async () => {
    const token = await name();
    await tokens.findCaller(token);
    reads.length = 0;
    for (const _ of [1, 2]) expect(await tokens.findCaller(UNKNOWN)).to.equal(undefined);
    expect(reads).to.deep.equal(["accessToken", "accessToken"]);
    await tokens.findCaller(token);
    expect(reads).to.have.length(2);
  });

  it("are not remembered when they were removed while they were read", async () => {
    const token = await name();
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    pause = { reached: reached.resolve, until: go.promise };
    const reading = tokens.findCaller(token);
    await reached.promise;
    await removeNamed("anna");
    go.resolve();
    // What was read before the removal may still be told; afterwards nothing.
    await reading;
    expect(await tokens.findCaller(token)).to.equal(undefined);
  });

  it("are refused from their last millisecond on, remembered or not", async () => {
    const token = await name({ expiresAtMs: opened.clock.now() + 1000 });
    expect(await tokens.findCaller(token)).not.to.equal(undefined);
    opened.clock.advance(1000);
    expect(await tokens.findCaller(token)).to.equal(undefined);
    tokens.forget();
    expect(await tokens.findCaller(token)).to.equal(undefined);
  });

  describe("in a store that somebody has written to", () => {
    /** Runs `look` on a store whose records of `table` were changed, and puts them back. */
    const forged = async (
      table: "caller" | "accessToken",
      change: (text: string) => string,
      look: () => Promise<void>,
    ) => {
      const kept = await opened.documents.list(table);
      const altered = kept.map(({ key, value }) => {
        const text = Buffer.from(value).toString("latin1");
        const changed = change(text);
        return { table, key, value: Buffer.from(changed, "latin1") };
      });
      expect(
        altered.some(({ value }, index) => !value.equals(kept[index]?.value ?? value)),
      ).to.equal(true);
      await opened.documents.commit(altered);
      tokens.forget();
      await look();
      await opened.documents.commit(kept.map((document) => ({ table, ...document })));
      tokens.forget();
    };
    const codeOf = async (token: string) =>
      tokens.findCaller(token).then(
        (caller) => caller?.name,
        (error: unknown) => (hasCode(error, "open-failed") ? "open-failed" : String(error)),
      );

    it("give no other role, no other subject and no more time", async () => {
      const endMs = opened.clock.now() + 1000;
      const token = await name({ expiresAtMs: endMs });
      const logIn = await tokens.logIns.create(SUBJECT);
      const later = String(endMs + 1);
      for (const change of [
        (text: string) => text.replace('"support"', '"dpo"'),
        (text: string) => text.replace(String(endMs), later),
        (text: string) => text.slice(0, -1),
        () => "",
      ])
        await forged("caller", change, async () => {
          expect(await codeOf(token)).to.equal("open-failed");
        });
      const swap = (text: string) => text.replace(SUBJECT, OTHER_SUBJECT);
      await forged("accessToken", swap, async () => {
        expect(await codeOf(logIn)).to.equal("open-failed");
      });
      // Unchanged they stand for whom they stood before, so it was the changes that were refused.
      expect(await codeOf(token)).to.equal("anna");
      expect(await codeOf(logIn)).to.match(/^login:/);
    });

    it("give a token back to nobody whose name has another by now", async () => {
      const old = await name();
      const [kept] = await opened.documents.list("accessToken");
      await removeNamed("anna");
      const present = await name();
      await opened.documents.commit([
        { table: "accessToken", key: kept?.key ?? "", value: kept?.value },
      ]);
      expect(await codeOf(old)).to.equal(undefined);
      expect(await codeOf(present)).to.equal("anna");
    });

    it("give nobody another's record", async () => {
      const token = await name();
      await name({ name: "zoe", role: "dpo" });
      const [anna, zoe] = await opened.documents.list("caller");
      await opened.documents.commit([{ table: "caller", key: anna?.key ?? "", value: zoe?.value }]);
      expect(await codeOf(token)).to.equal("open-failed");
    });
  });

  it("of at most 1000 names exist", async () => {
    await name();
    const many = Array.from({ length: 999 }, (_, index) =>
      tokens.named.prepare({
        name: `a${index}`,
        role: "app",
        expiresAtMs: opened.clock.now() + 1000,
      }),
    );
    await opened.documents.commit((await Promise.all(many)).flatMap(({ changes }) => changes));
    const failure = await name({ name: "zoe" }).catch((error: unknown) => error);
    expect(hasCode(failure, "callers-full")).to.equal(true);
    opened.clock.advance(1000);
    await opened.documents.commit(await tokens.named.removalsOfExpired());
    expect(await tokens.named.list()).to.have.length(1);
    expect(await name({ name: "zoe" })).to.be.a("string");
  });

  describe("of data subjects who have logged in", () => {
    it("stand for the data subject for ten minutes", async () => {
      const token = await tokens.logIns.create(SUBJECT);
      opened.clock.advance(TEN_MINUTES_MS - 1);
      const caller = await tokens.findCaller(token);
      expect(caller).to.include({ role: "login", subject: SUBJECT });
      expect(caller?.name).to.match(/^login:[0-9a-f]{12}$/);
      opened.clock.advance(1);
      expect(await tokens.findCaller(token)).to.equal(undefined);
    });

    it("have a name of their own each, in which there is nothing of token or subject", async () => {
      const issued = [await tokens.logIns.create(SUBJECT), await tokens.logIns.create(SUBJECT)];
      const found = await Promise.all(issued.map((token) => tokens.findCaller(token)));
      const names = found.map((caller) => caller?.name ?? "");
      expect(new Set(names).size).to.equal(2);
      for (const text of [...issued, SUBJECT])
        expect(names.join(" ")).not.to.include(text.slice(0, 8));
    });

    it("are revoked all at once, also when they have just been used, and nobody else's", async () => {
      const mine = await Promise.all([1, 2, 3].map(() => tokens.logIns.create(SUBJECT)));
      const others = await tokens.logIns.create(OTHER_SUBJECT);
      const named = await name();
      for (const token of [...mine, others, named]) await tokens.findCaller(token);
      expect(await tokens.logIns.revokeAll(SUBJECT)).to.equal(3);
      for (const token of mine) expect(await tokens.findCaller(token)).to.equal(undefined);
      for (const token of [others, named])
        expect(await tokens.findCaller(token)).not.to.equal(undefined);
      expect(await tokens.logIns.revokeAll(SUBJECT)).to.equal(0);
    });

    it("leave nothing in the store when they are swept, and nothing is swept too soon", async () => {
      const first = await tokens.logIns.create(SUBJECT);
      opened.clock.advance(TEN_MINUTES_MS - 1);
      expect(await tokens.logIns.sweep()).to.equal(0);
      const second = await tokens.logIns.create(SUBJECT);
      opened.clock.advance(1);
      expect(await tokens.logIns.sweep()).to.equal(1);
      expect(await tokens.findCaller(first)).to.equal(undefined);
      expect(await tokens.findCaller(second)).not.to.equal(undefined);
      await tokens.logIns.revokeAll(SUBJECT);
      expect(await left()).to.deep.equal([]);
    });

    it("are swept in slices, however many they are", async () => {
      for (let index = 0; index < 1100; index += 1) await tokens.logIns.create(SUBJECT);
      opened.clock.advance(TEN_MINUTES_MS);
      expect(await tokens.logIns.sweep()).to.equal(1100);
      expect(await left()).to.deep.equal([]);
    });
  });
});
