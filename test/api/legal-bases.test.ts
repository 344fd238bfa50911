import { expect } from "chai";
import { openConsent } from "../kit/opened-consent.ts";
import type { OpenedConsent } from "../kit/opened-consent.ts";

const NEWSLETTER = {
  basistype: "consent",
  fulldesc: "We send a letter each month.",
  module: "marketing",
  requiredflag: false,
  requiredmsg: "",
  shortdesc: "Newsletter",
  usercontrol: true,
};

describe("legal basis and activity routes", () => {
  let consent: OpenedConsent;
  beforeEach(async () => {
    consent = await openConsent();
  });
  afterEach(() => consent.close());

  const rows = async (path = "/v1/lbasis") =>
    (await consent.call("get", path).expect(200)).body.rows;
  const find = async (brief: string) =>
    (await rows()).find((row: { brief: string }) => row.brief === brief);
  const put = (brief: string, body: object) =>
    consent.call("post", `/v1/lbasis/${brief}`).send(body);
  const failure = (message: string) => ({ status: "error", message });

  it("list the two that are built in", async () => {
    const { body } = await consent.call("get", "/v1/lbasis").expect(200);
    expect(body.status).to.equal("ok");
    expect(body.total).to.equal(2);
    const briefs = body.rows.map(({ brief }: { brief: string }) => brief);
    expect(briefs).to.deep.equal(["core-send-email-on-login", "core-send-sms-on-login"]);
    for (const row of body.rows) {
      expect(Object.keys(row)).to.deep.equal(Object.keys(row).toSorted());
      expect(row).to.include({ status: "active", usercontrol: true, requiredflag: true });
      expect(row.creationtime).to.equal(consent.opened.clock.now() / 1000);
    }
  });

  it("create and change, in either letter case", async () => {
    await put("NewsLetter", NEWSLETTER).expect(200, { status: "ok" });
    const creationtime = consent.opened.clock.now() / 1000;
    const created = { ...NEWSLETTER, brief: "newsletter", creationtime, status: "active" };
    expect(await find("newsletter")).to.deep.equal(created);
    consent.opened.clock.advance(5000);
    await put("newsletter", { ...NEWSLETTER, status: "disabled", shortdesc: "Letter" }).expect(200);
    const changed = { ...created, status: "disabled", shortdesc: "Letter" };
    expect(await find("newsletter")).to.deep.equal(changed);
  });

  it("take a flag as boolean, number or word, and never drop the connection", async () => {
    const flags: readonly (readonly [unknown, boolean])[] = [
      [1, true],
      ["yes", true],
      ["ON", true],
      [true, true],
      [0, false],
      ["nope", false],
      [null, false],
      [{}, false],
      [[1], false],
    ];
    for (const [usercontrol, expected] of flags) {
      await put("flagged", { usercontrol, requiredflag: usercontrol, module: 5 }).expect(200);
      expect(await find("flagged")).to.include({
        usercontrol: expected,
        requiredflag: expected,
        module: "5",
      });
    }
  });

  it("rename, and agreements and activities follow", async () => {
    await put("newsletter", NEWSLETTER).expect(200);
    const token = await consent.create({ email: "ada@example.org" });
    await consent.call("post", `/v1/agreement/newsletter/token/${token}`).expect(200);
    await consent.call("post", "/v1/pactivity/mailing").send({ title: "Mailing" }).expect(200);
    await consent.call("post", "/v1/pactivity/mailing/newsletter").expect(200);
    await put("newsletter", { ...NEWSLETTER, brief: "Letters" }).expect(200);
    expect(await find("newsletter")).to.equal(undefined);
    const { body } = await consent.call("get", `/v1/agreement/letters/token/${token}`).expect(200);
    expect(body.data).to.include({ brief: "letters", status: "yes" });
    expect((await rows("/v1/pactivity"))[0].legalbasis).to.equal("letters");
    await put("letters", { brief: "core-send-sms-on-login" }).expect(
      405,
      failure("brief already exists"),
    );
    await put("letters", { brief: "not good" }).expect(405, failure("bad brief format"));
  });

  it("remove one that nobody has agreed to, and keep one in use as deleted", async () => {
    await consent.call("delete", "/v1/lbasis/core-send-sms-on-login").expect(200, { status: "ok" });
    expect(await find("core-send-sms-on-login")).to.equal(undefined);
    await put("newsletter", NEWSLETTER).expect(200);
    const ada = await consent.create({ email: "ada@example.org" });
    const bob = await consent.create({ email: "bob@example.org" });
    await consent.call("post", `/v1/agreement/newsletter/token/${ada}`).expect(200);
    const no = { status: "no" };
    await consent.call("post", `/v1/agreement/newsletter/token/${bob}`).send(no).expect(200);
    await consent.call("delete", "/v1/lbasis/newsletter").expect(200);
    expect((await find("newsletter")).status).to.equal("deleted");
    const statusOf = async (token: string) =>
      (await consent.call("get", `/v1/agreement/newsletter/token/${token}`).expect(200)).body.data
        .status;
    expect(await statusOf(ada)).to.equal("revoked");
    expect(await statusOf(bob)).to.equal("no");
    const again = consent.call("post", `/v1/agreement/newsletter/token/${ada}`);
    await again.expect(404, failure("not found"));
    await consent.call("delete", "/v1/lbasis/never-was").expect(200, { status: "ok" });
    await consent.call("delete", "/v1/lbasis/a").expect(405, failure("bad brief format"));
    await put("newsletter", NEWSLETTER).expect(200);
    expect(await statusOf(ada), "reviving the basis revives no consent").to.equal("revoked");
  });

  it("are for those who may", async () => {
    const login = await consent.logIn(await consent.create({ email: "ada@example.org" }));
    const app = await consent.nameCaller("shop", "app");
    for (const by of ["", login, await consent.nameCaller("eve", "support")]) {
      await consent.call("get", "/v1/lbasis", by).expect(403, "Access denied");
      await consent.call("get", "/v1/pactivity", by).expect(403, "Access denied");
    }
    await consent.call("get", "/v1/lbasis", app).expect(200);
    for (const by of ["", login, app]) {
      await consent.call("post", "/v1/lbasis/newsletter", by).expect(403, "Access denied");
      await consent.call("delete", "/v1/lbasis/core-send-sms-on-login", by).expect(403);
      await consent.call("delete", "/v1/agreement/core-send-sms-on-login", by).expect(403);
      await consent.call("post", "/v1/pactivity/mailing", by).expect(403);
      await consent.call("post", "/v1/pactivity/mailing/core-send-sms-on-login", by).expect(403);
    }
  });

  it("keep activities with their legal bases", async () => {
    const fields = {
      title: "Mailing",
      fulldesc: "Letters",
      script: "<script>",
      applicableto: "all",
    };
    await consent.call("post", "/v1/pactivity/Mailing").send(fields).expect(200, { status: "ok" });
    const creationtime = consent.opened.clock.now() / 1000;
    const bare = { ...fields, activity: "mailing", creationtime, briefs: null };
    expect(await rows("/v1/pactivity")).to.deep.equal([bare]);
    const one = "/v1/pactivity/mailing/core-send-email-on-login";
    const other = "/v1/pactivity/mailing/core-send-sms-on-login";
    for (const path of [one, other, one]) await consent.call("post", path).expect(200);
    const [linked] = await rows("/v1/pactivity");
    expect(linked.legalbasis).to.equal("core-send-email-on-login,core-send-sms-on-login");
    expect(linked.briefs).to.deep.equal(await rows());
    await consent.call("delete", one).expect(200, { status: "ok" });
    await consent.call("delete", one).expect(200, { status: "ok" });
    expect((await rows("/v1/pactivity"))[0].legalbasis).to.equal("core-send-sms-on-login");
    await consent.call("post", "/v1/pactivity/mailing").send({ title: "Post" }).expect(200);
    expect((await rows("/v1/pactivity"))[0]).to.include({
      title: "Post",
      legalbasis: "core-send-sms-on-login",
    });
    await consent.call("delete", "/v1/pactivity/mailing").expect(200, { status: "ok" });
    await consent.call("delete", "/v1/pactivity/mailing").expect(200, { status: "ok" });
    expect(await rows("/v1/pactivity")).to.deep.equal([]);
  });

  it("say what is wrong with an activity", async () => {
    const post = (path: string, body: object = {}) => consent.call("post", path).send(body);
    await post("/v1/pactivity/a").expect(405, failure("bad activity format"));
    await post("/v1/pactivity/mailing/a").expect(405, failure("bad brief format"));
    await post("/v1/pactivity/mailing/never-was").expect(405, failure("not found"));
    const unknown = post("/v1/pactivity/mailing/core-send-sms-on-login");
    await unknown.expect(405, failure("internal error"));
    const listed = post("/v1/pactivity/mailing", { legalbasis: "core-send-sms-on-login,nobody" });
    await listed.expect(405, failure("not found"));
    const stated = { legalbasis: "core-send-sms-on-login, core-send-email-on-login" };
    await post("/v1/pactivity/mailing", stated).expect(200);
    expect((await rows("/v1/pactivity"))[0].briefs).to.have.length(2);
  });

  it("give one brief to one basis, however many ask at once", async () => {
    const names = Array.from({ length: 20 }, (_, place) => `basis-${String(place)}`);
    await Promise.all(names.map((name) => put(name, NEWSLETTER).expect(200)));
    const renamed = await Promise.all(names.map((name) => put(name, { brief: "the-one" })));
    expect(renamed.filter(({ status }) => status === 200)).to.have.length(1);
    expect(await rows()).to.have.length(22);
    await Promise.all(
      names.map((name) => consent.call("delete", `/v1/lbasis/${name}`).expect(200)),
    );
    expect(await rows()).to.have.length(3);
  });

  it("write one event for each request, denied ones too", async () => {
    const before = (await consent.events()).length;
    await put("newsletter", NEWSLETTER).expect(200);
    await consent.call("get", "/v1/lbasis", "").expect(403);
    await consent.call("delete", "/v1/lbasis/a").expect(405);
    await consent.call("delete", "/v1/agreement/newsletter").expect(200);
    await consent.call("get", "/v1/pactivity").expect(200);
    const events = (await consent.events()).slice(0, -before || undefined).toReversed();
    expect(events.map(({ title, status }) => [title, status])).to.deep.equal([
      ["change legal basis for newsletter", "ok"],
      ["get legal bases", "denied"],
      ["delete legal basis", "error"],
      ["revoke all agreements for newsletter", "ok"],
      ["get processing activities", "ok"],
    ]);
  });
});
