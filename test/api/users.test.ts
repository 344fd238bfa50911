import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Test } from "supertest";
import { openPersonal } from "../../src/audit/event.ts";
import { restrictionChange } from "../../src/vault/rights/restriction.ts";
import { openUsers } from "../kit/opened-users.ts";
import type { OpenedUsers } from "../kit/opened-users.ts";
import { PEOPLE, findPerson } from "../kit/people.ts";

const ADA = {
  login: "ada",
  email: "ada@example.org",
  phone: "+44 7911 123456",
  custom: "c-1",
  age: 36,
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UNKNOWN = "b136d258-d605-e69e-0e4d-fe20460fbcf9";
const JSON_TYPE = "application/json; charset=utf-8";
const MODES = ["token", "login", "email", "phone", "custom"];

function failure(message: string) {
  return { status: "error", message };
}

describe("user routes", () => {
  let kit: OpenedUsers;
  const open = async (options: Parameters<typeof openUsers>[0]) => {
    await kit.close();
    kit = await openUsers(options);
  };
  beforeEach(async () => {
    kit = await openUsers();
  });
  afterEach(() => kit.close());

  const isDenied = async (test: Test) => {
    const answer = await test.expect(403);
    expect(answer.text).to.equal("Access denied");
    expect(answer.headers["content-type"]).to.equal("text/plain; charset=utf-8");
  };
  const fails = async (test: Test, message: string, status = 405) => {
    const answer = await test;
    expect([answer.status, answer.body]).to.deep.equal([status, failure(message)]);
    expect(answer.headers["content-type"]).to.equal(JSON_TYPE);
  };

  describe("POST /v1/user", () => {
    it("creates a user from JSON, and finds it by all that names it", async () => {
      const answer = await kit.call("post", "/v1/user").send(ADA).expect(200);
      const { token } = answer.body;
      expect(token).to.match(UUID);
      expect(answer.body).to.deep.equal({ status: "ok", token });
      expect(answer.headers["content-type"]).to.equal(JSON_TYPE);
      for (const path of [
        `token/${token}`,
        `token/${token.toUpperCase()}`,
        "login/ada",
        "email/ADA@example.org",
        "EMAIL/ada@example.org",
        "phone/07911%20123456",
        "phone/+447911123456",
        "custom/c-1",
      ]) {
        const found = await kit.call("get", `/v1/user/${path}`).expect(200);
        expect(found.body, path).to.deep.equal({ status: "ok", token, data: ADA });
      }
    });

    it("creates a user from a form, with the first value of each key, and from JSON under the name of XML", async () => {
      const form = await kit
        .call("post", "/v1/user")
        .type("form")
        .send("login=bo&login=x&a=%2B")
        .expect(200);
      expect(await kit.profileOf(form.body.token)).to.deep.equal({ login: "bo", a: "+" });
      const xml = await kit.call("post", "/v1/user").type("xml").send('{"login":"cy"}').expect(200);
      expect(await kit.profileOf(xml.body.token)).to.deep.equal({ login: "cy" });
    });

    it("redirects the path with a slash at its end, method and body kept", async () => {
      const answer = await kit.call("post", "/v1/user/").send(ADA).expect(307);
      expect(answer.headers["location"]).to.equal("/v1/user");
      const followed = await kit.call("post", "/v1/user/").redirects(1).send(ADA);
      expect(followed.body.status).to.equal("ok");
    });

    it("indexes numbers as their decimals, and no other types", async () => {
      const five = await kit.create({ login: 5, email: 5, phone: true, custom: null });
      expect((await kit.call("get", "/v1/user/login/5").expect(200)).body.token).to.equal(five);
      await fails(kit.call("get", "/v1/user/email/5"), "not found");
      await kit.create({ login: "x", token: 5, email: { a: 1 }, phone: ["07911123456"] });
      await fails(kit.call("get", "/v1/user/phone/07911123456"), "not found");
      await fails(
        kit.call("post", "/v1/user").send({ login: true, email: 5, custom: {} }),
        "failed to create user, all user lookup fields are missing",
      );
    });

    it("tells logins apart by case, and keeps the text of the profile as it was", async () => {
      await kit.create({ login: " Ada ", email: " ADA@Example.org " });
      await kit.create({ login: "ada" });
      const found = await kit.call("get", "/v1/user/login/Ada").expect(200);
      expect(found.body.data).to.deep.equal({ login: " Ada ", email: " ADA@Example.org " });
      await fails(kit.call("get", "/v1/user/login/ADA"), "not found");
    });

    it("does not take a plus for a space", async () => {
      await kit.create({ email: "ada+shop@example.org" });
      await kit.create({ email: "ada shop@example.org" });
      await kit.call("get", "/v1/user/email/ada+shop@example.org").expect(200);
      await fails(kit.call("get", "/v1/user/email/adashop@example.org"), "not found");
    });

    for (const [field, value] of [
      ["login", " ada "],
      ["email", "ADA@example.org"],
      ["phone", "07911123456"],
      ["custom", "c-1"],
    ] as const) {
      it(`refuses a second user with the same ${field}`, async () => {
        await kit.create(ADA);
        await fails(
          kit.call("post", "/v1/user").send({ [field]: value }),
          `duplicate index: ${field}`,
        );
        expect(await kit.opened.documents.list("user")).to.have.length(1);
      });
    }

    it("refuses what is no user", async () => {
      const post = () => kit.call("post", "/v1/user");
      await fails(post(), "empty request body");
      await fails(post().send({}), "empty request body");
      await fails(post().type("text/plain").send('{"login":"x"}'), "empty request body");
      await fails(post().type("json").send('{"login":'), "failed to decode request body");
      await fails(post().type("json").send('[{"login":"x"}]'), "failed to decode request body");
      await fails(post().type("form").send('{"login":"x"}'), "failed to decode request body");
      await fails(post().type("json").send('{"login":1e999}'), "failed to decode request body");
      const broken = post()
        .type("json")
        .serialize((value: unknown) => value as string) // supertest would turn a Buffer into JSON
        .send(Buffer.from('{"login":"\xff"}', "latin1"));
      await fails(broken, "failed to decode request body");
      await fails(
        post().send({ name: "x" }),
        "failed to create user, all user lookup fields are missing",
      );
      await fails(
        post().send({ login: "x", long: "y".repeat(100 * 1024) }),
        "request body is too large",
        413,
      );
      expect(await kit.opened.documents.list("user")).to.deep.equal([]);
    });

    it("keeps members that have a meaning in JavaScript as they are", async () => {
      const text = '{"login":"x","__proto__":{"a":1},"constructor":2,"n":12345678901234567890}';
      const answer = await kit.call("post", "/v1/user").type("json").send(text).expect(200);
      const found = await kit.call("get", `/v1/user/token/${answer.body.token}`).expect(200);
      expect(found.text).to.include(
        '"data":{"login":"x","__proto__":{"a":1},"constructor":2,"n":12345678901234567000}',
      );
    });

    it("needs a caller who may", async () => {
      await isDenied(kit.call("post", "/v1/user", "").send(ADA));
      await isDenied(kit.call("post", "/v1/user", UNKNOWN).send(ADA));
      for (const role of ["dpo", "support", "auditor"] as const)
        await isDenied(
          kit.call("post", "/v1/user", await kit.callers.nameCaller(role, role)).send(ADA),
        );
      await kit
        .call("post", "/v1/user", await kit.callers.nameCaller("shop", "app"))
        .send(ADA)
        .expect(200);
      await isDenied(kit.call("post", "/v1/user", await kit.logIn(UNKNOWN)).send({ login: "y" }));
    });

    it("is open without a token when vault.dialect.createUserWithoutToken says so, creation alone", async () => {
      await open({ isCreationOpen: true });
      const answer = await kit.call("post", "/v1/user", "").send(ADA).expect(200);
      await isDenied(kit.call("get", `/v1/user/token/${answer.body.token}`, ""));
      const [event] = await kit.events(answer.body.token);
      expect(event).to.include({ title: "create user record", status: "ok" });
      expect(event?.caller).to.equal(undefined);
    });
  });

  describe("GET /v1/user/:mode/:id", () => {
    it("says what is wrong with what names the user", async () => {
      await kit.create(ADA);
      await fails(kit.call("get", "/v1/user/name/ada"), "bad mode");
      await fails(kit.call("get", "/v1/user/token/ada"), "bad uuid");
      await fails(kit.call("get", `/v1/user/token/${UNKNOWN}`), "not found");
      for (const mode of MODES.slice(1))
        await fails(kit.call("get", `/v1/user/${mode}/nobody`), "not found");
    });

    it("answers HEAD, 405 for other methods and 204 to OPTIONS", async () => {
      const token = await kit.create(ADA);
      await kit.call("head", `/v1/user/token/${token}`).expect(200);
      const wrong = await kit.call("post", `/v1/user/token/${token}`).expect(405);
      expect(wrong.text).to.equal("Method Not Allowed\n");
      expect(wrong.headers["allow"]).to.equal("DELETE, GET, HEAD, OPTIONS, PUT");
      await kit.call("options", `/v1/user/token/${token}`).expect(204);
      expect(
        (await kit.call("get", `/v1/user/login/ada/`).expect(301)).headers["location"],
      ).to.equal("/v1/user/login/ada");
    });

    it("refuses first, with the same answer whether or not the user exists, whatever is asked", async () => {
      const token = await kit.create(ADA);
      const support = await kit.callers.nameCaller("anna", "support");
      for (const by of ["", UNKNOWN, support])
        for (const path of [
          `token/${token}`,
          `token/${UNKNOWN}`,
          "email/ada@example.org",
          "email/x@y.z",
          "name/x",
          "token/x",
        ])
          await isDenied(kit.call("get", `/v1/user/${path}`, by));
    });

    it("shows a data subject their own record and no other, by any name", async () => {
      const token = await kit.create(ADA);
      const other = await kit.create({ login: "bo" });
      const by = await kit.logIn(token);
      for (const path of [`token/${token}`, "login/ada", "phone/07911123456"])
        expect((await kit.call("get", `/v1/user/${path}`, by).expect(200)).body.data).to.deep.equal(
          ADA,
        );
      for (const path of [`token/${other}`, "login/bo", "login/nobody", `token/${UNKNOWN}`])
        await isDenied(kit.call("get", `/v1/user/${path}`, by));
    });
  });

  describe("PUT /v1/user/:mode/:id", () => {
    let token: string;
    beforeEach(async () => {
      token = await kit.create(ADA);
    });
    const put = (path = "login/ada") => kit.call("put", `/v1/user/${path}`);

    it("merges an object (RFC 7386)", async () => {
      const answer = await put()
        .send({ age: null, address: { city: "London" } })
        .expect(200);
      expect(answer.body).to.deep.equal({ status: "ok", token });
      await put()
        .send({ address: { zip: "N1", city: null } })
        .expect(200);
      const { age: _, ...rest } = ADA;
      expect(await kit.profileOf(token)).to.deep.equal({ ...rest, address: { zip: "N1" } });
    });

    it("merges a form", async () => {
      await put().type("form").send("city=London&age=37").expect(200);
      expect(await kit.profileOf(token)).to.deep.equal({ ...ADA, age: "37", city: "London" });
    });

    it("applies a JSON Patch (RFC 6902)", async () => {
      const patch = [
        { op: "test", path: "/age", value: 36 },
        { op: "replace", path: "/age", value: 37 },
        { op: "add", path: "/tags", value: ["a"] },
        { op: "add", path: "/tags/-", value: "b" },
        { op: "copy", from: "/tags/0", path: "/first" },
        { op: "move", from: "/custom", path: "/old~1custom" },
        { op: "remove", path: "/phone" },
      ];
      await put().send(patch).expect(200);
      const { login, email } = ADA;
      const changed = { login, email, age: 37, tags: ["a", "b"], first: "a", "old/custom": "c-1" };
      expect(await kit.profileOf(token)).to.deep.equal(changed);
      await fails(kit.call("get", "/v1/user/custom/c-1"), "not found");
    });

    it("destroys nothing with a JSON Patch that fails", async () => {
      for (const patch of [
        [
          { op: "remove", path: "/age" },
          { op: "test", path: "/login", value: "bo" },
        ],
        [{ op: "replace", path: "", value: [] }],
        [{ op: "add", path: "/a/b", value: 1 }],
        [{ op: "replace", path: "/toString", value: 1 }],
        [{ op: "copy", from: "/__proto__", path: "/a" }],
        [{ op: "add", path: "/__proto__", value: {} }],
        [{ op: "frobnicate", path: "/age" }],
        [{ op: "add", path: "age", value: 1 }],
        [{ op: "add", path: 5, value: 1 }],
        [{ op: "add" }],
        [null, "x", 1],
      ])
        await fails(put().send(patch), "error updating user");
      expect(await kit.profileOf(token)).to.deep.equal(ADA);
    });

    it("refuses a JSON Patch that would grow without end", async () => {
      const doubling = Array.from({ length: 40 }, () => ({ op: "copy", from: "/a", path: "/a/-" }));
      await fails(
        put().send([{ op: "add", path: "/a", value: ["x"] }, ...doubling]),
        "record is too large",
        413,
      );
      const many = Array.from({ length: 101 }, () => ({ op: "copy", from: "/age", path: "/b" }));
      await fails(put().send(many), "record is too large", 413);
      expect(await kit.profileOf(token)).to.deep.equal(ADA);
    });

    it("keeps a record within 256 KiB", async () => {
      for (const name of ["a", "b"])
        await put()
          .send({ [name]: "x".repeat(90_000) })
          .expect(200);
      await fails(put().send({ c: "x".repeat(90_000) }), "record is too large", 413);
    });

    it("moves the index with the fields, and frees what was given up", async () => {
      await put().send({ login: "lovelace", email: "l@example.org", phone: null }).expect(200);
      expect(
        (await kit.call("get", "/v1/user/email/l@example.org").expect(200)).body.token,
      ).to.equal(token);
      for (const path of ["login/ada", "email/ada@example.org", "phone/07911123456"])
        await fails(kit.call("get", `/v1/user/${path}`), "not found");
      await kit.create({ login: "ada", email: "ada@example.org", phone: "07911123456" });
    });

    it("refuses what another user has, and changes nothing", async () => {
      await kit.create({ login: "bo", email: "bo@example.org" });
      await fails(put().send({ email: "BO@example.org", age: 1 }), "record not found");
      expect(await kit.profileOf(token)).to.deep.equal(ADA);
    });

    it("says what is wrong", async () => {
      await fails(put(), "empty request body");
      await fails(put().send([]), "empty request body");
      await fails(put().type("text/plain").send('{"a":1}'), "failed to decode request body");
      await fails(put().type("json").send('{"a'), "failed to decode request body");
      await fails(put("name/x").send({ a: 1 }), "bad mode");
      await fails(put("token/x").send({ a: 1 }), "bad uuid");
      await fails(put(`token/${UNKNOWN}`).send({ a: 1 }), "not found");
      await kit.call("delete", "/v1/user/login/ada").expect(200);
      await fails(put(`token/${token}`).send({ a: 1 }), "user record not found");
    });

    it("needs a caller who may", async () => {
      for (const by of ["", UNKNOWN])
        for (const path of ["login/ada", "login/nobody", "name/x"])
          await isDenied(kit.call("put", `/v1/user/${path}`, by).send({ a: 1 }));
      await kit
        .call("put", "/v1/user/login/ada", await kit.callers.nameCaller("shop", "app"))
        .send({ a: 1 })
        .expect(200);
    });

    it("makes a request of a data subject's own change, once", async () => {
      const by = await kit.logIn(token);
      const change = () => kit.call("put", "/v1/user/login/ada", by).send({ age: 1 });
      const first = await change().expect(200);
      const { rtoken } = first.body;
      expect(first.body).to.deep.equal({ status: "ok", result: "request-created", rtoken });
      const second = await change().expect(200);
      expect(second.body).to.deep.equal({ status: "ok", result: "request-exists", rtoken });
      expect(await kit.profileOf(token)).to.deep.equal(ADA);
      const [event] = (await kit.events(token)).filter(
        ({ message }) => message === "request-created",
      );
      expect(event?.title).to.equal("user change-profile request");
    });

    it("lets a data subject change their record when vault.selfService.changeProfile says so, but not what is marked admin", async () => {
      const schema = { properties: { plan: { type: "string", admin: true } } };
      await open({ schema, selfService: { changeProfile: true } });
      const own = await kit.create({ login: "ada", plan: "free" });
      const by = await kit.logIn(own);
      await kit
        .call("put", `/v1/user/token/${own}`, by)
        .send({ age: 1, plan: "free" })
        .expect(200, { status: "ok", token: own });
      const answer = await kit
        .call("put", `/v1/user/token/${own}`, by)
        .send({ plan: "gold" })
        .expect(200);
      expect(answer.body.result).to.equal("request-created");
      expect(await kit.profileOf(own)).to.deep.equal({ login: "ada", plan: "free", age: 1 });
    });
  });

  describe("DELETE /v1/user/:mode/:id", () => {
    let token: string;
    beforeEach(async () => {
      token = await kit.create(ADA);
    });
    const remove = (path: string, by?: string) => kit.call("delete", `/v1/user/${path}`, by);

    it("erases: the token stays, empty, and nothing else finds the user", async () => {
      const key = await kit.opened.directory.keyOf(token);
      expect(key).to.have.length(32);
      await remove("email/ada@example.org").expect(200, { status: "ok", result: "done" });
      await kit
        .call("get", `/v1/user/token/${token}`)
        .expect(200, { status: "ok", token, data: {} });
      for (const path of ["login/ada", "phone/07911123456", "custom/c-1"])
        await fails(kit.call("get", `/v1/user/${path}`), "not found");
      expect(await kit.opened.keyring.subjects.find(`user:${token}`)).to.equal(undefined);
      expect(await kit.opened.documents.list("userIndex")).to.deep.equal([]);
      expect(await kit.opened.documents.list("app")).to.deep.equal([]);
      expect((await kit.opened.documents.find("user", token))?.length).to.equal(12);
      expect(await kit.create(ADA)).not.to.equal(token);
      expect((await kit.opened.trail.verify()).isIntact).to.equal(true);
    });

    it("leaves nothing in the trail that can be read", async () => {
      const key = await kit.opened.directory.keyOf(token);
      if (key === undefined) throw new Error("no key");
      await kit.call("put", "/v1/user/login/ada").send({ age: 1 }).expect(200);
      const before = await kit.events(token);
      expect(before.map((event) => openPersonal(event, key).after)).to.deep.equal([
        { ...ADA, age: 1 },
        ADA,
      ]);
      await remove("login/ada").expect(200);
      expect(JSON.stringify(await kit.events(token))).not.to.match(/example|7911|lovelace/);
      expect((await kit.events(token))[0]).to.include({
        title: "delete user record by login",
        status: "ok",
      });
    });

    it("says what is wrong", async () => {
      await fails(remove("name/ada"), "bad mode");
      await fails(remove("token/ada"), "bad uuid");
      await fails(remove(`token/${UNKNOWN}`), "not found");
      await fails(remove("login/nobody"), "not found");
      await remove("email/nobody@example.org").expect(200, { status: "ok", result: "done" });
      await remove(`token/${token}`).expect(200);
      await fails(remove(`token/${token}`), "internal error");
    });

    it("needs a caller who may", async () => {
      for (const role of ["app", "dpo", "support", "auditor"] as const)
        await isDenied(remove("login/ada", await kit.callers.nameCaller(role, role)));
      for (const path of ["login/ada", "email/nobody@example.org", "name/x"])
        await isDenied(remove(path, ""));
    });

    it("makes a request of a data subject's own erasure, unless vault.selfService.forgetMe says otherwise", async () => {
      const answer = await remove(`token/${token}`, await kit.logIn(token)).expect(200);
      expect(answer.body).to.deep.include({ status: "ok", result: "request-created" });
      expect(answer.body.rtoken).to.match(UUID);
      await isDenied(remove("email/nobody@example.org", await kit.logIn(token)));
      expect(await kit.profileOf(token)).to.deep.equal(ADA);
      await open({ selfService: { forgetMe: true } });
      const own = await kit.create(ADA);
      await remove("login/ada", await kit.logIn(own)).expect(200, { status: "ok", result: "done" });
    });

    it("leaves what the schema preserves, under a new key and with its index", async () => {
      const preserve = { type: "string", preserve: true };
      await open({
        schema: { properties: { email: preserve, tax: { properties: { id: preserve } } } },
      });
      const own = await kit.create({ ...ADA, tax: { id: "T1", rate: 5 } });
      await kit.call("post", `/v1/userapp/token/${own}/shop`).send({ a: 1 }).expect(200);
      const key = await kit.opened.directory.keyOf(own);
      await remove(`token/${own}`).expect(200);
      const left = { email: "ada@example.org", tax: { id: "T1" } };
      expect(
        (await kit.call("get", "/v1/user/email/ada@example.org").expect(200)).body.data,
      ).to.deep.equal(left);
      await fails(kit.call("get", "/v1/user/login/ada"), "not found");
      expect(await kit.opened.keyring.subjects.find(`user:${own}`)).to.equal(undefined);
      expect(await kit.opened.directory.keyOf(own)).not.to.deep.equal(key);
      await fails(kit.call("get", `/v1/userapp/token/${own}/shop`), "not found");
      await kit.call("put", `/v1/user/token/${own}`).send({ note: 1 }).expect(200);
    });
  });

  describe("POST /v1/users", () => {
    const list = (query = "", by?: string) => kit.call("post", `/v1/users${query}`, by);

    it("is switched off", async () => {
      await fails(list(), "access denied", 403);
      await isDenied(list("", ""));
      await isDenied(list("", await kit.callers.nameCaller("shop", "app")));
      await kit.call("get", "/v1/users").expect(405);
    });

    it("lists profiles by token, last first; erased users count", async () => {
      await open({ isListAllowed: true });
      const tokens: string[] = [];
      for (let index = 0; index < 13; index += 1)
        tokens.push(await kit.create({ login: `u${index}`, ż: "ß" }));
      const sorted = tokens.toSorted().toReversed();
      const answer = await list().expect(200);
      expect(answer.body.status).to.equal("ok");
      expect(answer.body.total).to.equal(13);
      expect(answer.body.rows.map(({ token }: { token: string }) => token)).to.deep.equal(
        sorted.slice(0, 10),
      );
      const [row] = answer.body.rows;
      const profile = JSON.parse(Buffer.from(row.private, "base64").toString("utf8"));
      expect(profile).to.deep.equal(await kit.profileOf(row.token));
      expect(Object.keys(row)).to.deep.equal(["private", "token"]);
      await kit.call("delete", `/v1/user/token/${sorted[0]}`).expect(200);
      const rest = await list("?offset=0&limit=100").expect(200);
      expect([rest.body.total, rest.body.rows.length]).to.deep.equal([13, 12]);
      for (const query of ["?limit=0", "?limit=-1", "?limit=x"])
        expect((await list(query).expect(200)).body.rows.length, query).to.equal(9);
      expect((await list("?offset=12").expect(200)).body.rows).to.have.length(1);
      expect((await list("?offset=13&limit=5").expect(200)).body.rows).to.deep.equal([]);
      const [event] = await kit.events();
      expect(event).to.include({ title: "get all user records", status: "ok" });
    });
  });

  describe("a schema", () => {
    const schema = {
      $schema: "http://json-schema.org/draft/2019-09/schema#",
      type: "object",
      required: ["login"],
      additionalProperties: false,
      properties: {
        login: { type: "string", locked: true },
        email: { type: "string", format: "email" },
        age: { type: "integer", minimum: 0 },
      },
    };
    beforeEach(() => open({ schema }));

    it("is enforced on creation, in words that quote nothing of the record", async () => {
      const post = (profile: object) => kit.call("post", "/v1/user").send(profile);
      await fails(post({ email: "ada@example.org" }), "user schema error: #/required/login");
      await fails(post({ login: "ada", secret: "s" }), "user schema error: #/additionalProperties");
      await fails(post({ login: "ada", age: -1 }), "user schema error: #/properties/age/minimum");
      await post({ login: "ada", age: 1, email: "no format is asked for" }).expect(200);
    });

    it("is enforced on changes of either kind", async () => {
      const token = await kit.create({ login: "ada", age: 1 });
      const put = (patch: object) => kit.call("put", `/v1/user/token/${token}`).send(patch);
      await fails(put({ age: "old" }), "schema validation error: #/properties/age/type");
      await fails(
        put([{ op: "add", path: "/x", value: 1 }]),
        "schema validation error: #/additionalProperties",
      );
      await fails(put([{ op: "remove", path: "/x" }]), "schema validation error: JSON Patch");
      await fails(put({ login: "eve" }), "schema validation error: locked");
      await put({ age: 2, login: "ada" }).expect(200);
      expect(await kit.profileOf(token)).to.deep.equal({ login: "ada", age: 2 });
    });
  });

  describe("a restricted record", () => {
    it("is neither changed nor used nor erased; the data subject and the dpo see it", async () => {
      const token = await kit.create(ADA);
      await kit.opened.documents.commit([restrictionChange(token, 1)]);
      const path = `/v1/user/token/${token}`;
      const shop = await kit.callers.nameCaller("shop", "app");
      for (const by of [undefined, shop])
        await fails(kit.call("get", path, by), "record is restricted");
      await fails(kit.call("put", path).send({ a: 1 }), "record is restricted");
      await fails(kit.call("delete", path), "record is restricted");
      await fails(
        kit.call("post", `/v1/userapp/token/${token}/shop`).send({ a: 1 }),
        "record is restricted",
      );
      await kit.call("get", path, await kit.logIn(token)).expect(200);
      await kit.call("get", path, await kit.callers.nameCaller("dora", "dpo")).expect(200);
      await kit.opened.documents.commit([restrictionChange(token, undefined)]);
      await kit.call("put", path).send({ a: 1 }).expect(200);
    });

    it("is left out of the list, unless the dpo asks", async () => {
      await open({ isListAllowed: true });
      const [ada, bob] = [await kit.create(ADA), await kit.create({ login: "bob" })];
      await kit.opened.documents.commit([restrictionChange(ada, 1)]);
      const listed = async (by?: string) => {
        const { body } = await kit.call("post", "/v1/users", by).expect(200);
        return [body.total, body.rows.map(({ token }: { token: string }) => token)];
      };
      expect(await listed()).to.deep.equal([2, [bob]]);
      const dora = await kit.callers.nameCaller("dora", "dpo");
      expect(await listed(dora)).to.deep.equal([2, [ada, bob].toSorted().toReversed()]);
    });
  });

  describe("under vault.dialect.statusCodes: strict", () => {
    it("answers 400, 401, 403, 404 and 409", async () => {
      await open({ statusCodes: "strict" });
      const token = await kit.create(ADA);
      await fails(
        kit.call("post", "/v1/user").send({ login: "ada" }),
        "duplicate index: login",
        409,
      );
      await fails(kit.call("put", `/v1/user/token/${UNKNOWN}`).send({ a: 1 }), "not found", 404);
      await fails(kit.call("get", "/v1/user/name/x"), "bad mode", 400);
      await fails(
        kit.call("get", `/v1/user/token/${token}`, ""),
        "access token is missing or invalid",
        401,
      );
    });
  });

  it("writes exactly one event for each request, allowed, refused or failed", async () => {
    const requests = [
      () => kit.call("post", "/v1/user").send(ADA),
      () => kit.call("post", "/v1/user").send(ADA),
      () => kit.call("post", "/v1/user").type("json").send('{"a'),
      () => kit.call("post", "/v1/user", "").send(ADA),
      () => kit.call("get", "/v1/user/login/ada"),
      () => kit.call("get", "/v1/user/ada@example.org/ada"),
      () => kit.call("get", "/v1/user/login/nobody"),
      () => kit.call("get", "/v1/user/login/ada", UNKNOWN),
      () => kit.call("put", "/v1/user/login/ada").send({ a: 1 }),
      () => kit.call("put", "/v1/user/login/ada").send([{ op: "x" }]),
      () => kit.call("delete", "/v1/user/login/ada"),
      () => kit.call("delete", "/v1/user/login/ada"),
      () => kit.call("post", "/v1/users"),
    ];
    for (const send of requests) {
      const before = (await kit.events()).length;
      await send();
      expect((await kit.events()).length).to.equal(before + 1);
    }
    const trail = (await kit.events()).map(({ title, status, message, mode }) => [
      title,
      status,
      message,
      mode,
    ]);
    expect(trail.toReversed()).to.deep.equal([
      ["create user record", "ok", undefined, undefined],
      ["create user record", "error", "duplicate-login", undefined],
      ["create user record", "error", "body-invalid", undefined],
      ["create user record", "denied", "access-denied", undefined],
      ["get user record by login", "ok", undefined, "login"],
      ["get user record by unknown mode", "error", "mode-invalid", undefined],
      ["get user record by login", "error", "not-found", "login"],
      ["get user record by login", "denied", "access-denied", "login"],
      ["change user record by login", "ok", undefined, "login"],
      ["change user record by login", "error", "patch-failed", "login"],
      ["delete user record by login", "ok", undefined, "login"],
      ["delete user record by login", "error", "not-found", "login"],
      ["get all user records", "error", "list-disabled", undefined],
    ]);
  });

  it("leaves nobody readable in the store's files, in the event log or in an error", async () => {
    const errors: string[] = [];
    for (const { name, email, phone, login } of PEOPLE) {
      const token = await kit.create({ name, email, phone, login });
      const path = `/v1/user/token/${token}`;
      await kit.call("put", path).send({ custom: login, note: name }).expect(200);
      await kit.call("post", `/v1/userapp/login/${login}/shop`).send({ name, email }).expect(200);
      await kit.call("get", `/v1/user/email/${encodeURIComponent(email)}`).expect(200);
      for (const failed of [
        kit.call("get", `/v1/user/${login}/${encodeURIComponent(email)}`),
        kit.call("get", `/v1/user/email/x${encodeURIComponent(email)}`),
        kit.call("post", "/v1/user").send({ email, name }),
        kit.call("post", "/v1/user").type("json").send(`{"email":"${email}`),
        kit.call("put", path).send([{ op: "test", path: `/${name}`, value: email }]),
        kit.call("post", `/v1/userapp/login/${login}/${encodeURIComponent(email)}`).send({ name }),
      ])
        errors.push((await failed).text);
    }
    expect(findPerson(errors.join("\n"))).to.deep.equal([]);
    for (const file of filesOf(kit.opened.folder.path))
      expect(findPerson(readFileSync(file)), file).to.deep.equal([]);
  });
});

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}
