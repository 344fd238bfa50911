import { expect } from "chai";
import request from "supertest";
import { readdirSync, readFileSync } from "node:fs";
import { MAX_ANONYMOUS_MS } from "../../src/vault/consent/consent.ts";
import { openConsent } from "../kit/opened-consent.ts";
import type { OpenedConsent } from "../kit/opened-consent.ts";

const EMAIL = "ada@example.org";
const PHONE = "+447911123456";
const WRONG = "00000000-0000-4000-8000-000000000000";
const OPEN = { usercontrol: true, basistype: "consent" };
const CLOSED = { usercontrol: false, basistype: "contract" };

describe("agreement routes", () => {
  let consent: OpenedConsent;
  let ada: string;
  beforeEach(async () => {
    consent = await openConsent();
    await consent.call("post", "/v1/lbasis/newsletter").send(OPEN).expect(200);
    await consent.call("post", "/v1/lbasis/terms").send(CLOSED).expect(200);
    ada = await consent.create({ email: EMAIL, phone: PHONE, login: "ada", custom: "c-1" });
  });
  afterEach(() => consent.close());

  const failure = (message: string) => ({ status: "error", message });
  const ok = { status: "ok" };
  const accept = (path: string, body: object = {}, by?: string) =>
    consent.call("post", `/v1/agreement/${path}`, by).send(body);
  const get = (path: string, by?: string) => consent.call("get", `/v1/agreement/${path}`, by);
  const withdraw = (path: string, by?: string) =>
    consent.call("delete", `/v1/agreement/${path}`, by);
  const dataOf = async (path: string) => (await get(path).expect(200)).body.data;
  const seconds = () => consent.opened.clock.now() / 1000;

  describe("with an access token", () => {
    it("accepts, reads, withdraws, by every mode", async () => {
      const modes = [`token/${ada}`, `email/${EMAIL}`, `phone/${PHONE}`, "login/ada", "custom/c-1"];
      for (const mode of modes) {
        await accept(`newsletter/${mode}`).expect(200, ok);
        expect(await dataOf(`newsletter/${mode}`)).to.include({ status: "yes", token: ada });
        await withdraw(`newsletter/${mode}`).expect(200, ok);
        expect(await dataOf(`newsletter/${mode}`)).to.include({ status: "no", token: ada });
      }
    });

    it("does the same under the paths of the published API page", async () => {
      const path = `/v1/consent/email/${EMAIL}`;
      await consent.call("post", `${path}/newsletter`).expect(200, ok);
      const { body } = await consent.call("get", `${path}/newsletter`).expect(200);
      expect(body.data).to.deep.equal(await dataOf(`newsletter/token/${ada}`));
      const listed = await consent.call("get", path).expect(200);
      expect(listed.body).to.deep.equal({ ...ok, total: 1, rows: [body.data] });
      await consent.call("delete", `${path}/newsletter`, "").expect(403, "Access denied");
      await consent.call("delete", `${path}/newsletter`).expect(200, ok);
      expect((await dataOf(`newsletter/token/${ada}`)).status).to.equal("no");
    });

    it("answers all that was said", async () => {
      const creationtime = seconds();
      const body = {
        expiration: "30d",
        starttime: creationtime - 60,
        referencecode: "4711",
        lastmodifiedby: "desk",
        agreementmethod: "paper",
        status: "Agree",
      };
      await accept(`newsletter/email/${EMAIL.toUpperCase()}`, body).expect(200, ok);
      consent.opened.clock.advance(5000);
      expect(await dataOf(`NEWSLETTER/token/${ada}`)).to.deep.equal({
        agreementmethod: "paper",
        brief: "newsletter",
        creationtime,
        endtime: creationtime + 30 * 86_400,
        lastmodifiedby: "desk",
        mode: "email",
        referencecode: 4711,
        starttime: creationtime - 60,
        status: "yes",
        token: ada,
        when: creationtime,
        who: EMAIL,
      });
      await accept(`newsletter/token/${ada}`, { status: "whatever" }).expect(200, ok);
      const changed = await dataOf(`newsletter/token/${ada}`);
      expect(changed).to.include({ status: "no", creationtime, when: seconds() });
      expect(changed).not.to.have.property("referencecode");
    });

    it("ends with its expiration", async () => {
      await accept(`newsletter/token/${ada}`, { expiration: "1h" }).expect(200);
      consent.opened.clock.advance(3_600_000 - 1);
      expect((await dataOf(`newsletter/token/${ada}`)).status).to.equal("yes");
      consent.opened.clock.advance(1);
      expect((await dataOf(`newsletter/token/${ada}`)).status).to.equal("expired");
      await accept(`newsletter/token/${ada}`, { expiration: "1w" }).expect(
        405,
        failure("bad expiration"),
      );
    });

    it("lists what somebody has agreed to", async () => {
      const list = (id = `token/${ada}`, by?: string) =>
        consent.call("get", `/v1/agreements/${id}`, by);
      await list().expect(200, { status: "ok", total: 0, rows: [] });
      await accept(`newsletter/token/${ada}`).expect(200);
      await accept(`terms/token/${ada}`).expect(200);
      const { body } = await list(`email/${EMAIL}`).expect(200);
      const briefs = body.rows.map(({ brief }: { brief: string }) => brief);
      expect([body.total, ...briefs]).to.deep.equal([2, "newsletter", "terms"]);
      await list("email/nobody@example.org").expect(405, failure("not found"));
    });

    it("says what is wrong, as Databunker does", async () => {
      await accept(`a/token/${ada}`).expect(405, failure("incorrect brief format"));
      await get(`a/token/${ada}`).expect(405, failure("bad brief format"));
      await withdraw(`a/token/${ada}`).expect(405, failure("bad brief format"));
      await accept(`never-was/token/${ada}`).expect(404, failure("not found"));
      await get(`never-was/token/${ada}`).expect(404, failure("not found"));
      await withdraw(`never-was/token/${ada}`).expect(405, failure("not  found"));
      await accept(`newsletter/fax/${ada}`).expect(405, failure("bad mode"));
      await accept("newsletter/token/5").expect(405, failure("bad uuid"));
      await accept(`newsletter/token/${WRONG}`).expect(405, failure("not found"));
      await accept("newsletter/login/nobody").expect(405, failure("not found"));
      await get(`newsletter/token/${ada}`).expect(405, failure("not found"));
      await withdraw(`newsletter/token/${ada}`).expect(200, ok);
      await get(`newsletter/token/${ada}`).expect(405, failure("not found"));
    });

    it("revokes all agreements on a basis at once, whoever has agreed", async () => {
      const bob = await consent.create({ email: "bob@example.org" });
      await accept(`newsletter/token/${ada}`).expect(200);
      await accept(`newsletter/token/${bob}`, { status: "no" }).expect(200);
      await accept(`terms/token/${ada}`).expect(200);
      consent.opened.clock.advance(5000);
      await consent.call("delete", "/v1/agreement/newsletter").expect(200, ok);
      for (const token of [ada, bob])
        expect(await dataOf(`newsletter/token/${token}`)).to.include({
          status: "revoked",
          who: "admin",
          when: seconds(),
        });
      expect((await dataOf(`terms/token/${ada}`)).status).to.equal("yes");
      await accept(`newsletter/token/${ada}`).expect(200);
      expect((await dataOf(`newsletter/token/${ada}`)).status).to.equal("yes");
      await consent.call("delete", "/v1/agreement/never-was").expect(404, failure("not found"));
    });

    it("tells the world outside when a consent changes, and only then", async () => {
      await accept(`newsletter/token/${ada}`).expect(200);
      await accept(`newsletter/token/${ada}`).expect(200);
      await withdraw(`newsletter/token/${ada}`).expect(200);
      const changes = consent.told.filter(({ action }) => action === "consentchange");
      expect(changes.map(({ identity, details }) => [identity, details])).to.deep.equal([
        [ada, { brief: "newsletter", status: "yes" }],
        [ada, { brief: "newsletter", status: "no" }],
      ]);
    });
  });

  describe("of a data subject", () => {
    it("concern the own user record, and look alike for everybody else's and nobody's", async () => {
      const bob = await consent.create({ email: "bob@example.org" });
      const login = await consent.logIn(ada);
      await accept(`newsletter/email/${EMAIL}`, {}, login).expect(200, ok);
      await get(`newsletter/token/${ada}`, login).expect(200);
      await consent.call("get", `/v1/agreements/token/${ada}`, login).expect(200);
      for (const id of [
        `token/${bob}`,
        `token/${WRONG}`,
        "email/bob@example.org",
        "email/no@b.org",
      ]) {
        await accept(`newsletter/${id}`, {}, login).expect(403, "Access denied");
        await get(`newsletter/${id}`, login).expect(403, "Access denied");
        await withdraw(`newsletter/${id}`, login).expect(403, "Access denied");
        await consent.call("get", `/v1/agreements/${id}`, login).expect(403, "Access denied");
      }
      await get("newsletter/email/no@b.org").expect(405);
    });

    it("are withdrawn at once under user control, and otherwise on approval", async () => {
      const login = await consent.logIn(ada);
      for (const brief of ["newsletter", "terms"])
        await accept(`${brief}/token/${ada}`, {}, login).expect(200);
      await withdraw(`newsletter/token/${ada}`, login).expect(200, ok);
      const { body } = await withdraw(`terms/token/${ada}`, login).expect(200);
      expect(body).to.deep.equal({ ...ok, result: "request-created", rtoken: body.rtoken });
      const again = { ...body, result: "request-exists" };
      await withdraw(`terms/token/${ada}`, login).expect(200, again);
      expect((await dataOf(`terms/token/${ada}`)).status).to.equal("yes");
      const shown = await consent.call("get", `/v1/request/${body.rtoken}`, login).expect(200);
      expect(shown.body.original).to.include({ brief: "terms", status: "yes" });
      await consent.call("post", `/v1/request/${body.rtoken}`).expect(200);
      expect(await dataOf(`terms/token/${ada}`)).to.include({
        status: "no",
        lastmodifiedby: "admin",
      });
    });
  });

  describe("without an access token", () => {
    const bare = (path: string, body: object = {}) => accept(path, body, "");

    it("can be a yes to what data subjects decide about, and nothing else", async () => {
      await bare("newsletter/email/new@example.org").expect(200, ok);
      await bare(`newsletter/phone/${PHONE}9`).expect(200, ok);
      const denied = [
        bare("newsletter/email/new@example.org", { status: "no" }),
        bare("terms/email/new@example.org"),
        bare("never-was/email/new@example.org"),
        bare(`newsletter/token/${ada}`),
        bare("newsletter/login/ada"),
        get("newsletter/email/new@example.org", ""),
        consent.call("get", "/v1/agreements/email/new@example.org", ""),
      ];
      for (const answer of denied) await answer.expect(403, "Access denied");
    });

    it("never withdraw: weakness of section 6", async () => {
      await accept(`newsletter/token/${ada}`).expect(200);
      for (const by of ["", WRONG, "DEMO"]) {
        await withdraw(`newsletter/email/${EMAIL}`, by).expect(403, "Access denied");
        await withdraw(`newsletter/token/${ada}`, by).expect(403, "Access denied");
        await withdraw("newsletter/email/nobody@example.org", by).expect(403, "Access denied");
      }
      expect((await dataOf(`newsletter/token/${ada}`)).status).to.equal("yes");
    });

    it("with a wrong one are always refused, whether or not somebody is known", async () => {
      for (const email of [EMAIL, "nobody@example.org"]) {
        await accept(`newsletter/email/${email}`, {}, WRONG).expect(403, "Access denied");
        const path = `/v1/agreement/newsletter/email/${email}`;
        for (const authorization of ["Bearer x", `Bearer ${WRONG}`, "Basic YTpi"])
          await request(consent.app).post(path).set({ authorization }).expect(403);
        await request(consent.app).post(path).set({ "x-bunker-token": "" }).expect(403);
      }
    });

    it("forge nothing for somebody who is known, and do not tell that they are", async () => {
      const known = await bare(`newsletter/email/${EMAIL}`).expect(200);
      const unknown = await bare("newsletter/email/nobody@example.org").expect(200);
      const { date: _, ...headers } = known.headers;
      expect(unknown.headers).to.include(headers);
      expect(known.text).to.equal(unknown.text);
      await get(`newsletter/email/${EMAIL}`).expect(405, failure("not found"));
      await withdraw(`newsletter/token/${ada}`).expect(200);
      await accept(`newsletter/token/${ada}`, { status: "no" }).expect(200);
      await bare(`newsletter/email/${EMAIL}`).expect(200);
      expect((await dataOf(`newsletter/token/${ada}`)).status).to.equal("no");
      // What was said for somebody who was known is not kept for the next one with that address.
      await consent.call("delete", `/v1/user/token/${ada}`).expect(200);
      const next = await consent.create({ email: EMAIL });
      await get(`newsletter/token/${next}`).expect(405, failure("not found"));
    });

    it("become those of the user record that comes to have the address", async () => {
      await bare("newsletter/email/Bob@Example.org", { lastmodifiedby: "root" }).expect(200);
      const { token, lastmodifiedby, who } = await dataOf("newsletter/email/bob@example.org");
      expect([token, lastmodifiedby, who]).to.deep.equal(["", "", "bob@example.org"]);
      const listed = consent.call("get", "/v1/agreements/email/bob@example.org");
      await listed.expect(405, failure("not found"));
      const bob = await consent.create({ email: "bob@example.org" });
      expect(await dataOf(`newsletter/token/${bob}`)).to.include({ token: bob, status: "yes" });
      await bare("newsletter/phone/07911123499").expect(200);
      const patch = { phone: "+44 7911 123499" };
      const carol = await consent.create({ login: "carol" });
      await consent.call("put", `/v1/user/token/${carol}`).send(patch).expect(200);
      expect((await dataOf(`newsletter/token/${carol}`)).status).to.equal("yes");
    });

    it("do not overrule what the user record says", async () => {
      await bare("newsletter/email/carol@example.org").expect(200);
      const carol = await consent.create({ login: "carol" });
      await accept(`newsletter/token/${carol}`, { status: "no" }).expect(200);
      const patch = { email: "carol@example.org" };
      await consent.call("put", `/v1/user/token/${carol}`).send(patch).expect(200);
      expect((await dataOf(`newsletter/token/${carol}`)).status).to.equal("no");
      const rows = await consent.opened.documents.list("agreement");
      expect(rows.map(({ key }) => key).filter((key) => key.includes("/a/"))).to.deep.equal([]);
    });

    it("expire with their key when nobody comes", async () => {
      await bare("newsletter/email/nobody@example.org").expect(200);
      const { clock, documents, keyring } = consent.opened;
      clock.advance(MAX_ANONYMOUS_MS / 2);
      await bare("newsletter/email/nobody@example.org").expect(200);
      clock.advance(MAX_ANONYMOUS_MS / 2);
      await consent.consent.sweep(clock.now());
      await get("newsletter/email/nobody@example.org").expect(200);
      clock.advance(MAX_ANONYMOUS_MS / 2);
      await get("newsletter/email/nobody@example.org").expect(405);
      await keyring.subjects.sweep(clock.now());
      await consent.consent.sweep(clock.now());
      expect(await documents.list("agreement")).to.deep.equal([]);
      expect(await documents.list("timer")).to.deep.equal([]);
    });

    it("are bounded", async () => {
      const id = (place: number) => `nobody${String(place % 3)}@example.org`;
      const path = `newsletter/email/${id(0)}`;
      const many = Array.from({ length: 3600 }, (_, place) => place);
      for (const place of many)
        await consent.consent.agreements.accept({
          caller: undefined,
          brief: "newsletter",
          mode: "email",
          id: id(place),
          isBare: true,
          fields: () => Promise.resolve(undefined),
        });
      await bare(path).expect(429, failure("too many requests"));
      await accept(path).expect(200);
      consent.opened.clock.advance(3_600_000);
      await bare(path).expect(200);
    });
  });

  it("are sealed, and go with the data subject", async () => {
    const body = { referencecode: "planted-4711", lastmodifiedby: "planted-desk" };
    await accept(`newsletter/token/${ada}`, body).expect(200);
    await accept("newsletter/email/planted@example.org", body).expect(200);
    const stored = (await consent.opened.documents.list("agreement")).map(({ value }) =>
      Buffer.from(value).toString("latin1"),
    );
    expect(stored).to.have.length(2);
    expect(stored.join()).not.to.include("planted");
    await consent.call("delete", `/v1/user/token/${ada}`).expect(200);
    const left = (await consent.opened.documents.list("agreement")).map(({ key }) => key);
    expect(left.filter((key) => key.includes(ada))).to.deep.equal([]);
    await get(`newsletter/token/${ada}`).expect(405, failure("not found"));
    const files = readdirSync(consent.opened.folder.path, { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile()))
      expect(readFileSync(`${file.parentPath}/${file.name}`, "latin1")).not.to.include("planted-");
  });

  it("moved to another person's place does not open", async () => {
    const bob = await consent.create({ email: "bob@example.org" });
    for (const token of [ada, bob]) await accept(`newsletter/token/${token}`).expect(200);
    const { documents } = consent.opened;
    const [first, second] = await documents.list("agreement");
    if (first === undefined || second === undefined) throw new Error("two were stored");
    await documents.commit([{ table: "agreement", key: first.key, value: second.value }]);
    const answers = await Promise.all([ada, bob].map((token) => get(`newsletter/token/${token}`)));
    expect(answers.map(({ status }) => status)).to.have.members([200, 500]);
  });

  it("write one event for each request, about the data subject, without the address", async () => {
    const before = (await consent.events()).length;
    await accept(`newsletter/email/${EMAIL}`).expect(200);
    await accept("newsletter/email/new@example.org", {}, "").expect(200);
    await accept(`newsletter/email/${EMAIL}`, {}, WRONG).expect(403);
    await accept("newsletter/ada@example.org/x").expect(405);
    await get(`newsletter/email/${EMAIL}`).expect(200);
    await withdraw(`newsletter/email/${EMAIL}`).expect(200);
    await consent.call("get", `/v1/agreements/email/${EMAIL}`).expect(200);
    const events = (await consent.events()).slice(0, -before).toReversed();
    expect(events.map(({ title, status, subject }) => [title, status, subject])).to.deep.equal([
      ["accept agreement for newsletter", "ok", ada],
      ["accept agreement for newsletter", "ok", undefined],
      ["accept agreement for newsletter", "denied", undefined],
      ["accept agreement for newsletter", "error", undefined],
      ["get agreement for newsletter", "ok", ada],
      ["withdraw agreement for newsletter", "ok", ada],
      ["get agreements for email", "ok", ada],
    ]);
    const trail = await consent.opened.documents.list("audit");
    const bytes = trail.map(({ value }) => Buffer.from(value).toString("utf8")).join();
    expect(bytes).not.to.include("@example.org");
  });
});
