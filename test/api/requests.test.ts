import { expect } from "chai";
import { restrictionChange } from "../../src/vault/rights/restriction.ts";
import { openConsent } from "../kit/opened-consent.ts";
import type { OpenedConsent } from "../kit/opened-consent.ts";

const UNKNOWN = "00000000-0000-4000-8000-000000000000";

describe("user request routes", () => {
  let consent: OpenedConsent;
  let ada: string;
  let login: string;
  beforeEach(async () => {
    consent = await openConsent();
    ada = await consent.create({ email: "ada@example.org", name: "Ada" });
    login = await consent.logIn(ada);
  });
  afterEach(() => consent.close());

  const call = (...given: Parameters<OpenedConsent["call"]>) => consent.call(...given);
  const failure = (message: string) => ({ status: "error", message });
  const done = { status: "ok", result: "done" };
  const change = async (patch: object, by = login) =>
    (await call("put", `/v1/user/token/${ada}`, by).send(patch).expect(200)).body;
  const forget = async () =>
    (await call("delete", `/v1/user/token/${ada}`, login).expect(200)).body;
  const changeApp = async (patch: object) => {
    const put = call("put", `/v1/userapp/token/${ada}/shipping`, login).send(patch);
    return (await put.expect(200)).body;
  };
  const profile = async () => (await call("get", `/v1/user/token/${ada}`).expect(200)).body.data;
  const list = async (query = "") => (await call("get", `/v1/requests${query}`).expect(200)).body;
  const ownList = (by?: string) => call("get", `/v1/requests/token/${ada}`, by);

  it("opens one request of a kind at a time", async () => {
    const first = await change({ name: "Lady Ada" });
    expect(first).to.deep.equal({
      status: "ok",
      result: "request-created",
      rtoken: first.rtoken,
    });
    expect(await change({ name: "Countess" })).to.deep.equal({
      ...first,
      result: "request-exists",
    });
    const other = await forget();
    expect(other.result).to.equal("request-created");
    expect(other.rtoken).not.to.equal(first.rtoken);
    expect(await profile()).to.deep.include({ name: "Ada" });
    await call("delete", `/v1/request/${first.rtoken}`).expect(200, done);
    expect((await change({ name: "Countess" })).result).to.equal("request-created");
  });

  it("opens one of a kind, however many ask at once", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => forget()));
    const rtokens = new Set(answers.map(({ rtoken }) => rtoken));
    expect(rtokens.size).to.equal(1);
    const created = answers.filter(({ result }) => result === "request-created");
    expect(created).to.have.length(1);
    expect((await list()).total).to.equal(1);
  });

  it("changes the profile when it is approved, with a single answer", async () => {
    const { rtoken } = await change({ name: "Lady Ada" });
    const shown = await call("get", `/v1/request/${rtoken}`).expect(200);
    expect(shown.body).to.deep.equal({
      status: "ok",
      original: { email: "ada@example.org", name: "Ada" },
      change: { name: "Lady Ada" },
    });
    const approval = await call("post", `/v1/request/${rtoken}`).send({ reason: "checked" });
    expect([approval.status, approval.text]).to.deep.equal([200, JSON.stringify(done)]);
    expect((await profile()).name).to.equal("Lady Ada");
    const again = failure("wrong status: approved");
    await call("post", `/v1/request/${rtoken}`).expect(405, again);
    await call("delete", `/v1/request/${rtoken}`).expect(405, again);
    const { rows } = await list("?status=approved");
    expect(rows[0]).to.include({ status: "approved", reason: "checked", more: true });
    const shownAgain = await call("get", `/v1/request/${rtoken}`).expect(200);
    expect(shownAgain.body).to.deep.equal(shown.body);
  });

  it("applies a JSON Patch as well", async () => {
    const { rtoken } = await change([{ op: "replace", path: "/name", value: "A." }]);
    await call("post", `/v1/request/${rtoken}`).expect(200, done);
    expect((await profile()).name).to.equal("A.");
  });

  it("stays open when the change is not possible any more", async () => {
    const { rtoken } = await change({ email: "bob@example.org" });
    const bob = await consent.create({ email: "bob@example.org" });
    await call("post", `/v1/request/${rtoken}`).expect(405, failure("record not found"));
    expect((await profile()).email).to.equal("ada@example.org");
    expect((await list()).rows[0]).to.include({ rtoken, status: "open" });
    await call("delete", `/v1/user/token/${bob}`).expect(200);
    await call("post", `/v1/request/${rtoken}`).expect(200, done);
    expect((await profile()).email).to.equal("bob@example.org");
  });

  it("changes an app's data when it is approved", async () => {
    const app = `/v1/userapp/token/${ada}/shipping`;
    await call("post", app).send({ city: "London" }).expect(200);
    const { rtoken } = await changeApp({ city: "Paris" });
    const shown = await call("get", `/v1/request/${rtoken}`).expect(200);
    expect(shown.body).to.deep.equal({
      status: "ok",
      app: "shipping",
      original: { city: "London" },
      change: { city: "Paris" },
    });
    await call("post", `/v1/request/${rtoken}`).expect(200, done);
    expect((await call("get", app)).body.data).to.deep.equal({ city: "Paris" });
  });

  it("erases the data subject when it is approved, and stays on record without contents", async () => {
    await change({ name: "planted-name" });
    const { rtoken } = await forget();
    await call("post", `/v1/request/${rtoken}`)
      .send({ reason: "planted-reason" })
      .expect(200, done);
    expect(await profile()).to.deep.equal({});
    expect(await consent.opened.directory.keyOf(ada)).to.equal(undefined);
    expect((await list()).total).to.equal(0);
    const { rows } = await list("?status=approved");
    const when = consent.opened.clock.now() / 1000;
    expect(rows).to.deep.equal([
      {
        rtoken,
        action: "forget-me",
        token: ada,
        status: "approved",
        creationtime: when,
        when,
        more: false,
      },
    ]);
    await call("get", `/v1/request/${rtoken}`).expect(200, { status: "ok", original: {} });
    const stored = await consent.opened.documents.list("request");
    const bytes = stored.map(({ value }) => Buffer.from(value).toString("latin1")).join();
    expect(bytes).not.to.include("sealed");
  });

  it("of two who approve at once one wins, and the change is made once", async () => {
    const { rtoken } = await change([{ op: "add", path: "/visits", value: 1 }]);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => call("post", `/v1/request/${rtoken}`)),
    );
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    for (const { status, body } of answers.filter((answer) => answer.status !== 200))
      expect([status, body]).to.deep.equal([405, failure("wrong status: approved")]);
    const changed = consent.told.filter(({ action }) => action === "profilechange");
    expect(changed).to.have.length(1);
  });

  it("is approved or canceled, never both", async () => {
    const { rtoken } = await change({ name: "Lady Ada" });
    const [approved, canceled] = await Promise.all([
      call("post", `/v1/request/${rtoken}`),
      call("delete", `/v1/request/${rtoken}`, login),
    ]);
    expect([approved.status, canceled.status]).to.have.members([200, 405]);
    expect((await profile()).name !== "Ada").to.equal(approved.status === 200);
  });

  it("shows data subjects their own, lets them cancel those, and decide nothing", async () => {
    const bob = await consent.create({ email: "bob@example.org" });
    const other = await consent.logIn(bob);
    const { rtoken } = await change({ name: "Lady Ada" });
    await ownList(login).expect(200);
    await call("get", `/v1/request/${rtoken}`, login).expect(200);
    await call("post", `/v1/request/${rtoken}`, login).expect(403, "Access denied");
    await call("get", "/v1/requests", login).expect(403, "Access denied");
    for (const id of [rtoken, UNKNOWN]) {
      await call("get", `/v1/request/${id}`, other).expect(403, "Access denied");
      await call("delete", `/v1/request/${id}`, other).expect(403, "Access denied");
      for (const by of ["", UNKNOWN]) {
        await call("get", `/v1/request/${id}`, by).expect(403, "Access denied");
        await call("post", `/v1/request/${id}`, by).expect(403, "Access denied");
        await call("delete", `/v1/request/${id}`, by).expect(403, "Access denied");
      }
    }
    for (const id of [ada, UNKNOWN])
      await call("get", `/v1/requests/token/${id}`, other).expect(403, "Access denied");
    await call("delete", `/v1/request/${rtoken}`, login).expect(200, done);
    const { body } = await ownList().expect(200);
    expect(body.rows[0]).to.include({ status: "canceled", reason: "user operation" });
    await call("post", `/v1/request/${rtoken}`).expect(405, failure("wrong status: canceled"));
    expect((await profile()).name).to.equal("Ada");
  });

  it("lists by status, newest first, in pages, and null for somebody without any", async () => {
    expect(await list()).to.deep.equal({ status: "ok", total: 0, rows: [] });
    await ownList().expect(200, { status: "ok", total: 0, rows: null });
    const rtokens: string[] = [];
    for (const name of ["one", "two", "three"]) {
      const token = await consent.create({ login: name });
      const by = await consent.logIn(token);
      const { body } = await call("delete", `/v1/user/token/${token}`, by).expect(200);
      rtokens.unshift(body.rtoken);
      consent.opened.clock.advance(1000);
    }
    const tokensOf = ({ rows }: { rows: { rtoken: string }[] }) => rows.map((row) => row.rtoken);
    expect(tokensOf(await list())).to.deep.equal(rtokens);
    const page = await list("?offset=1&limit=1");
    expect([page.total, ...tokensOf(page)]).to.deep.equal([3, rtokens[1]]);
    await call("delete", `/v1/request/${rtokens[1]}`).send({ reason: "no" }).expect(200);
    expect((await list()).total).to.equal(2);
    expect(tokensOf(await list("?status=canceled"))).to.deep.equal([rtokens[1]]);
    await call("get", "/v1/requests?status=other").expect(405, failure("bad status"));
    await call("get", "/v1/requests/login/one").expect(200);
    await call("get", "/v1/requests/login/nobody").expect(405, failure("not found"));
    await call("get", "/v1/requests/fax/nobody").expect(405, failure("bad mode"));
    for (const method of ["get", "post", "delete"] as const) {
      await call(method, "/v1/request/5").expect(405, failure("bad uuid"));
      await call(method, `/v1/request/${UNKNOWN}`).expect(405, failure("not found"));
    }
  });

  it("is sealed", async () => {
    await change({ name: "planted-change" });
    const stored = await consent.opened.documents.list("request");
    const bytes = stored.map(({ value }) => Buffer.from(value).toString("latin1")).join();
    expect(bytes).to.include("change-profile");
    expect(bytes).not.to.match(/planted|Ada|example/);
    expect(Buffer.from(bytes, "base64").toString("latin1")).not.to.include("planted");
  });

  it("writes one event for each request, with the reason of whoever decides", async () => {
    const { rtoken } = await change({ name: "Lady Ada" });
    const before = (await consent.events()).length;
    await call("get", "/v1/requests").expect(200);
    await ownList(login).expect(200);
    await call("get", `/v1/request/${rtoken}`).expect(200);
    await call("post", `/v1/request/${rtoken}`, login).expect(403);
    await call("post", `/v1/request/${rtoken}`).send({ reason: "ticket 4711" }).expect(200);
    await call("delete", `/v1/request/${rtoken}`).expect(405);
    const events = (await consent.events()).slice(0, -before).toReversed();
    const told = events.map(({ title, status, subject, message }) => [
      title,
      status,
      subject,
      message,
    ]);
    expect(told).to.deep.equal([
      ["get user requests", "ok", undefined, undefined],
      ["get user privacy requests", "ok", ada, undefined],
      ["get user request by request token", "ok", ada, undefined],
      ["approve user request", "denied", undefined, "access-denied"],
      ["approve user request", "ok", ada, undefined],
      ["cancel user request", "error", ada, "request-approved"],
    ]);
    expect(events[4]?.reason).to.equal("ticket 4711");
  });

  it("shows what a restricted person asked for to them and the dpo alone", async () => {
    const { rtoken } = await change({ name: "Lady Ada" });
    const { documents } = consent.opened;
    await documents.commit([restrictionChange(ada, 1)]);
    const read = (by?: string) => call("get", `/v1/request/${rtoken}`, by);
    const dora = await consent.nameCaller("dora", "dpo");
    for (const ask of [read, ownList]) {
      await ask().expect(405, failure("record is restricted"));
      for (const by of [login, dora]) await ask(by).expect(200);
    }
    await documents.commit([restrictionChange(ada, undefined)]);
    await read().expect(200);
    await ownList().expect(200);
  });
});
