import { expect } from "chai";
import { ROOT } from "../../src/callers/caller.ts";
import { LogveilError } from "../../src/errors.ts";
import { parseSessionToken } from "../../src/token/session-token.ts";
import { proxiedKeyName } from "../../src/vault/sessions/session-keys.ts";
import { createSessionShelf } from "../../src/vault/sessions/session-shelf.ts";
import { addUser } from "../kit/known-user.ts";
import { openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const VISIT = {
  address: "198.51.100.237",
  userAgent: "Firefox",
  cookieHeader: "PHPSESSID=ada7k2m9",
  host: "shop.example.org",
};
const ID = "00112233-4455-6677-8899-aabbccddeeff";

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error instanceof LogveilError ? error.code : String(error)),
  );
}

describe("erasing a session", () => {
  let opened: OpenedVault;
  beforeEach(async () => {
    opened = await openVaultForTest();
  });
  afterEach(() => opened.close());

  const lookUp = (id: string) => opened.vault.lookUpSession(ROOT, id, undefined);
  const copyOf = async (uuid: string) => {
    const { epoch, tag } = parseSessionToken(uuid);
    const record = await opened.store.sessions.find(epoch, tag);
    return { epoch, tag, addressMac: Buffer.alloc(16), record: Buffer.from(record ?? []) };
  };
  /** As a backup of the store would, put back while the epoch's key is alive. */
  const putBack = async (copy: Awaited<ReturnType<typeof copyOf>>) => {
    await opened.store.sessions.remove(copy.epoch, copy.tag);
    await opened.store.sessions.append([copy]);
  };

  it("of the proxy takes its key: a copy of the record opens no more, though its epoch lives", async () => {
    const { uuid } = await opened.visit(VISIT);
    const other = await opened.visit({ ...VISIT, address: "192.0.2.9" });
    const copy = await copyOf(uuid);
    await opened.vault.removeSession(ROOT, uuid);
    expect(await codeOf(lookUp(uuid))).to.equal("not-found");
    await putBack(copy);
    expect(await codeOf(lookUp(uuid))).to.equal("open-failed");
    expect((await lookUp(other.uuid)).data).to.have.property("clientip", "192.0.2.9");
  });

  it("is no loss of a copy before it, which shows that the test above can fail", async () => {
    const { uuid } = await opened.visit(VISIT);
    const copy = await copyOf(uuid);
    await putBack(copy);
    expect((await lookUp(uuid)).data).to.have.property("clientip", VISIT.address);
  });

  it("lets the client's next request store a record again, which opens and can be erased again", async () => {
    const { uuid } = await opened.visit(VISIT);
    const first = await copyOf(uuid);
    for (let round = 0; round < 3; round += 1) {
      await opened.vault.removeSession(ROOT, uuid);
      expect(await codeOf(lookUp(uuid))).to.equal("not-found");
      expect((await opened.visit(VISIT)).uuid).to.equal(uuid);
      expect((await lookUp(uuid)).data).to.have.property("cookie", VISIT.cookieHeader);
    }
    await putBack(first);
    expect(await codeOf(lookUp(uuid))).to.equal("open-failed");
  });

  it("keeps the record at its length: the layer takes no room", async () => {
    const { uuid } = await opened.visit(VISIT);
    const { record } = await copyOf(uuid);
    const identity = JSON.stringify([
      1,
      opened.clock.now(),
      VISIT.address,
      VISIT.userAgent,
      VISIT.cookieHeader,
      VISIT.host,
    ]);
    expect(record.length).to.equal(1 + 4 + 32 + 12 + identity.length + 16);
    expect(record[0]).to.equal(2);
  });

  it("is finished after a crash between the event and the key", async () => {
    const { uuid } = await opened.visit(VISIT);
    const copy = await copyOf(uuid);
    // What a removal has committed when the process dies before it destroys the key.
    await opened.documents.commit(await opened.sessions.removalOf(uuid));
    await putBack(copy);
    expect((await lookUp(uuid)).session).to.equal(uuid);
    expect(await opened.documents.find("doomedKey", proxiedKeyName(uuid))).not.to.equal(undefined);
    expect(await opened.doomedKeys.sweep()).to.be.greaterThan(0);
    expect(await codeOf(lookUp(uuid))).to.equal("not-found");
    await putBack(copy);
    expect(await codeOf(lookUp(uuid))).to.equal("open-failed");
  });

  it("touches no key when there was no record", async () => {
    const { uuid } = await opened.visit(VISIT);
    const unknown = `${uuid.slice(0, -4)}${uuid.endsWith("0000") ? "1111" : "0000"}`;
    await opened.vault.removeSession(ROOT, unknown);
    expect((await lookUp(uuid)).session).to.equal(uuid);
    expect(await opened.documents.list("doomedKey")).to.deep.equal([]);
  });

  it("goes through all of a person's, stored and proxied, and says which", async () => {
    const ada = await addUser(opened, { login: "ada" });
    const bob = await addUser(opened, { login: "bob" });
    const mine = await opened.visit(VISIT);
    const theirs = await opened.visit({ ...VISIT, address: "192.0.2.9" });
    await opened.links.link(mine.uuid, ada);
    await opened.links.link(theirs.uuid, bob);
    const other = ID.replace("0", "f");
    await opened.vault.storeSession(ROOT, ID, async () => ({ login: "ada" }));
    await opened.vault.storeSession(ROOT, other, async () => ({ login: "bob" }));
    const proxied = await copyOf(mine.uuid);
    const stored = Buffer.from((await opened.store.callerSessions.find(ID)) ?? []);

    expect(await opened.sessions.eraseSessionsOf(ada)).to.have.deep.members([
      { session: mine.uuid, kind: "proxied" },
      { session: ID, kind: "stored" },
    ]);
    for (const id of [mine.uuid, ID]) expect(await codeOf(lookUp(id))).to.equal("not-found");
    await putBack(proxied);
    expect(await codeOf(lookUp(mine.uuid))).to.equal("open-failed");
    await opened.store.callerSessions.put(ID, stored, opened.clock.now() + 9000);
    expect(await codeOf(lookUp(ID))).to.equal("not-found");
    for (const id of [theirs.uuid, other]) expect((await lookUp(id)).session).to.equal(id);
    expect(await opened.sessions.eraseSessionsOf(ada)).to.deep.equal([]);
    expect(await opened.sessions.links.linksOf(ada)).to.deep.equal([]);
    expect(await opened.sessions.links.linksOf(bob)).to.have.length(2);
  });

  it("asks for the keys of many at once, so that they go together", async () => {
    const ada = await addUser(opened, { login: "ada" });
    for (let index = 1; index <= 20; index += 1) {
      const { uuid } = await opened.visit({ ...VISIT, address: `192.0.2.${String(index)}` });
      await opened.links.link(uuid, ada);
    }
    let [underWay, most] = [0, 0];
    const carryOut = async (name: string) => {
      most = Math.max(most, (underWay += 1));
      await opened.doomedKeys.carryOut(name);
      underWay -= 1;
    };
    const { store, keyring, clock } = opened;
    const doomedKeys = { ...opened.doomedKeys, carryOut };
    const onErased = () => undefined;
    const sessions = createSessionShelf({ store, keyring, clock, doomedKeys, onErased });
    expect(await sessions.eraseSessionsOf(ada)).to.have.length(20);
    expect(most).to.be.greaterThan(1);
    expect(await opened.documents.list("doomedKey")).to.deep.equal([]);
  });

  it("ends also when list and owner do not agree", async () => {
    const [ada, bob] = [
      await addUser(opened, { login: "a" }),
      await addUser(opened, { login: "b" }),
    ];
    await opened.vault.storeSession(ROOT, ID, async () => ({ login: "b" }));
    await opened.documents.commit([
      { table: "userSession", key: `${ada}/stored/${ID}`, value: Buffer.from("[1,1,9e15]") },
    ]);
    await opened.sessions.eraseSessionsOf(ada);
    expect(await opened.sessions.links.linksOf(ada)).to.deep.equal([]);
    expect(await opened.sessions.links.findOwner("stored", ID)).to.equal(bob);
    expect((await lookUp(ID)).session).to.equal(ID);
  });

  it("survives removals, look-ups and new visits of one session at once", async () => {
    const { uuid } = await opened.visit(VISIT);
    const attempts = Array.from({ length: 45 }, (_, index) => {
      if (index % 3 === 0) return codeOf(opened.visit(VISIT));
      if (index % 3 === 1) return codeOf(lookUp(uuid));
      return codeOf(opened.vault.removeSession(ROOT, uuid));
    });
    const codes = (await Promise.all(attempts)).filter((code) => code !== undefined);
    expect(new Set(codes)).to.deep.equal(new Set(["not-found"]));
    expect(opened.events.names()).not.to.include("store.record-corrupt");
  });
});
