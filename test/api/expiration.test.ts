import { expect } from "chai";
import { MAX_USER_EXPIRATION_MS } from "../../src/vault/consent/consent.ts";
import { restrictionChange } from "../../src/vault/rights/restriction.ts";
import { openConsent } from "../kit/opened-consent.ts";
import type { OpenedConsent } from "../kit/opened-consent.ts";

const UNKNOWN = "00000000-0000-4000-8000-000000000000";
const DAY_MS = 86_400_000;

describe("user expiration routes", () => {
  let consent: OpenedConsent;
  let ada: string;
  beforeEach(async () => {
    consent = await openConsent();
    ada = await consent.create({ email: "ada@example.org" });
  });
  afterEach(() => consent.close());

  const call = (...given: Parameters<OpenedConsent["call"]>) => consent.call(...given);
  const failure = (message: string) => ({ status: "error", message });
  const start = async (body: object = {}, id = `token/${ada}`): Promise<string> =>
    (await call("post", `/v1/exp/start/${id}`).send(body).expect(200)).body.exptoken;
  const statusOf = async (id = `token/${ada}`) =>
    (await call("get", `/v1/exp/status/${id}`).expect(200)).body;
  const isThere = async (token = ada) =>
    (await consent.opened.directory.keyOf(token)) !== undefined;
  const sweep = () => consent.consent.sweep(consent.opened.clock.now());
  const inSeconds = (ms: number) => Math.ceil((consent.opened.clock.now() + ms) / 1000);

  it("start, show and cancel, by every mode", async () => {
    const none = { status: "ok", exptime: 0, expstatus: "", exptoken: "" };
    expect(await statusOf()).to.deep.equal(none);
    for (const id of [`token/${ada}`, "email/ADA@example.org"]) {
      const exptoken = await start({ expiration: "10d" }, id);
      expect(exptoken).to.match(/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/);
      const waiting = { ...none, exptime: inSeconds(10 * DAY_MS), expstatus: "wait" };
      expect(await statusOf(id)).to.deep.equal(waiting);
      await call("delete", `/v1/exp/cancel/${id}`).expect(200, { status: "ok" });
      await call("delete", `/v1/exp/cancel/${id}`).expect(200, { status: "ok" });
      expect(await statusOf(id)).to.deep.equal(none);
      await call("post", `/v1/exp/delete/${exptoken}`).expect(405, failure("internal error"));
    }
  });

  it("wait three months at most, which is the default too", async () => {
    const exptime = inSeconds(MAX_USER_EXPIRATION_MS);
    for (const body of [{}, { expiration: "5m" }, { expiration: "0d" }]) {
      await start(body);
      expect((await statusOf()).exptime).to.equal(exptime);
    }
    const refused = call("post", `/v1/exp/start/token/${ada}`).send({ expiration: -5 });
    await refused.expect(405, failure("bad expiration"));
  });

  it("erase by the sweeper when the time has come, and not before", async () => {
    const bob = await consent.create({ login: "bob" });
    await start({ expiration: "1h" });
    await start({ expiration: "2h" }, `token/${bob}`);
    consent.opened.clock.advance(3_600_000 - 1000);
    await sweep();
    expect(await isThere()).to.equal(true);
    consent.opened.clock.advance(1000);
    await sweep();
    expect([await isThere(), await isThere(bob)]).to.deep.equal([false, true]);
    expect(await statusOf()).to.include({ expstatus: "expired" });
    const [event] = await consent.events(ada);
    expect(event).to.deep.include({
      title: "get expiration status by token",
      status: "ok",
    });
    const [, erased] = await consent.events(ada);
    expect(erased).to.deep.include({
      title: "expire user record",
      status: "ok",
      caller: { name: "expiry", role: "root" },
    });
    await sweep();
    expect(
      (await consent.events()).filter(({ title }) => title === "expire user record"),
    ).to.have.length(1);
    consent.opened.clock.advance(3_600_000);
    await sweep();
    expect(await isThere(bob)).to.equal(false);
    expect(await consent.opened.documents.list("timer")).to.deep.equal([]);
    await call("get", `/v1/exp/status/token/${UNKNOWN}`).expect(405, failure("not found"));
  });

  it("never erase under another status than `wait`", async () => {
    await start({ expiration: "1h", status: "review" });
    expect(await statusOf()).to.include({ expstatus: "review" });
    consent.opened.clock.advance(DAY_MS);
    await sweep();
    expect(await isThere()).to.equal(true);
    for (const status of ["expired", "retain", "<b>", "Ada Lovelace"]) {
      const refused = call("post", `/v1/exp/start/token/${ada}`).send({ status });
      await refused.expect(405, failure("bad status"));
    }
  });

  it("leave alone who is restricted, until that is lifted", async () => {
    await start({ expiration: "1h" });
    const { documents, clock } = consent.opened;
    await documents.commit([restrictionChange(ada, clock.now())]);
    clock.advance(DAY_MS);
    const before = (await consent.events()).length;
    await sweep();
    expect([await isThere(), (await consent.events()).length]).to.deep.equal([true, before]);
    await documents.commit([restrictionChange(ada, undefined)]);
    await sweep();
    expect(await isThere()).to.equal(false);
  });

  it("sweep many, and each once when several sweeps run at once", async () => {
    const people = Array.from({ length: 60 }, (_, place) => ({ login: `user${String(place)}` }));
    const tokens = await Promise.all(people.map((profile) => consent.create(profile)));
    await Promise.all(tokens.map((token) => start({ expiration: "1h" }, `token/${token}`)));
    consent.opened.clock.advance(DAY_MS);
    await Promise.all([sweep(), sweep(), sweep()]);
    expect(await Promise.all(tokens.map(isThere))).to.deep.equal(tokens.map(() => false));
    const erased = (await consent.events()).filter(
      ({ title, status }) => title === "expire user record" && status === "ok",
    );
    expect(erased).to.have.length(tokens.length);
  });

  describe("by the data subject's token", () => {
    it("nothing happens on GET: weakness of section 6", async () => {
      const exptoken = await start({ expiration: "1h" });
      for (const decision of ["delete", "retain"]) {
        const path = `/v1/exp/${decision}/${exptoken}`;
        const shown = await call("get", path, "").expect(200);
        expect(shown.headers["content-type"]).to.equal("text/html; charset=utf-8");
        expect(shown.headers["content-security-policy"]).to.include("form-action 'self'");
        expect(shown.headers["referrer-policy"]).to.equal("no-referrer");
        expect(shown.text).to.include('<form method="post">');
        expect(shown.text).not.to.include(exptoken);
        const unknown = await call("get", `/v1/exp/${decision}/${UNKNOWN}`, "").expect(200);
        expect(unknown.text).to.equal(shown.text);
      }
      expect(await isThere()).to.equal(true);
      expect(await statusOf()).to.include({ expstatus: "wait" });
    });

    it("a POST retains, once", async () => {
      const exptoken = await start({ expiration: "1h" });
      const path = `/v1/exp/retain/${exptoken.toUpperCase()}`;
      const answer = await call("post", path, "").expect(200, "OK");
      expect(answer.headers["content-type"]).to.equal("text/plain; charset=utf-8");
      await call("post", path, "").expect(405, failure("internal error"));
      await call("post", `/v1/exp/delete/${exptoken}`, "").expect(405, failure("internal error"));
      expect(await statusOf()).to.include({ expstatus: "retain" });
      consent.opened.clock.advance(DAY_MS);
      await sweep();
      expect(await isThere()).to.equal(true);
    });

    it("a POST erases, once, and the status stays", async () => {
      const exptoken = await start({ expiration: "1h" });
      const { exptime } = await statusOf();
      await call("post", `/v1/exp/delete/${exptoken}`, "").expect(200, "OK");
      expect(await isThere()).to.equal(false);
      await call("post", `/v1/exp/delete/${exptoken}`, "").expect(405, failure("internal error"));
      expect(await statusOf()).to.include({ expstatus: "expired", exptime });
      await call("get", "/v1/exp/status/email/ada@example.org").expect(405, failure("not found"));
    });

    it("one decision wins", async () => {
      const exptoken = await start({ expiration: "1h" });
      const answers = await Promise.all(
        ["retain", "delete", "retain", "delete"].map((decision) =>
          call("post", `/v1/exp/${decision}/${exptoken}`, ""),
        ),
      );
      const codes = answers.map(({ status }) => status);
      expect(codes).to.have.members([200, 405, 405, 405]);
      const hasErased = answers[1]?.status === 200 || answers[3]?.status === 200;
      expect(await isThere()).to.equal(!hasErased);
    });

    it("only the last one started counts, and it rests nowhere", async () => {
      const first = await start({ expiration: "1h" });
      const second = await start({ expiration: "1h" });
      await call("post", `/v1/exp/delete/${first}`, "").expect(405, failure("internal error"));
      await call("post", "/v1/exp/delete/5", "").expect(405, failure("bad uuid"));
      await call("get", "/v1/exp/delete/5", "").expect(405, failure("bad uuid"));
      const { documents } = consent.opened;
      for (const table of ["userExpiry", "timer", "audit"] as const)
        for (const { key, value } of await documents.list(table))
          expect(key + Buffer.from(value).toString("latin1")).not.to.include(second);
      await call("post", `/v1/exp/retain/${second}`, "").expect(200);
    });
  });

  it("are for those who may", async () => {
    const login = await consent.logIn(ada);
    const bob = await consent.create({ email: "bob@example.org" });
    const app = await consent.nameCaller("shop", "app");
    for (const by of ["", login, app, UNKNOWN])
      await call("post", `/v1/exp/start/token/${ada}`, by).expect(403, "Access denied");
    await start();
    await call("get", `/v1/exp/status/token/${ada}`, login).expect(200);
    for (const id of [bob, UNKNOWN])
      for (const by of [login, "", UNKNOWN, app]) {
        await call("get", `/v1/exp/status/token/${id}`, by).expect(403, "Access denied");
        await call("delete", `/v1/exp/cancel/token/${id}`, by).expect(403, "Access denied");
      }
    await call("delete", `/v1/exp/cancel/token/${ada}`, login).expect(200);
    const exptoken = await start({}, `token/${bob}`);
    await call("get", `/v1/exp/delete/${exptoken}`, login).expect(200);
    // Whoever has the token may, as they could without an access token.
    await call("post", `/v1/exp/delete/${exptoken}`, login).expect(200, "OK");
    expect(await isThere(bob)).to.equal(false);
  });

  it("shows in the list of users", async () => {
    await start({ expiration: "1h" });
    const { body } = await call("post", "/v1/users").expect(200);
    expect(body.rows[0]).to.include({ expstatus: "wait", endtime: inSeconds(3_600_000) });
  });

  it("writes one event for each request", async () => {
    const before = (await consent.events()).length;
    const exptoken = await start({}, "email/ada@example.org");
    await statusOf("email/ada@example.org");
    await call("get", "/v1/exp/status/ada@example.org/x").expect(405, failure("bad mode"));
    await call("delete", "/v1/exp/cancel/token/5").expect(405, failure("bad uuid"));
    await call("get", `/v1/exp/delete/${exptoken}`, "").expect(200);
    await call("post", `/v1/exp/retain/${exptoken}`, "").expect(200);
    await call("post", `/v1/exp/delete/${exptoken}`, "").expect(405);
    const events = (await consent.events()).slice(0, -before).toReversed();
    expect(events.map(({ title, status, subject }) => [title, status, subject])).to.deep.equal([
      ["initiate user record expiration by email", "ok", ada],
      ["get expiration status by email", "ok", ada],
      ["get expiration status by unknown mode", "error", undefined],
      ["clear user expiration by token", "error", undefined],
      ["show form to delete user data by exptoken", "ok", undefined],
      ["retain user data by exptoken", "ok", ada],
      ["delete user data by exptoken", "error", undefined],
    ]);
  });
});
