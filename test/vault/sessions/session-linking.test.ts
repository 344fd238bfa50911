import { expect } from "chai";
import { createSessionLinking } from "../../../src/vault/sessions/session-linking.ts";
import { addUser } from "../../kit/known-user.ts";
import { RETENTION_MS, ROTATE_MS, openVaultForTest } from "../../kit/opened-vault.ts";
import type { OpenedVault } from "../../kit/opened-vault.ts";

const VISIT = {
  address: "198.51.100.237",
  userAgent: "Firefox",
  cookieHeader: "PHPSESSID=ada7k2m9",
  host: "shop.example.org",
};

describe("linking by the data plane", () => {
  let opened: OpenedVault;
  beforeEach(async () => {
    opened = await openVaultForTest();
  });
  afterEach(() => opened.close());

  const results = async () => {
    const { values } = await opened.metrics.sessionLinks.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels["result"], value]));
  };
  const ownerOf = (session: string) => opened.sessions.links.findOwner("proxied", session);

  it("is one event, in the trail of the person, whose key seals the token", async () => {
    const token = await addUser(opened, { login: "ada" });
    const { uuid } = await opened.visit(VISIT);
    expect(await opened.links.link(uuid, token)).to.equal(true);
    expect(await opened.links.link(uuid, token)).to.equal(true);
    const { rows } = await opened.trail.list({ subject: token, offset: 0, limit: 10 });
    expect(rows).to.have.length(1);
    expect(rows[0]).to.deep.include({
      title: "link session",
      status: "ok",
      caller: { name: "upstream", role: "app" },
    });
    expect(JSON.stringify(rows[0])).not.to.include(uuid);
    expect(await results()).to.deep.equal({ linked: 1, known: 1 });
  });

  it("leaves a session to the first person who was named", async () => {
    const ada = await addUser(opened, { login: "ada" });
    const bob = await addUser(opened, { login: "bob" });
    const { uuid } = await opened.visit(VISIT);
    await Promise.all([opened.links.link(uuid, ada), opened.links.link(uuid, bob)]);
    expect(await ownerOf(uuid)).to.equal(ada);
    expect(await opened.sessions.links.linksOf(bob)).to.deep.equal([]);
  });

  it("knows nobody who has no user record, and links once they have", async () => {
    const { uuid } = await opened.visit(VISIT);
    const nobody = "00112233-4455-6677-8899-aabbccddeeff";
    expect(await opened.links.link(uuid, nobody)).to.equal(false);
    expect(await ownerOf(uuid)).to.equal(undefined);
    expect(await results()).to.deep.equal({ unknown_user: 1 });
    const ada = await addUser(opened, { login: "ada" });
    expect(await opened.links.link(uuid, ada)).to.equal(true);
  });

  it("links nothing that has expired", async () => {
    const ada = await addUser(opened, { login: "ada" });
    const { uuid } = await opened.visit(VISIT);
    opened.clock.advance(ROTATE_MS + RETENTION_MS);
    expect(await opened.links.link(uuid, ada)).to.equal(false);
    expect(await results()).to.deep.equal({ expired: 1 });
  });

  it("never rejects, stores nothing without its event, and counts", async () => {
    const ada = await addUser(opened, { login: "ada" });
    const { uuid } = await opened.visit(VISIT);
    const { clock, keyring, metrics, sessions, directory, inTurn } = opened;
    const parts = { clock, keyring, metrics, sessions, directory, inTurn };
    const trail = { append: () => Promise.reject(new Error("disk full")) };
    expect(await createSessionLinking({ ...parts, trail }).link(uuid, ada)).to.equal(false);
    expect(await ownerOf(uuid)).to.equal(undefined);
    expect(await results()).to.deep.equal({ failed: 1 });
  });

  it("has a bound on what waits", async () => {
    const ada = await addUser(opened, { login: "ada" });
    const { clock, keyring, metrics, sessions, directory, inTurn } = opened;
    const parts = { clock, keyring, metrics, sessions, directory, inTurn };
    const { uuid } = await opened.visit(VISIT);
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const links = createSessionLinking({ ...parts, trail: { append: () => ended } });
    const waiting = Array.from({ length: 1100 }, () => links.link(uuid, ada));
    expect(await Promise.all(waiting.slice(1000))).to.deep.equal(Array(100).fill(false));
    end();
    await Promise.all(waiting);
    expect((await results())["refused"]).to.equal(100);
  });

  it("gives a person 1,000 sessions and refuses more, until some have gone", async () => {
    const ada = await addUser(opened, { login: "ada" });
    const bob = await addUser(opened, { login: "bob" });
    const { uuid } = await opened.visit(VISIT);
    const { links } = opened.sessions;
    const idOf = (index: number) => `${uuid.slice(0, 24)}${index.toString(16).padStart(12, "0")}`;
    const times = { linkedAtMs: 0, expiresAtMs: opened.clock.now() + ROTATE_MS };
    for (let index = 0; index < 999; index += 1)
      await opened.documents.commit(
        await links.linking({ kind: "proxied", session: idOf(index), ...times }, ada),
      );
    expect(await opened.links.link(idOf(5000), ada)).to.equal(true);
    expect(await opened.links.link(idOf(5001), ada)).to.equal(false);
    expect(await opened.links.link(idOf(5000), ada)).to.equal(true);
    expect(await opened.links.link(idOf(5002), bob)).to.equal(true);
    expect(await results()).to.deep.equal({ linked: 2, known: 1, refused: 1 });
    await opened.documents.commit(await links.unlinking("proxied", idOf(7)));
    opened.clock.advance(61_000);
    expect(await opened.links.link(idOf(5001), ada)).to.equal(true);
    expect(await opened.links.link(idOf(5003), ada)).to.equal(false);
  });
});
