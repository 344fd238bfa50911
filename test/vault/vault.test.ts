import { expect } from "chai";
import { ROOT } from "../../src/callers/caller.ts";
import type { Caller } from "../../src/callers/caller.ts";
import { LogveilError } from "../../src/errors.ts";
import { addressMac } from "../../src/token/address-mac.ts";
import { parseSessionToken } from "../../src/token/session-token.ts";
import { parseSessionId } from "../../src/vault/sessions/session-id.ts";
import { MAX_SESSION_MS, RETENTION_MS, ROTATE_MS, openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const VISIT = {
  address: "198.51.100.237",
  userAgent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/133.7",
  cookieHeader: "PHPSESSID=ada7k2m9; _ga=GA1.2.3",
  host: "shop.example.org",
};
const ID = "00112233-4455-6677-8899-aabbccddeeff";

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error instanceof LogveilError ? error.code : String(error)),
  );
}

describe("vault", () => {
  let opened: OpenedVault;
  beforeEach(async () => {
    opened = await openVaultForTest();
  });
  afterEach(() => opened.close());
  const lookUp = (id: string, reason?: string) => opened.vault.lookUpSession(ROOT, id, reason);

  describe("sessions that the proxy made", () => {
    it("are disclosed under either spelling, with all that the first request showed", async () => {
      const { uuid, address } = await opened.visit(VISIT);
      for (const text of [uuid, address, uuid.toUpperCase()]) {
        expect(await lookUp(parseSessionId(text))).to.deep.equal({
          session: uuid,
          when: opened.clock.now() / 1000,
          data: {
            clientip: VISIT.address,
            "user-agent": VISIT.userAgent,
            cookie: VISIT.cookieHeader,
            host: VISIT.host,
          },
        });
      }
    });

    it("are gone at the very millisecond their epoch expires, before anything is swept", async () => {
      const { uuid } = await opened.visit(VISIT);
      const { epoch } = parseSessionToken(uuid);
      const expiresAtMs = epoch * 1000 + ROTATE_MS + RETENTION_MS;
      opened.clock.advance(expiresAtMs - 1 - opened.clock.now());
      expect((await lookUp(uuid)).session).to.equal(uuid);
      opened.clock.advance(1);
      expect(await codeOf(lookUp(uuid))).to.equal("not-found");
    });

    it("stay gone when the clock is set back", async () => {
      const { uuid } = await opened.visit(VISIT);
      const before = opened.clock.now();
      opened.clock.advance(ROTATE_MS + RETENTION_MS);
      await opened.keyring.destroyExpired();
      opened.clock.jumpTo(before);
      expect(await codeOf(lookUp(uuid))).to.equal("not-found");
    });

    it("look expired and unknown alike", async () => {
      const { uuid } = await opened.visit(VISIT);
      const unknown = `${uuid.slice(0, -4)}${uuid.endsWith("0000") ? "1111" : "0000"}`;
      const failures = [await lookUp(unknown).catch((error: unknown) => String(error))];
      opened.clock.advance(ROTATE_MS + RETENTION_MS);
      failures.push(await lookUp(uuid).catch((error: unknown) => String(error)));
      expect(new Set(failures)).to.deep.equal(new Set(["LogveilError: not found"]));
    });

    it("are reported as damaged, never as missing, when a byte of the record flips", async () => {
      const { uuid } = await opened.visit(VISIT);
      const { epoch, tag } = parseSessionToken(uuid);
      const record = Buffer.from((await opened.store.sessions.find(epoch, tag)) ?? []);
      for (const at of [0, 3, 20, 40, 55, record.length - 1]) {
        const damaged = Buffer.from(record);
        damaged[at] = (damaged[at] ?? 0) ^ 1;
        await opened.store.sessions.remove(epoch, tag);
        await opened.store.sessions.append([
          { epoch, tag, addressMac: Buffer.alloc(16), record: damaged },
        ]);
        expect(await codeOf(lookUp(uuid)), `byte ${at}`).to.equal("open-failed");
      }
      expect(
        opened.events.names().filter((name) => name === "store.record-corrupt"),
      ).to.have.length(6);
      expect(opened.events.text()).not.to.include(uuid);
    });

    it("are damaged under another token", async () => {
      const first = parseSessionToken((await opened.visit(VISIT)).uuid);
      const second = await opened.visit({ ...VISIT, address: "192.0.2.9" });
      const { epoch, tag } = parseSessionToken(second.uuid);
      const record = await opened.store.sessions.find(epoch, first.tag);
      await opened.store.sessions.remove(epoch, tag);
      await opened.store.sessions.append([
        { epoch, tag, addressMac: Buffer.alloc(16), record: record ?? Buffer.alloc(0) },
      ]);
      expect(await codeOf(lookUp(second.uuid))).to.equal("open-failed");
    });

    it("leave the store and its address index when they are removed", async () => {
      const { uuid } = await opened.visit(VISIT);
      const { epoch, tag } = parseSessionToken(uuid);
      const addressKey = opened.keyring.addressKeyOf(epoch);
      const entry = addressMac(addressKey, VISIT.address);
      expect(await opened.store.sessions.tagsOfAddress(epoch, entry)).to.have.length(1);
      await opened.vault.removeSession(ROOT, uuid);
      expect(await codeOf(lookUp(uuid))).to.equal("not-found");
      expect(await opened.store.sessions.find(epoch, tag)).to.equal(undefined);
      expect(await opened.store.sessions.tagsOfAddress(epoch, entry)).to.deep.equal([]);
    });

    it("can be removed when they are damaged", async () => {
      const { uuid } = await opened.visit(VISIT);
      const { epoch, tag } = parseSessionToken(uuid);
      await opened.store.sessions.remove(epoch, tag);
      await opened.store.sessions.append([
        { epoch, tag, addressMac: Buffer.alloc(16), record: Buffer.alloc(80) },
      ]);
      await opened.vault.removeSession(ROOT, uuid);
      expect(await codeOf(lookUp(uuid))).to.equal("not-found");
    });
  });

  describe("sessions that a caller stores", () => {
    const store = (data: Readonly<Record<string, unknown>>, id = ID) =>
      opened.vault.storeSession(ROOT, id, async () => data);

    it("come back whole, with the second of the last write", async () => {
      await store({ cart: [1, 2], expiration: "45s", login: "ada" });
      opened.clock.advance(1500);
      await store({ cart: [3], login: "ada" });
      expect(await lookUp(ID)).to.deep.equal({
        session: ID,
        when: Math.floor(opened.clock.now() / 1000),
        data: { cart: [3], login: "ada" },
      });
    });

    it("are gone at the very millisecond of their expiry, before anything is swept", async () => {
      await store({ a: 1, expiration: "45s" });
      opened.clock.advance(44_999);
      expect((await lookUp(ID)).data).to.have.property("a", 1);
      opened.clock.advance(1);
      expect(await codeOf(lookUp(ID))).to.equal("not-found");
    });

    it("live no longer than maxSession", async () => {
      await store({ a: 1, expiration: "90d" });
      opened.clock.advance(MAX_SESSION_MS);
      expect(await codeOf(lookUp(ID))).to.equal("not-found");
    });

    it("can be stored anew after they expired, swept or not", async () => {
      await store({ a: 1, expiration: "1s" });
      opened.clock.advance(1000);
      await store({ a: 2 });
      expect((await lookUp(ID)).data).to.deep.equal({ a: 2 });
      expect(await opened.store.callerSessions.sweep(opened.clock.now())).to.deep.equal([]);
    });

    it("lose their key first when they are removed, so that a copy of the record opens no more", async () => {
      await store({ a: 1 });
      const copy = Buffer.from((await opened.store.callerSessions.find(ID)) ?? []);
      await opened.vault.removeSession(ROOT, ID);
      expect(await opened.store.callerSessions.find(ID)).to.equal(undefined);
      await opened.store.callerSessions.put(ID, copy, opened.clock.now() + 60_000);
      expect(await codeOf(lookUp(ID))).to.equal("not-found");
    });

    it("are reported as damaged when a byte flips, or when the record is another session's", async () => {
      const other = "ffffffff-4455-6677-8899-aabbccddeeff";
      await store({ a: 1 });
      await store({ a: 2 }, other);
      const record = Buffer.from((await opened.store.callerSessions.find(ID)) ?? []);
      const damaged = Buffer.from(record);
      damaged[20] = (damaged[20] ?? 0) ^ 1;
      const later = opened.clock.now() + 60_000;
      await opened.store.callerSessions.put(ID, damaged, later);
      expect(await codeOf(lookUp(ID))).to.equal("open-failed");
      await opened.store.callerSessions.put(other, record, later);
      expect(await codeOf(lookUp(other))).to.equal("open-failed");
      expect(opened.events.names()).to.include("store.record-corrupt");
    });

    it("keep their expiry under the seal: the store cannot prolong it", async () => {
      await store({ a: 1, expiration: "10s" });
      const record = (await opened.store.callerSessions.find(ID)) ?? Buffer.alloc(0);
      await opened.keyring.subjects.create(`session:${ID}`, opened.clock.now() + 60_000);
      await opened.store.callerSessions.put(ID, record, opened.clock.now() + 60_000);
      opened.clock.advance(10_000);
      expect(await codeOf(lookUp(ID))).to.equal("not-found");
    });

    it("hide a proxied session of the same id, and removing takes both away", async () => {
      const { uuid } = await opened.visit(VISIT);
      await store({ mine: true, expiration: "10s" }, uuid);
      expect((await lookUp(uuid)).data).to.have.property("mine", true);
      opened.clock.advance(10_000);
      expect((await lookUp(uuid)).data).to.have.property("clientip", VISIT.address);
      await store({ mine: true }, uuid);
      await opened.vault.removeSession(ROOT, uuid);
      expect(await codeOf(lookUp(uuid))).to.equal("not-found");
    });

    it("survive writes, reads and removals of one id at once without ever looking damaged", async () => {
      const attempts = Array.from({ length: 60 }, (_, index) => {
        if (index % 3 === 0) return codeOf(store({ index }));
        if (index % 3 === 1) return codeOf(lookUp(ID));
        return opened.vault.removeSession(ROOT, ID);
      });
      const outcomes = await Promise.all(attempts);
      expect(outcomes.filter((code) => code !== undefined && code !== "not-found")).to.deep.equal(
        [],
      );
      expect(opened.events.names()).not.to.include("store.record-corrupt");
      await store({ last: true });
      expect((await lookUp(ID)).data).to.deep.equal({ last: true });
    });

    it("say once that an expiration was not understood, and never what it was", async () => {
      await store({ expiration: "fortnight-canary" });
      await store({ expiration: "fortnight-canary" });
      const names = opened.events.names();
      expect(names.filter((name) => name === "api.expiration-not-understood")).to.have.length(1);
      expect(opened.events.text()).not.to.include("canary");
    });

    it("lie sealed in the store", async () => {
      await store({ canary: "planted-canary-4711" });
      const record = Buffer.from((await opened.store.callerSessions.find(ID)) ?? []);
      expect(record.length).to.be.greaterThan(30);
      expect(record.includes("planted-canary")).to.equal(false);
    });
  });

  it("does nothing for a caller without the permission, and does not say whether anything is there", async () => {
    const { uuid } = await opened.visit(VISIT);
    const nobody = { name: "nobody", role: "nothing" } as unknown as Caller; // a role that the table does not have
    const { vault } = opened;
    for (const id of [uuid, ID]) {
      expect(await codeOf(vault.lookUpSession(nobody, id, undefined))).to.equal("access-denied");
      expect(await codeOf(vault.storeSession(nobody, id, async () => ({ a: 1 })))).to.equal(
        "access-denied",
      );
      expect(await codeOf(vault.removeSession(nobody, id))).to.equal("access-denied");
    }
    expect((await lookUp(uuid)).session).to.equal(uuid);
  });

  it("counts look-ups by result", async () => {
    const { uuid } = await opened.visit(VISIT);
    await lookUp(uuid);
    await codeOf(lookUp(ID));
    const { values } = await opened.metrics.sessionLookups.get();
    const counts = values.map(({ labels, value }) => [labels["result"], value]);
    expect(counts).to.deep.equal([
      ["found", 1],
      ["not_found", 1],
    ]);
  });
});
