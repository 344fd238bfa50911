import { expect } from "chai";
import { ROOT } from "../../src/callers/caller.ts";
import type { Caller } from "../../src/callers/caller.ts";
import { LogveilError } from "../../src/errors.ts";
import {
  createIdentitySealing,
  findSealedIdentity,
  formatSealedIdentity,
} from "../../src/token/sealed-identity.ts";
import { parseSessionToken } from "../../src/token/session-token.ts";
import { restrictionChange } from "../../src/vault/rights/restriction.ts";
import { proxiedKeyName } from "../../src/vault/sessions/session-keys.ts";
import { createSessionShelf } from "../../src/vault/sessions/session-shelf.ts";
import { addUser } from "../kit/known-user.ts";
import { openVaultForTest, RETENTION_MS, ROTATE_MS } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const VISIT = {
  address: "198.51.100.237",
  userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
  cookieHeader: "PHPSESSID=ada7k2m9",
  host: "shop.example.org",
};
const SUPPORT: Caller = { name: "sam", role: "support" };

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error instanceof LogveilError ? error.code : String(error)),
  );
}

describe("vault: identities sealed in log lines", () => {
  let opened: OpenedVault;
  let uuid: string;
  let sealed: string;

  /** What the data plane would write into a line of that session now. */
  const seal = async (session: string, visit = VISIT): Promise<string> => {
    const { keyring, clock } = opened;
    const { seal: sealNow } = createIdentitySealing({
      epochs: keyring,
      cover: (epoch, tag, record) => keyring.sessionTrees.cover(epoch, tag, record),
      clock,
    });
    const { epoch } = parseSessionToken(session);
    const client = { ...visit, sessionCookies: visit.cookieHeader };
    return (await sealNow({ uuid: session, epoch }, client, clock.now())) ?? "";
  };
  const open = (text: unknown, caller: Caller = ROOT, reason?: string) =>
    opened.vault.openSealedSession({
      caller,
      headerReason: reason,
      body: async () => ({ sealed: text }),
    });

  beforeEach(async () => {
    opened = await openVaultForTest();
    ({ uuid } = await opened.visit(VISIT));
    sealed = await seal(uuid);
  });
  afterEach(() => opened.close());

  it("open to the identity of their request, from the text alone or the whole line", async () => {
    const expected = {
      session: uuid,
      when: Math.floor(opened.clock.now() / 1000),
      data: {
        clientip: VISIT.address,
        "user-agent": VISIT.userAgent,
        cookie: VISIT.cookieHeader,
        host: VISIT.host,
      },
    };
    expect(await open(sealed)).to.deep.equal(expected);
    expect(await open(`{"session.id":"${uuid}","identity.sealed":"${sealed}"}\n`)).to.deep.equal(
      expected,
    );
    expect(sealed).not.to.include("ada7k2m9");
  });

  it("are of the request, not of the session's first one", async () => {
    const later = await seal(uuid, { ...VISIT, address: "203.0.113.89" });
    expect((await open(later)).data).to.have.property("clientip", "203.0.113.89");
  });

  it("open without a record in the store", async () => {
    const { epoch, tag } = parseSessionToken(uuid);
    await opened.store.sessions.remove(epoch, tag);
    expect(await codeOf(opened.vault.lookUpSession(ROOT, uuid, undefined))).to.equal("not-found");
    expect((await open(sealed)).session).to.equal(uuid);
  });

  it("are an event each, allowed or denied, with the reason", async () => {
    await open(sealed, ROOT, "ticket 4711");
    const nobody = { caller: undefined, body: async () => ({ sealed }) };
    expect(await codeOf(opened.vault.openSealedSession(nobody))).to.equal("access-denied");
    expect(await codeOf(open("sealed:v1:", ROOT))).to.equal("sealed-invalid");
    const { rows } = await opened.audit.listAll(ROOT, { offset: 0, limit: 10 });
    const told = rows
      .map(({ record }) => record)
      .filter(({ title }) => title === "open sealed session")
      .map(({ status, message, reason }) => [status, message, reason]);
    expect(told).to.deep.equal([
      ["error", "sealed-invalid", undefined],
      ["denied", "access-denied", undefined],
      ["ok", undefined, "ticket 4711"],
    ]);
  });

  it("are shown as the role may see them, and to support with a reason only", async () => {
    expect(await codeOf(open(sealed, SUPPORT))).to.equal("reason-missing");
    const { data } = await open(sealed, SUPPORT, "ticket 4711");
    expect(data).to.deep.equal({
      clientip: "198.51.100.0/24",
      "user-agent": "Firefox 133 (Linux)",
      host: VISIT.host,
    });
    expect(await codeOf(open(sealed, { name: "audra", role: "auditor" }, "x"))).to.equal(
      "access-denied",
    );
  });

  it("are shown to the data subject they belong to, and to no other", async () => {
    const user = await addUser(opened, { login: "ada" });
    expect(await opened.links.link(uuid, user)).to.equal(true);
    expect((await open(sealed, { name: "l", role: "login", subject: user })).session).to.equal(
      uuid,
    );
    const other = await addUser(opened, { login: "boris" });
    expect(await codeOf(open(sealed, { name: "l", role: "login", subject: other }))).to.equal(
      "access-denied",
    );
  });

  it("close when their session is erased, and do not open again when it is stored anew", async () => {
    const other = await opened.visit({ ...VISIT, address: "192.0.2.9" });
    const ofOther = await seal(other.uuid);
    await opened.vault.removeSession(ROOT, uuid);
    expect(await codeOf(open(sealed))).to.equal("not-found");
    await opened.visit(VISIT);
    expect(await codeOf(open(sealed))).to.equal("not-found");
    expect((await open(await seal(uuid))).session).to.equal(uuid);
    expect((await open(ofOther)).session).to.equal(other.uuid);
  });

  it("close when their person is erased", async () => {
    const user = await addUser(opened, { login: "ada" });
    await opened.links.link(uuid, user);
    await opened.sessions.eraseSessionsOf(user);
    expect(await codeOf(open(sealed))).to.equal("not-found");
  });

  it("are closed by an erasure that a crash has interrupted before the key was destroyed", async () => {
    const doomed = proxiedKeyName(uuid);
    await opened.documents.commit([opened.doomedKeys.doom(doomed)]);
    expect(await codeOf(open(sealed))).to.equal("not-found");
    await opened.doomedKeys.sweep();
    expect(await codeOf(open(sealed))).to.equal("not-found");
  });

  it("close when a session is erased whose record was never stored", async () => {
    const { epoch, tag } = parseSessionToken(uuid);
    await opened.store.sessions.remove(epoch, tag);
    const shelf = createSessionShelf({
      ...opened,
      hasSealedLines: true,
      onErased: () => undefined,
    });
    await opened.documents.commit(await shelf.removalOf(uuid));
    await shelf.finishRemoval(uuid);
    expect(await codeOf(open(sealed))).to.equal("not-found");
  });

  it("close when their epoch expires, by the clock alone and for good with its key", async () => {
    opened.clock.advance(ROTATE_MS + RETENTION_MS);
    expect(await codeOf(open(sealed))).to.equal("not-found");
    await opened.keyring.destroyExpired();
    expect(await codeOf(open(sealed))).to.equal("not-found");
  });

  it("do not open when they were altered anywhere, or put under another token", async () => {
    const found = findSealedIdentity(sealed);
    if (found === undefined) throw new TypeError("nothing was sealed");
    const { token, record } = found;
    for (let at = 0; at < record.length; at += 7) {
      const altered = Buffer.from(record);
      altered.writeUInt8((altered[at] ?? 0) ^ 1, at);
      expect(
        await codeOf(open(formatSealedIdentity({ token, record: altered }))),
        String(at),
      ).to.equal("not-found");
    }
    const other = parseSessionToken(
      (await opened.visit({ ...VISIT, host: "x", address: "192.0.2.9" })).uuid,
    );
    expect(await codeOf(open(formatSealedIdentity({ token: other, record })))).to.equal(
      "not-found",
    );
    expect(
      await codeOf(
        open(formatSealedIdentity({ token: { ...token, epoch: token.epoch + 1 }, record })),
      ),
    ).to.equal("not-found");
    // None of it is news of ours.
    expect(opened.events.names()).not.to.include("store.record-corrupt");
  });

  it("do not open without the layer that an erasure takes away", async () => {
    const { keyring, clock } = opened;
    const { epoch, tag } = parseSessionToken(uuid);
    const bare = createIdentitySealing({
      epochs: keyring,
      cover: (_e, _t, record) => record,
      clock,
    });
    const client = { ...VISIT, sessionCookies: "" };
    const text = (await bare.seal({ uuid, epoch }, client, clock.now())) ?? "";
    const record = findSealedIdentity(text)?.record ?? Buffer.alloc(0);
    expect(await codeOf(open(text))).to.equal("not-found");
    // It is the layer that was missing, and nothing else.
    const covered = await keyring.sessionTrees.cover(epoch, tag, record);
    const whole = formatSealedIdentity({ token: { epoch, tag }, record: covered });
    expect((await open(whole)).session).to.equal(uuid);
  });

  it("are not opened of somebody whose record is restricted", async () => {
    await opened.documents.commit([restrictionChange(uuid, opened.clock.now())]);
    expect(await codeOf(open(sealed))).to.equal("record-restricted");
  });

  it("cannot stand for a session record, nor a record for one", async () => {
    const token = parseSessionToken(uuid);
    const stored = await opened.store.sessions.find(token.epoch, token.tag);
    if (stored === undefined) throw new TypeError("no record was stored");
    expect(await codeOf(open(formatSealedIdentity({ token, record: stored })))).to.equal(
      "not-found",
    );
    const line = findSealedIdentity(sealed);
    await opened.store.sessions.remove(token.epoch, token.tag);
    await opened.store.sessions.append([
      { ...token, addressMac: Buffer.alloc(16), record: line?.record ?? stored },
    ]);
    expect(await codeOf(opened.vault.lookUpSession(ROOT, uuid, undefined))).to.equal("open-failed");
  });

  it("are refused where there is none", async () => {
    for (const text of [undefined, 5, "", uuid, "sealed:v1:", ["x"], { sealed }])
      expect(await codeOf(open(text))).to.equal("sealed-invalid");
  });
});
