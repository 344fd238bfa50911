import { expect } from "chai";
import type { Test } from "supertest";
import { openUsers } from "../kit/opened-users.ts";
import type { OpenedUsers } from "../kit/opened-users.ts";

const UNKNOWN = "b136d258-d605-e69e-0e4d-fe20460fbcf9";
const DATA = { address: "Main 1", box: { size: 3 } };

describe("user app routes", () => {
  let kit: OpenedUsers;
  let token: string;
  const open = async (options: Parameters<typeof openUsers>[0] = {}) => {
    kit = await openUsers(options);
    token = await kit.create({ login: "ada", email: "ada@example.org" });
  };
  beforeEach(() => open());
  afterEach(() => kit.close());

  const isDenied = async (test: Test) => {
    const answer = await test.expect(403);
    expect(answer.text).to.equal("Access denied");
  };
  const fails = async (test: Test, message: string, status = 405) => {
    const answer = await test;
    expect([answer.status, answer.body]).to.deep.equal([status, { status: "error", message }]);
  };
  const put = (body?: object) => kit.call("put", "/v1/userapp/login/ada/shop").send(body);
  const store = (app = "shop", data: object = DATA) =>
    kit.call("post", `/v1/userapp/login/ada/${app}`).send(data).expect(200);
  const dataOf = async (app = "shop", by?: string) =>
    (await kit.call("get", `/v1/userapp/token/${token}/${app}`, by).expect(200)).body.data;

  it("stores, replaces and reads an app by any name of the user, its own name in any case", async () => {
    const answer = await store("Shop");
    expect(answer.body).to.deep.equal({ status: "ok", token });
    const read = await kit.call("get", "/v1/userapp/email/ADA@example.org/SHOP").expect(200);
    expect(read.body).to.deep.equal({ status: "ok", token, data: DATA });
    await store("shop", { a: 1 });
    expect(await dataOf()).to.deep.equal({ a: 1 });
    await kit.call("post", "/v1/userapp/login/ada/shop").type("form").send("b=2").expect(200);
    expect(await dataOf()).to.deep.equal({ b: "2" });
  });

  it("changes an app by merge patch and by JSON Patch", async () => {
    await store();
    expect((await put({ box: { size: null, big: true } }).expect(200)).body).to.deep.equal({
      status: "ok",
      token,
    });
    await put([{ op: "replace", path: "/address", value: "Side 2" }]).expect(200);
    expect(await dataOf()).to.deep.equal({ address: "Side 2", box: { big: true } });
  });

  it("destroys nothing with a JSON Patch that fails, and says so", async () => {
    await store();
    await fails(
      put([
        { op: "remove", path: "/address" },
        { op: "remove", path: "/x" },
      ]),
      "error updating user app",
    );
    expect(await dataOf()).to.deep.equal(DATA);
  });

  it("removes an app, and does so again", async () => {
    await store();
    for (const _ of [1, 2])
      await kit.call("delete", "/v1/userapp/login/ada/shop").expect(200, { status: "ok", token });
    await fails(kit.call("get", "/v1/userapp/login/ada/shop"), "not found");
    expect((await kit.opened.documents.list("app")).length).to.equal(0);
  });

  it("lists a user's apps, last name first, and all apps, first name first", async () => {
    await kit.call("get", "/v1/userapps").expect(200, { status: "ok", apps: null });
    await kit.call("get", "/v1/userapp/login/ada").expect(200, { status: "ok", token, apps: [] });
    const bo = await kit.create({ login: "bo" });
    for (const app of ["shop", "blog", "shop_2"]) await store(app);
    for (const app of ["shop", "chat"])
      await kit.call("post", `/v1/userapp/token/${bo}/${app}`).send(DATA).expect(200);
    const own = await kit.call("get", "/v1/userapp/login/ada").expect(200);
    expect(own.body).to.deep.equal({ status: "ok", token, apps: ["shop_2", "shop", "blog"] });
    const all = await kit.call("get", "/v1/userapps").expect(200);
    expect(all.body).to.deep.equal({ status: "ok", apps: ["blog", "chat", "shop", "shop_2"] });
    await kit.call("delete", `/v1/user/token/${bo}`).expect(200);
    expect((await kit.call("get", "/v1/userapps")).body.apps).to.deep.equal([
      "blog",
      "shop",
      "shop_2",
    ]);
  });

  it("says what is wrong", async () => {
    const path = "/v1/userapp/login/ada/shop";
    await fails(kit.call("get", path), "not found");
    await fails(put({ a: 1 }), "internal error");
    await fails(kit.call("post", path), "empty body");
    await fails(kit.call("post", path).send({}), "empty body");
    await store();
    await fails(put(), "empty body");
    await fails(put([]), "empty body");
    await fails(
      kit.call("put", path).type("text/plain").send("a=1"),
      "failed to decode request body",
    );
    for (const app of ["s", "1shop", "shop-2", "ß", "x".repeat(32)])
      for (const method of ["get", "post", "put", "delete"] as const)
        await fails(
          kit.call(method, `/v1/userapp/login/ada/${encodeURIComponent(app)}`),
          "bad appname",
        );
    for (const rest of ["", "/shop"]) {
      await fails(kit.call("get", `/v1/userapp/name/ada${rest}`), "bad mode");
      await fails(kit.call("get", `/v1/userapp/token/ada${rest}`), "bad uuid");
      await fails(kit.call("get", `/v1/userapp/token/${UNKNOWN}${rest}`), "not found");
    }
  });

  it("bounds how many apps a user has", async () => {
    for (let index = 0; index < 256; index += 1) await store(`app${index}`, { a: 1 });
    await fails(kit.call("post", "/v1/userapp/login/ada/one_more").send(DATA), "db limitation");
    await store("app0", { b: 1 });
  });

  it("goes with the user", async () => {
    await store();
    await kit.call("delete", "/v1/user/login/ada").expect(200);
    for (const rest of ["", "/shop"])
      await fails(kit.call("get", `/v1/userapp/token/${token}${rest}`), "not found");
    await fails(kit.call("post", `/v1/userapp/token/${token}/shop`).send(DATA), "not found");
    expect(await kit.opened.documents.list("app")).to.deep.equal([]);
  });

  it("refuses first, with the same answer whether or not the user exists", async () => {
    await store();
    const auditor = await kit.callers.nameCaller("otto", "auditor");
    for (const by of ["", UNKNOWN, auditor])
      for (const path of ["login/ada/shop", "login/nobody/shop", "name/x/shop", "login/ada/1"])
        for (const method of ["get", "post", "put", "delete"] as const)
          await isDenied(kit.call(method, `/v1/userapp/${path}`, by));
    const shop = await kit.callers.nameCaller("shop", "app");
    expect(await dataOf("shop", shop)).to.deep.equal(DATA);
    await isDenied(kit.call("get", "/v1/userapps", shop));
    await isDenied(kit.call("get", "/v1/userapps", await kit.logIn(token)));
  });

  it("is a data subject's own to see and remove, and to change after approval", async () => {
    await store();
    const by = await kit.logIn(token);
    const other = await kit.create({ login: "bo" });
    expect(await dataOf("shop", by)).to.deep.equal(DATA);
    await isDenied(kit.call("get", `/v1/userapp/token/${other}/shop`, by));
    await isDenied(kit.call("get", "/v1/userapp/login/nobody/shop", by));
    const change = () =>
      kit.call("put", "/v1/userapp/login/ada/shop", by).send({ a: 1 }).expect(200);
    const { rtoken } = (await change()).body;
    expect((await change()).body).to.deep.equal({ status: "ok", result: "request-exists", rtoken });
    expect(await dataOf()).to.deep.equal(DATA);
    await kit.call("delete", "/v1/userapp/login/ada/shop", by).expect(200);
  });

  for (const [patterns, app, isAllowed] of [
    [["*"], "shop", true],
    [["shop"], "shop", true],
    [["sh*"], "shop", true],
    [["*op"], "shop", true],
    [["*ho*"], "shop", true],
    [["sho", "blog", "op*", "*sh"], "shop", false],
    [[], "shop", false],
  ] as const) {
    it(`vault.selfService.changeApps ${JSON.stringify(patterns)} ${isAllowed ? "allows" : "refuses"} ${app}`, async () => {
      await kit.close();
      await open({ selfService: { changeApps: patterns } });
      await store();
      await kit
        .call("put", `/v1/userapp/token/${token}/${app}`, await kit.logIn(token))
        .send({ a: 1 })
        .expect(200);
      expect("a" in (await dataOf())).to.equal(isAllowed);
    });
  }

  it("keeps all of 50 parallel changes of one app", async () => {
    await store("shop", { n: 0 });
    const changes = Array.from({ length: 50 }, (_, index) =>
      put({ [`f${index}`]: index }).expect(200),
    );
    await Promise.all(changes);
    expect(Object.keys(await dataOf())).to.have.length(51);
  });
});
