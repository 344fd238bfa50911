import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { AuditRecord } from "../../src/audit/event.ts";
import { openPersonal } from "../../src/audit/event.ts";
import { LogveilError } from "../../src/errors.ts";
import { keyNameOf } from "../../src/vault/sharing/shared-record.ts";
import { openRights } from "../vault/opened-rights.ts";
import type { OpenedRights } from "../vault/opened-rights.ts";

const ADA = {
  email: "ada@example.org",
  login: "ada",
  name: "Ada",
  address: { city: "London", "post.code": "N1" },
  friends: [{ first: "Bo" }, { first: "Cy" }],
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UNKNOWN = "a136d258-d605-e69e-0e4d-fe20460fbcf9";
const VISIT = {
  address: "198.51.100.237",
  userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
  cookieHeader: "PHPSESSID=ada7k2m9",
  host: "shop.example.org",
};
const DAY_MS = 86_400_000;

describe("shared record routes", () => {
  let kit: OpenedRights;
  let ada: string;
  beforeEach(async () => {
    kit = await openRights();
    ada = await kit.createUser(ADA, { shipping: { street: "Main 1", box: { size: 3 } } });
  });
  afterEach(() => kit.close());

  const failure = (message: string) => ({ status: "error", message });
  const events = async (subject?: string): Promise<readonly AuditRecord[]> =>
    (await kit.opened.trail.list({ subject, offset: 0, limit: 1000 })).rows;
  const isDenied = async (path: string) => {
    const answer = await kit.get(path).expect(403);
    expect(answer.text).to.equal("Access denied");
    expect(answer.headers["content-type"]).to.equal("text/plain; charset=utf-8");
  };

  describe("POST /v1/sharedrecord/:mode/:id", () => {
    it("shares a profile by any identity, with and without a body, in JSON and as a form", async () => {
      for (const path of [
        `token/${ada}`,
        "email/ADA@example.org",
        "login/ada",
        "EMAIL/ada@example.org",
      ]) {
        const record = await kit.share(`/v1/sharedrecord/${path}`);
        expect(record).to.match(UUID);
        const answer = await kit.get(`/v1/get/${record.toUpperCase()}`).expect(200);
        expect(answer.body, path).to.deep.equal({ status: "ok", data: ADA });
      }
      const form = await kit.post(`/v1/sharedrecord/token/${ada}`, "fields=name").type("form");
      const answer = await kit.get(`/v1/get/${form.body.record}`).expect(200);
      expect(answer.body.data).to.deep.equal({ name: "Ada" });
    });

    it("shows the fields and nothing else: flat, as they were written, null where nothing is", async () => {
      const fields =
        "name, address.city,missing.deeper,token,friends.1.first,friends.#,friends.#.first,address.post\\.code,__proto__,friends.length";
      const record = await kit.share(`/v1/sharedrecord/token/${ada}`, { fields });
      const answer = await kit.get(`/v1/get/${record}`).expect(200);
      const { data } = JSON.parse(answer.text) as { readonly data: object };
      expect(Object.entries(data)).to.deep.equal([
        ["name", "Ada"],
        ["address.city", "London"],
        ["missing.deeper", null],
        ["token", ada],
        ["friends.1.first", "Cy"],
        ["friends.#", 2],
        ["friends.#.first", ["Bo", "Cy"]],
        ["address.post\\.code", "N1"],
        ["__proto__", null],
        ["friends.length", null],
      ]);
    });

    it("shares an app, and says when there is none of that name", async () => {
      const record = await kit.share(`/v1/sharedrecord/token/${ada}`, {
        app: "Shipping",
        fields: "street,box.size",
      });
      const answer = await kit.get(`/v1/get/${record}`).expect(200);
      expect(answer.body).to.deep.equal({
        status: "ok",
        app: "shipping",
        data: { street: "Main 1", "box.size": 3 },
      });
      const share = (body: object) => kit.post(`/v1/sharedrecord/token/${ada}`, body).expect(405);
      expect((await share({ app: "billing" })).body).to.deep.equal(failure("app not found"));
      expect((await share({ app: "no name!" })).body).to.deep.equal(failure("unknown app name"));
    });

    it("shares a session of the user", async () => {
      const session = await kit.storeSession({ email: ADA.email, cart: "two" });
      const record = await kit.share(`/v1/sharedrecord/token/${ada}`, { session, fields: "cart" });
      const answer = await kit.get(`/v1/get/${record}`).expect(200);
      expect(answer.body).to.deep.equal({ status: "ok", session, data: { cart: "two" } });
    });

    it("refuses what is not understood, without repeating it", async () => {
      const cases: readonly (readonly [object, string])[] = [
        [{ maxUses: 0 }, "bad maxUses"],
        [{ maxUses: 1.5 }, "bad maxUses"],
        [{ maxUses: "planted" }, "bad maxUses"],
        [{ fields: 5 }, "bad fields"],
        [{ fields: " , " }, "bad fields"],
        [{ fields: "a,".repeat(101) }, "bad fields"],
        [{ expiration: -5 }, "bad expiration"],
        [{ reason: ["planted"] }, "bad reason"],
        [{ reason: "x".repeat(513) }, "bad reason"],
        [{ session: "planted" }, "bad uuid"],
        [{ session: UNKNOWN }, "not found"],
        [{ partner: { planted: 1 } }, "failed to decode request body"],
      ];
      for (const [body, message] of cases) {
        const answer = await kit.post(`/v1/sharedrecord/token/${ada}`, body).expect(405);
        expect(answer.body, JSON.stringify(body)).to.deep.equal(failure(message));
      }
      const path = async (path: string) =>
        (await kit.post(`/v1/sharedrecord/${path}`).expect(405)).body as object;
      expect(await path(`planted/${ada}`)).to.deep.equal(failure("bad mode"));
      expect(await path("token/planted")).to.deep.equal(failure("bad uuid"));
      expect(await path(`token/${UNKNOWN}`)).to.deep.equal(failure("not found"));
      expect(await path("email/nobody@example.org")).to.deep.equal(failure("not found"));
    });

    it("is for root, backends and the data subject's own record", async () => {
      const bo = await kit.createUser({ email: "bo@example.org" });
      kit.logInAs(ada);
      await kit.share(`/v1/sharedrecord/token/${ada}`, {}, "app");
      await kit.share(`/v1/sharedrecord/token/${ada}`, {}, "login");
      // What is somebody else's and what is nobody's look alike.
      for (const token of [bo, UNKNOWN])
        await kit.post(`/v1/sharedrecord/token/${token}`, {}, "login").expect(403, "Access denied");
      for (const role of ["dpo", "support", "auditor"] as const)
        await kit.post(`/v1/sharedrecord/token/${ada}`, {}, role).expect(403, "Access denied");
    });

    it("lets a data subject share own sessions, and nobody else's", async () => {
      kit.logInAs(ada);
      const own = await kit.storeSession({ login: "ada", cart: "mine" });
      await kit.createUser({ login: "bo" });
      const foreign = await kit.storeSession({ login: "bo", cart: "theirs" });
      const anonymous = await kit.storeSession({ cart: "nobody's" });
      const share = (session: string) =>
        kit.post(`/v1/sharedrecord/token/${ada}`, { session }, "login");
      await share(own).expect(200);
      for (const session of [foreign, anonymous, UNKNOWN])
        await share(session).expect(403, "Access denied");
    });
  });

  describe("POST /v1/sharedrecord/session/:session", () => {
    it("shares an anonymous session, as far as its creator sees it", async () => {
      const { uuid, address } = await kit.opened.visit(VISIT);
      const asRoot = await kit.share(`/v1/sharedrecord/session/${address}`);
      const full = await kit.get(`/v1/get/${asRoot}`).expect(200);
      expect(full.body).to.deep.include({ status: "ok", session: uuid });
      expect(full.body.data).to.deep.equal({
        clientip: VISIT.address,
        "user-agent": VISIT.userAgent,
        cookie: VISIT.cookieHeader,
        host: VISIT.host,
      });
      const asked = { reason: "ticket 4711", fields: "clientip,cookie,user-agent" };
      const asSupport = await kit.share(`/v1/sharedrecord/session/${uuid}`, asked, "support");
      const graded = await kit.get(`/v1/get/${asSupport}`).expect(200);
      expect(graded.body.data).to.deep.equal({
        clientip: "198.51.100.0/24",
        cookie: null,
        "user-agent": "Firefox 133 (Linux)",
      });
    });

    it("asks support for a reason, and is closed to the other roles", async () => {
      const { uuid } = await kit.opened.visit(VISIT);
      const path = `/v1/sharedrecord/session/${uuid}`;
      const answer = await kit.post(path, {}, "support").expect(405);
      expect(answer.body).to.deep.equal(failure("reason is required"));
      await kit.post(path, {}, "support").set("x-lookup-reason", "ticket 4712").expect(200);
      await kit.post(path, {}, "dpo").expect(200);
      const [, event] = await events(uuid);
      expect(event).to.deep.include({ reason: "ticket 4712", status: "ok" });
      for (const role of ["auditor", "app", "login"] as const)
        await kit.post(path, {}, role).expect(403, "Access denied");
    });

    it("says not found for an unknown session, and bad uuid for what is none", async () => {
      const unknown = await kit.post(`/v1/sharedrecord/session/${UNKNOWN}`).expect(405);
      expect(unknown.body).to.deep.equal(failure("not found"));
      const none = await kit.post("/v1/sharedrecord/session/planted").expect(405);
      expect(none.body).to.deep.equal(failure("bad uuid"));
    });
  });

  describe("GET /v1/get/:record", () => {
    it("is open to the bearer, and denies what is unknown, expired, used up or revoked alike", async () => {
      await isDenied(`/v1/get/${UNKNOWN}`);
      const path = `/v1/sharedrecord/token/${ada}`;
      const expiring = await kit.share(path, { expiration: "45s" });
      const once = await kit.share(path, { maxUses: "1" });
      const revoked = await kit.share(path);
      await kit.remove(`/v1/sharedrecord/${revoked}`).expect(200, { status: "ok" });
      await kit.get(`/v1/get/${once}`).expect(200);
      kit.opened.clock.advance(44_999);
      await kit.get(`/v1/get/${expiring}`).expect(200);
      kit.opened.clock.advance(1);
      for (const record of [expiring, once, revoked]) await isDenied(`/v1/get/${record}`);
    });

    it("says bad uuid for what is none", async () => {
      const answer = await kit.get("/v1/get/planted").expect(405);
      expect(answer.body).to.deep.equal(failure("bad uuid"));
    });

    it("lives 31 days at most, whatever was asked for", async () => {
      const path = `/v1/sharedrecord/token/${ada}`;
      const asked = [undefined, "90d", 3_000_000_000, "1w", "0d"];
      const records = await Promise.all(asked.map((expiration) => kit.share(path, { expiration })));
      kit.opened.clock.advance(31 * DAY_MS - 1);
      for (const record of records) await kit.get(`/v1/get/${record}`).expect(200);
      kit.opened.clock.advance(1);
      for (const record of records) await isDenied(`/v1/get/${record}`);
    });

    it("gives a record for one use to one of many who ask at once", async () => {
      const record = await kit.share(`/v1/sharedrecord/token/${ada}`, { maxUses: 1 });
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => kit.get(`/v1/get/${record}`)),
      );
      expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
      expect(answers.filter(({ status }) => status === 403)).to.have.length(19);
    });

    it("counts uses down to the last", async () => {
      const record = await kit.share(`/v1/sharedrecord/token/${ada}`, { maxUses: 3 });
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => kit.get(`/v1/get/${record}`)),
      );
      expect(answers.filter(({ status }) => status === 200)).to.have.length(3);
    });

    it("says not found when the session or the app behind it is gone, and does not count that use", async () => {
      const session = await kit.storeSession({ cart: "two" });
      const record = await kit.share(`/v1/sharedrecord/session/${session}`, { maxUses: 1 });
      await kit.opened.vault.removeSession({ name: "root", role: "root" }, session);
      const answers = [await kit.get(`/v1/get/${record}`), await kit.get(`/v1/get/${record}`)];
      for (const { status, body } of answers) {
        expect(status).to.equal(405);
        expect(body).to.deep.equal(failure("not found"));
      }
    });
  });

  describe("GET /v1/sharedrecords, DELETE /v1/sharedrecord/:record", () => {
    it("lists what is shared now, newest first, and never how to open it", async () => {
      const path = `/v1/sharedrecord/token/${ada}`;
      const body = { fields: "name, login", reason: "ticket 1", partner: "acme", maxUses: 3 };
      const first = await kit.share(path, body);
      kit.opened.clock.advance(1000);
      const second = await kit.share(path, { app: "shipping", expiration: "1h" }, "app");
      await kit.get(`/v1/get/${first}`).expect(200);
      const answer = await kit.get("/v1/sharedrecords", "dpo").expect(200);
      expect(answer.text).not.to.include(first).and.not.to.include(second);
      const now = kit.opened.clock.now() / 1000;
      const [newest, oldest] = answer.body.rows;
      expect(answer.body.total).to.equal(2);
      expect(newest).to.deep.include({ kind: "app", app: "shipping", creator: "app-caller" });
      expect(newest).to.deep.include({ endtime: now + 3600, creationtime: now });
      expect(oldest).to.deep.equal({
        id: oldest.id,
        kind: "profile",
        token: ada,
        fields: "name,login",
        creator: "root-caller",
        role: "root",
        reason: "ticket 1",
        partner: "acme",
        creationtime: now - 1,
        endtime: now - 1 + (31 * DAY_MS) / 1000,
        usesleft: 2,
      });
      const page = await kit.get("/v1/sharedrecords?offset=1&limit=1", "root").expect(200);
      expect(page.body).to.deep.equal({ status: "ok", total: 2, rows: [oldest] });
      for (const { id } of answer.body.rows) await isDenied(`/v1/get/${id}`);
      kit.opened.clock.advance(3_600_000);
      expect((await kit.get("/v1/sharedrecords", "root")).body.total).to.equal(1);
    });

    it("takes back by bearer token and by id, once", async () => {
      const path = `/v1/sharedrecord/token/${ada}`;
      const [first, second] = [await kit.share(path), await kit.share(path)];
      await kit.remove(`/v1/sharedrecord/${first.toUpperCase()}`, "dpo").expect(200);
      const listed = await kit.get("/v1/sharedrecords", "root");
      const [{ id }] = listed.body.rows;
      await kit.remove(`/v1/sharedrecord/${id}`).expect(200);
      await isDenied(`/v1/get/${second}`);
      const again = await kit.remove(`/v1/sharedrecord/${id}`).expect(405);
      expect(again.body).to.deep.equal(failure("not found"));
      const none = await kit.remove("/v1/sharedrecord/planted").expect(405);
      expect(none.body).to.deep.equal(failure("bad uuid"));
    });

    it("is for root and the data-protection officer", async () => {
      kit.logInAs(ada);
      const record = await kit.share(`/v1/sharedrecord/token/${ada}`);
      for (const role of ["support", "auditor", "app", "login"] as const) {
        await kit.get("/v1/sharedrecords", role).expect(403, "Access denied");
        for (const name of [record, UNKNOWN])
          await kit.remove(`/v1/sharedrecord/${name}`, role).expect(403, "Access denied");
      }
      await kit.get(`/v1/get/${record}`).expect(200);
    });
  });

  it("writes one event an operation, with a fingerprint and never the bearer token", async () => {
    const record = await kit.share("/v1/sharedrecord/email/ada@example.org", { maxUses: 2 });
    await kit.get(`/v1/get/${record}`).expect(200);
    await kit.get(`/v1/get/${record}`).expect(200);
    await isDenied(`/v1/get/${record}`);
    await kit.get("/v1/get/planted").expect(405);
    const own = (await events(ada)).toReversed();
    expect(own.map(({ title, status }) => [title, status])).to.deep.equal([
      ["create shareable record by email", "ok"],
      ["get shareable record by token", "ok"],
      ["get shareable record by token", "ok"],
    ]);
    // Creation and uses can be put together by the fingerprint.
    expect(new Set(own.map(({ message }) => message)).size).to.equal(1);
    const key = await kit.opened.directory.keyOf(ada);
    expect(key && own[0] && openPersonal(own[0], key).who).to.equal("ada@example.org");
    const all = await events();
    expect(all.map(({ status, message }) => [status, message]).slice(0, 2)).to.deep.equal([
      ["error", "uuid-invalid"],
      ["denied", "access-denied"],
    ]);
    const opened = own.map((event) => JSON.stringify([event, key && openPersonal(event, key)]));
    expect(opened.join() + JSON.stringify(all)).not.to.include(record);
  });

  it("keeps the bearer token nowhere: not in the store, the keyring or the event log", async () => {
    const records = [
      await kit.share(`/v1/sharedrecord/token/${ada}`, { maxUses: 2, reason: "planted-reason" }),
      await kit.share(`/v1/sharedrecord/token/${ada}`, {}, "app"),
    ];
    for (const record of records) await kit.get(`/v1/get/${record}`).expect(200);
    const files = filesOf(kit.opened.folder.path).map((file) => readFileSync(file));
    expect(files.length).to.be.greaterThan(3);
    for (const bytes of files) {
      for (const record of records) {
        expect(bytes.includes(record)).to.equal(false);
        expect(bytes.includes(Buffer.from(record.replaceAll("-", ""), "hex"))).to.equal(false);
      }
    }
  });

  it("changes nothing and shows nothing when the event cannot be stored", async () => {
    const record = await kit.share(`/v1/sharedrecord/token/${ada}`, { maxUses: 1 });
    await kit.opened.store.close();
    const answer = await kit.get(`/v1/get/${record}`).expect(503);
    expect(answer.text).not.to.include("Ada");
  });

  it("destroys the key of what was used up or taken back, also when the disk was full just then", async () => {
    const used = await kit.share(`/v1/sharedrecord/token/${ada}`, { maxUses: 1 });
    const revoked = await kit.share(`/v1/sharedrecord/token/${ada}`);
    const { documents, keyring, doomedKeys } = kit.opened;
    const ids = (await documents.list("shared")).map(({ key }) => key);
    const keys = () => Promise.all(ids.map((id) => keyring.subjects.find(keyNameOf(id))));
    const destroy = () => Promise.reject(new LogveilError("store-unavailable"));
    Object.defineProperty(keyring.subjects, "destroy", { value: destroy, configurable: true });
    await kit.get(`/v1/get/${used}`);
    await kit.remove(`/v1/sharedrecord/${revoked}`);
    Reflect.deleteProperty(keyring.subjects, "destroy");
    expect(await documents.list("shared")).to.have.length(0);
    expect(await keys()).not.to.include(undefined);
    expect(await doomedKeys.sweep()).to.equal(2);
    expect(await keys()).to.deep.equal([undefined, undefined]);
  });

  it("purges what has expired, with its indexes", async () => {
    await kit.share(`/v1/sharedrecord/token/${ada}`, { expiration: "1h" });
    const living = await kit.share(`/v1/sharedrecord/token/${ada}`, { expiration: "2h" });
    kit.opened.clock.advance(3_600_000);
    expect(await kit.records.sweep(kit.opened.clock.now())).to.equal(1);
    expect(await kit.records.sweep(kit.opened.clock.now())).to.equal(0);
    const { documents } = kit.opened;
    expect(await documents.list("shared")).to.have.length(1);
    expect(await documents.list("sharedIndex")).to.have.length(3);
    await kit.get(`/v1/get/${living}`).expect(200);
    kit.opened.clock.advance(3_600_000);
    await kit.records.sweep(kit.opened.clock.now());
    expect(await documents.list("sharedIndex")).to.have.length(0);
  });

  it("shares nothing of a restricted person, also not what was shared before", async () => {
    const before = await kit.share(`/v1/sharedrecord/token/${ada}`);
    await kit.post(`/v1/restrict/token/${ada}`).expect(200);
    const answer = await kit.post(`/v1/sharedrecord/token/${ada}`).expect(405);
    expect(answer.body).to.deep.equal(failure("record is restricted"));
    await isDenied(`/v1/get/${before}`);
    await kit.remove(`/v1/restrict/token/${ada}`).expect(200);
    await kit.get(`/v1/get/${before}`).expect(200);
  });
});

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
