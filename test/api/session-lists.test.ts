import { expect } from "chai";
import request from "supertest";
import type { Express } from "express";
import { createControlPlane } from "../../src/api/control-plane.ts";
import type { Caller } from "../../src/callers/caller.ts";
import { ROOT } from "../../src/callers/caller.ts";
import type { DisclosurePolicy } from "../../src/vault/sessions/disclosure-view.ts";
import { restrictionChange } from "../../src/vault/rights/restriction.ts";
import { addUser, removeUser } from "../kit/known-user.ts";
import { MAX_SESSION_MS, RETENTION_MS, ROTATE_MS, openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const VISIT = {
  address: "198.51.100.237",
  userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.7",
  cookieHeader: "PHPSESSID=ada7k2m9",
  host: "shop.example.org",
};
const ID = "a136d258-d605-e69e-0e4d-fe20460fbcf9";
const OTHER_ID = "00112233-4455-6677-8899-aabbccddeeff";
const ADA = { login: "ada", email: "Ada@Example.org", phone: "+44 7700 900123", custom: "c-1" };
const DENIED = { status: 403, text: "Access denied" };

describe("sessions of people", () => {
  let opened: OpenedVault;
  let app: Express;
  let callers: Map<string, Caller>;

  const open = async (disclosure?: DisclosurePolicy) => {
    opened = await openVaultForTest(disclosure === undefined ? {} : { disclosure });
    callers = new Map([["root", ROOT]]);
    for (const role of ["dpo", "support", "auditor", "app"] as const)
      callers.set(role, { name: role, role });
    app = createControlPlane({
      vault: opened.vault,
      access: async (headers) => callers.get(String(headers["x-bunker-token"])),
      health: () => [],
      metrics: opened.metrics,
      eventLog: opened.events.eventLog,
    });
  };
  beforeEach(() => open());
  afterEach(() => opened.close());

  const as = (name: string) => ({
    get: (path: string) => request(app).get(path).set("x-bunker-token", name),
    post: (path: string, body: object) =>
      request(app).post(path).set("x-bunker-token", name).send(body),
    remove: (path: string) => request(app).delete(path).set("x-bunker-token", name),
  });
  const addAda = async () => {
    const token = await addUser(opened, ADA);
    callers.set("ada", { name: "login-1", role: "login", subject: token });
    return token;
  };
  const idsOf = async (token: string) => {
    const { body } = await as("root").get(`/v1/sessions/token/${token}?limit=100`).expect(200);
    return body.rows.map(({ session }: { session: string }) => session);
  };
  const failure = (message: string) => ({ status: "error", message });

  it("keep nothing of a mode that is none in the trail, whoever asks", async () => {
    for (const name of ["nobody", "auditor", "root"])
      await as(name).get("/v1/sessions/victim.name@example.org/x");
    await as("nobody").get("/v1/sessions/EMAIL/x").expect(403);
    const { rows } = await opened.trail.list({ offset: 0, limit: 10 });
    expect(rows.map(({ mode }) => mode)).to.deep.equal(["email", undefined, undefined, undefined]);
    expect(JSON.stringify(rows)).to.not.include("victim");
  });

  describe("linking by a caller", () => {
    it("takes the first of login, email, phone, custom and token that is not empty", async () => {
      const token = await addAda();
      const named = [
        { login: "ada" },
        { login: "", email: " ADA@example.org" },
        { phone: "07700900123" },
        { custom: "c-1" },
        { token },
        { token: token.toUpperCase(), login: null, email: {}, phone: [] },
      ];
      for (const body of named) {
        await as("app").post(`/v1/session/${ID}`, body).expect(200);
        expect(await idsOf(token), JSON.stringify(body)).to.deep.equal([ID]);
        await as("app").post(`/v1/session/${ID}`, { a: 1 }).expect(200);
        expect(await idsOf(token)).to.deep.equal([]);
      }
    });

    it("stores an anonymous session when the first that is named is unknown, and names it no further", async () => {
      const token = await addAda();
      const unknown = [
        { login: "nobody", email: ADA.email },
        { email: "x" },
        { token: "x" },
        { login: 5 },
      ];
      for (const body of unknown) {
        await as("app").post(`/v1/session/${ID}`, body).expect(200);
        expect(await idsOf(token)).to.deep.equal([]);
        const found = await as("root").get(`/v1/session/${ID}`).expect(200);
        expect(found.body.data).to.deep.equal(body);
      }
    });

    it("goes over to another person with the session, and is gone with it", async () => {
      const [ada, bob] = [await addAda(), await addUser(opened, { login: "bob" })];
      await as("app").post(`/v1/session/${ID}`, { login: "ada" });
      await as("app").post(`/v1/session/${ID}`, { login: "bob" });
      expect([await idsOf(ada), await idsOf(bob)]).to.deep.equal([[], [ID]]);
      await as("app").remove(`/v1/session/${ID}`).expect(200);
      expect(await idsOf(bob)).to.deep.equal([]);
      expect(await opened.documents.list("sessionUser")).to.deep.equal([]);
      expect(await opened.documents.list("userSession")).to.deep.equal([]);
    });

    it("is in the trail of the person, whose key seals what names the session", async () => {
      const token = await addAda();
      await as("app").post(`/v1/session/${ID}`, { login: "ada" });
      const { rows } = await opened.trail.list({ subject: token, offset: 0, limit: 10 });
      expect(rows.map(({ title, status }) => [title, status])).to.deep.equal([
        ["create session", "ok"],
      ]);
      expect(rows[0]?.sealed?.length).to.be.greaterThan(30);
    });
  });

  describe("GET /v1/sessions/{mode}/{id}", () => {
    it("lists sessions of callers and of the proxy, in the order in which they were linked", async () => {
      const token = await addAda();
      const { uuid } = await opened.visit(VISIT);
      await as("app").post(`/v1/session/${OTHER_ID}`, { login: "ada", cart: 1 });
      opened.clock.advance(1000);
      expect(await opened.links.link(uuid, token)).to.equal(true);
      opened.clock.advance(1000);
      await as("app").post(`/v1/session/${ID}`, { login: "ada", cart: 2 });
      opened.clock.advance(1000);
      // Stored again for the same person it keeps its place.
      await as("app").post(`/v1/session/${OTHER_ID}`, { login: "ada", cart: 3 });
      for (const path of [`token/${token}`, "login/ada", "email/ada@EXAMPLE.org", "custom/c-1"]) {
        const { body } = await as("root").get(`/v1/sessions/${path}`).expect(200);
        expect(body.total, path).to.equal(3);
        expect(body.status).to.equal("ok");
        expect(body.rows).to.deep.equal([
          {
            when: Math.floor(opened.clock.now() / 1000),
            session: OTHER_ID,
            data: { login: "ada", cart: 3 },
          },
          {
            when: body.rows[1].when,
            session: uuid,
            data: {
              clientip: VISIT.address,
              "user-agent": VISIT.userAgent,
              cookie: VISIT.cookieHeader,
              host: VISIT.host,
            },
          },
          { when: body.rows[2].when, session: ID, data: { login: "ada", cart: 2 } },
        ]);
      }
    });

    it("pages, ten rows unless told, a hundred at most, and never all by mistake", async () => {
      const token = await addAda();
      for (let each = 10; each < 22; each += 1)
        await opened.vault.storeSession(
          ROOT,
          `000000${String(each)}-0000-0000-0000-000000000000`,
          async () => ({ login: "ada" }),
        );
      const count = async (query: string) => {
        const { body } = await as("root").get(`/v1/sessions/token/${token}${query}`).expect(200);
        expect(body.total).to.equal(12);
        return body.rows.length;
      };
      expect(await count("")).to.equal(10);
      expect(await count("?offset=10")).to.equal(2);
      expect(await count("?limit=5&offset=10")).to.equal(2);
      expect(await count("?limit=500")).to.equal(12);
      for (const query of ["?limit=0", "?limit=-1", "?limit=x"])
        expect(await count(query)).to.equal(10);
      expect(await count("?offset=99")).to.equal(0);
    });

    it("leaves out what has expired, in list and total, before anything is swept", async () => {
      const token = await addAda();
      const { uuid } = await opened.visit(VISIT);
      await opened.links.link(uuid, token);
      await as("app").post(`/v1/session/${ID}`, { login: "ada", expiration: "10s" });
      await as("app").post(`/v1/session/${OTHER_ID}`, { login: "ada" });
      opened.clock.advance(10_000);
      expect(await idsOf(token)).to.have.members([uuid, OTHER_ID]);
      opened.clock.advance(MAX_SESSION_MS);
      expect(await idsOf(token)).to.deep.equal([uuid]);
      opened.clock.advance(ROTATE_MS + RETENTION_MS);
      const { body } = await as("root").get(`/v1/sessions/token/${token}`).expect(200);
      expect(body).to.deep.equal({ status: "ok", total: 0, rows: [] });
    });

    it("is graded for the data-protection officer, and closed to those without lists", async () => {
      await opened.close();
      const none = { address: "none", userAgent: "none", cookie: "none" } as const;
      await open({ support: none, dpo: { ...none, address: "network" } });
      const token = await addAda();
      const { uuid } = await opened.visit(VISIT);
      await opened.links.link(uuid, token);
      const { body } = await as("dpo").get(`/v1/sessions/token/${token}`).expect(200);
      expect(body.rows[0].data).to.deep.equal({ clientip: "198.51.100.0/24", host: VISIT.host });
      for (const name of ["app", "support", "auditor", "nobody"])
        expect(await as(name).get(`/v1/sessions/token/${token}`)).to.include(DENIED);
    });

    it("says what is wrong, to those who may ask, after the caller and not before", async () => {
      const answers = [
        ["nonsense/x", "bad mode"],
        ["token/x", "bad uuid"],
        [`token/${ID}`, "not found"],
        ["login/nobody", "not found"],
      ] as const;
      for (const [path, message] of answers) {
        const { body } = await as("root").get(`/v1/sessions/${path}`).expect(405);
        expect(body, path).to.deep.equal(failure(message));
        expect(await as("nobody").get(`/v1/sessions/${path}`)).to.include(DENIED);
      }
    });

    it("says that a record is damaged, once in the event log, never that it is not there", async () => {
      const token = await addAda();
      await as("app").post(`/v1/session/${ID}`, { login: "ada" });
      await opened.store.callerSessions.put(ID, Buffer.alloc(80, 1), opened.clock.now() + 9000);
      const answer = await as("root").get(`/v1/sessions/token/${token}`).expect(500);
      expect(answer.body).to.include({ code: "open-failed" });
      expect(opened.events.names()).to.include("store.record-corrupt");
    });
  });

  describe("a data subject", () => {
    it("sees own sessions, whole, and nobody else's, which look like none", async () => {
      const ada = await addAda();
      const bob = await addUser(opened, { login: "bob" });
      const [mine, theirs] = [
        await opened.visit(VISIT),
        await opened.visit({ ...VISIT, address: "192.0.2.9" }),
      ];
      const anonymous = await opened.visit({ ...VISIT, address: "192.0.2.10" });
      await opened.links.link(mine.uuid, ada);
      await opened.links.link(theirs.uuid, bob);
      await as("app").post(`/v1/session/${ID}`, { login: "ada", cart: 1 });
      await as("app").post(`/v1/session/${OTHER_ID}`, { login: "bob" });

      const own = await as("ada").get(`/v1/session/${mine.uuid}`).expect(200);
      expect(own.body.data).to.include({ clientip: VISIT.address, cookie: VISIT.cookieHeader });
      expect((await as("ada").get(`/v1/session/${ID}`)).body.data).to.include({ cart: 1 });
      const list = await as("ada").get("/v1/sessions/login/ada").expect(200);
      expect(list.body.total).to.equal(2);

      const closed = [theirs.uuid, anonymous.uuid, OTHER_ID, "x", ID.replace("a", "b")];
      for (const id of closed)
        expect(await as("ada").get(`/v1/session/${id}`), id).to.include(DENIED);
      for (const path of [`token/${bob}`, "login/bob", "login/nobody", `token/${ID}`, "x/y"])
        expect((await as("ada").get(`/v1/sessions/${path}`)).status, path).to.be.oneOf([403, 405]);
      expect(await as("ada").get(`/v1/sessions/token/${bob}`)).to.include(DENIED);
      expect(await as("ada").get("/v1/sessions/login/nobody")).to.include(DENIED);
    });

    it("is not told that somebody else's record is damaged", async () => {
      await addAda();
      await addUser(opened, { login: "bob" });
      await as("app").post(`/v1/session/${ID}`, { login: "bob" });
      await opened.store.callerSessions.put(ID, Buffer.alloc(80, 1), opened.clock.now() + 9000);
      expect(await as("ada").get(`/v1/session/${ID}`)).to.include(DENIED);
    });

    it("may neither store nor remove sessions, nor search", async () => {
      await addAda();
      const { uuid } = await opened.visit(VISIT);
      expect(await as("ada").post(`/v1/session/${ID}`, { a: 1 })).to.include(DENIED);
      expect(await as("ada").remove(`/v1/session/${uuid}`)).to.include(DENIED);
      const search = { address: VISIT.address, reason: "mine" };
      expect(await as("ada").post("/v1/sessions/search", search)).to.include(DENIED);
    });
  });

  describe("GET /v1/session/{token}, by role", () => {
    it("shows support a network and a family, with a reason", async () => {
      const { uuid } = await opened.visit(VISIT);
      expect((await as("support").get(`/v1/session/${uuid}`)).status).to.equal(405);
      const answer = await as("support")
        .get(`/v1/session/${uuid}`)
        .set("x-lookup-reason", "ticket 4711")
        .expect(200);
      expect(answer.body.data).to.deep.equal({
        clientip: "198.51.100.0/24",
        "user-agent": "Firefox 133 (Linux)",
        host: VISIT.host,
      });
      expect(answer.text).not.to.include(VISIT.address).and.not.to.include("ada7k2m9");
    });

    it("shows support nothing of what a backend stored beside an identity", async () => {
      const stored = { clientip: "192.0.2.1", email: "ada@example.org", cart: { email: "x@y.z" } };
      await as("app").post(`/v1/session/${ID}`, stored).expect(200);
      const answer = await as("support")
        .get(`/v1/session/${ID}`)
        .set("x-lookup-reason", "t")
        .expect(200);
      expect(answer.body.data).to.deep.equal({ clientip: "192.0.2.0/24" });
      expect((await as("app").get(`/v1/session/${ID}`)).body.data).to.deep.equal(stored);
      expect((await as("dpo").get(`/v1/session/${ID}`)).body.data).to.deep.equal(stored);
    });
  });

  describe("POST /v1/sessions/search", () => {
    const search = (body: object, name = "dpo") =>
      as(name).post("/v1/sessions/search", { reason: "breach 7", ...body });

    it("finds all tokens of an address and no other, newest epoch first", async () => {
      const first = await opened.visit(VISIT);
      const second = await opened.visit({ ...VISIT, cookieHeader: "PHPSESSID=b" });
      await opened.visit({ ...VISIT, address: "198.51.100.238" });
      const firstWhen = Math.floor(opened.clock.now() / 1000);
      opened.clock.advance(ROTATE_MS);
      const third = await opened.visit(VISIT);
      const { body } = await search({ address: "::ffff:198.51.100.237" }).expect(200);
      expect(body.total).to.equal(3);
      expect(body.rows[0]).to.deep.equal({
        session: third.uuid,
        when: Math.floor(opened.clock.now() / 1000),
      });
      expect(body.rows.slice(1)).to.have.deep.members([
        { session: first.uuid, when: firstWhen },
        { session: second.uuid, when: firstWhen },
      ]);
    });

    it("looks through the epochs that the time touches", async () => {
      const old = await opened.visit(VISIT);
      const oldSeconds = Math.floor(opened.clock.now() / 1000);
      opened.clock.advance(2 * ROTATE_MS);
      const fresh = await opened.visit(VISIT);
      const nowSeconds = Math.floor(opened.clock.now() / 1000);
      const found = async (span: object) =>
        (await search({ address: VISIT.address, ...span }).expect(200)).body.rows.map(
          ({ session }: { session: string }) => session,
        );
      expect(await found({ from: nowSeconds })).to.deep.equal([fresh.uuid]);
      expect(await found({ to: String(oldSeconds) })).to.deep.equal([old.uuid]);
      expect(await found({ from: oldSeconds, to: nowSeconds })).to.deep.equal([
        fresh.uuid,
        old.uuid,
      ]);
      expect(await found({ from: 1, to: 2 })).to.deep.equal([]);
      opened.clock.advance(ROTATE_MS + RETENTION_MS - 2 * ROTATE_MS);
      expect(await found({})).to.deep.equal([fresh.uuid]);
    });

    it("finds the token that an address shares with its network, past the cap", async () => {
      const address = "2001:db8:1:2::9";
      for (let each = 0; each < 101; each += 1)
        await opened.visit({ ...VISIT, address, cookieHeader: `PHPSESSID=${String(each)}` });
      const { body } = await search({ address: "2001:DB8:1:2::9" }).expect(200);
      expect(body.total).to.equal(101);
      const neighbour = await search({ address: "2001:db8:1:2::77" }).expect(200);
      expect(neighbour.body.total).to.equal(1);
      const stranger = await search({ address: "2001:db8:1:3::9" }).expect(200);
      expect(stranger.body.total).to.equal(0);
    });

    it("pages", async () => {
      for (let each = 0; each < 12; each += 1)
        await opened.visit({ ...VISIT, cookieHeader: `PHPSESSID=${String(each)}` });
      const page = async (query: string) => {
        const body = { address: VISIT.address, reason: "r" };
        const answer = await as("root").post(`/v1/sessions/search${query}`, body).expect(200);
        expect(answer.body.total).to.equal(12);
        return answer.body.rows.map(({ session }: { session: string }) => session);
      };
      const pages = [...(await page("")), ...(await page("?offset=10"))];
      expect(new Set(pages).size).to.equal(12);
      expect(await page("?limit=3")).to.deep.equal(pages.slice(0, 3));
    });

    it("is for root and the data-protection officer, who say why", async () => {
      const { uuid } = await opened.visit(VISIT);
      const body = { address: VISIT.address };
      for (const name of ["support", "auditor", "app", "nobody"])
        expect(await search(body, name)).to.include(DENIED);
      for (const name of ["root", "dpo"]) {
        const answer = await as(name).post("/v1/sessions/search", body).expect(405);
        expect(answer.body).to.deep.equal(failure("reason is required"));
        const header = as(name).post("/v1/sessions/search", body).set("x-lookup-reason", "r");
        expect((await header.expect(200)).body.rows[0].session).to.equal(uuid);
      }
      const { rows } = await opened.trail.list({ offset: 0, limit: 1 });
      expect(rows[0]).to.include({
        title: "search sessions by address",
        status: "ok",
        reason: "r",
      });
      expect(JSON.stringify(rows[0])).not.to.include(VISIT.address);
    });

    it("says what is wrong, and repeats nothing of it", async () => {
      const wrong = [
        {},
        { address: "planted-canary" },
        { address: 5 },
        { address: "192.0.2.0/24" },
        { address: VISIT.address, from: "planted-canary" },
        { address: VISIT.address, to: -1 },
        { address: VISIT.address, to: {} },
      ];
      for (const body of wrong) {
        const answer = await search(body).expect(405);
        expect(answer.body, JSON.stringify(body)).to.deep.equal(failure("bad search"));
      }
    });
  });

  it("keeps what is restricted from being seen or removed, and goes on storing", async () => {
    const token = await addAda();
    const { uuid } = await opened.visit(VISIT);
    const alone = await opened.visit({ ...VISIT, address: "192.0.2.9" });
    await opened.links.link(uuid, token);
    const restrict = (sinceMs: number | undefined) =>
      opened.documents.commit([
        restrictionChange(token, sinceMs),
        restrictionChange(alone.uuid, sinceMs),
      ]);
    await restrict(1);
    await as("app").post(`/v1/session/${ID}`, { login: "ada" }).expect(200);
    for (const id of [uuid, alone.uuid, ID]) {
      const found = await as("root").get(`/v1/session/${id}`).expect(405);
      expect(found.body).to.deep.equal(failure("record is restricted"));
      await as("root").remove(`/v1/session/${id}`).expect(405);
    }
    await as("root").get(`/v1/sessions/token/${token}`).expect(405);
    await restrict(undefined);
    for (const id of [uuid, alone.uuid, ID]) await as("root").get(`/v1/session/${id}`).expect(200);
    expect(await idsOf(token)).to.have.members([uuid, ID]);
  });

  it("unlinks what is swept: expired sessions of callers, and whole epochs of the proxy", async () => {
    const token = await addAda();
    const { uuid } = await opened.visit(VISIT);
    await opened.links.link(uuid, token);
    await as("app").post(`/v1/session/${ID}`, { login: "ada" });
    opened.clock.advance(MAX_SESSION_MS);
    await opened.sessions.unlinkSwept([ID]);
    expect((await opened.documents.list("sessionUser")).length).to.equal(2);
    await opened.sessions.unlinkSwept(await opened.store.callerSessions.sweep(opened.clock.now()));
    expect((await opened.documents.list("sessionUser")).length).to.equal(1);
    await opened.sessions.unlinkEpoch(Number.parseInt(uuid.slice(0, 8), 16));
    expect(await opened.documents.list("sessionUser")).to.deep.equal([]);
    expect(await opened.documents.list("userSession")).to.deep.equal([]);
  });

  it("erases the session of a person who was erased while it was being stored", async () => {
    const token = await addAda();
    await opened.vault.storeSession(ROOT, ID, async () => ({ login: "ada" }));
    await removeUser(opened, token);
    expect(await opened.sessions.eraseSessionsOf(token)).to.deep.equal([
      { session: ID, kind: "stored" },
    ]);
    await as("root").get(`/v1/session/${ID}`).expect(405);
  });
});
