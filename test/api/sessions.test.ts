import { expect } from "chai";
import * as fc from "fast-check";
import request from "supertest";
import type { Test } from "supertest";
import { parseSessionToken } from "../../src/token/session-token.ts";
import { ROOT_TOKEN, openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const VISIT = {
  address: "198.51.100.237",
  userAgent: "Mozilla/5.0 (X11; Linux x86_64) <b>Firefox</b>/133.7",
  cookieHeader: "PHPSESSID=ada7k2m9",
  host: "shop.example.org",
};
const ID = "A136D258-d605-e69e-0e4d-FE20460fbcf9";
const PATH = `/v1/session/${ID}`;
const CANARY = "planted-canary-4711";

describe("session routes", () => {
  let opened: OpenedVault;
  before(async () => {
    opened = await openVaultForTest();
  });
  after(() => opened.close());

  const asRoot = (test: Test) => test.set("x-bunker-token", ROOT_TOKEN);
  const get = (path: string) => asRoot(request(opened.app).get(path));
  const post = (path: string, body?: object | string) =>
    asRoot(request(opened.app).post(path)).send(body);
  const remove = (path: string) => asRoot(request(opened.app).delete(path));
  const failure = (message: string) => ({ status: "error", message });

  describe("GET", () => {
    it("looks a token up in either spelling and either letter case", async () => {
      const { uuid, address } = await opened.visit(VISIT);
      const spellings = [uuid, uuid.toUpperCase(), address, address.toUpperCase()];
      for (const spelling of [...spellings, `session/${uuid}`]) {
        const answer = await get(`/v1/session/${spelling}`).expect(200);
        expect(answer.headers["content-type"]).to.equal("application/json; charset=utf-8");
        expect(answer.body).to.deep.equal({
          status: "ok",
          session: uuid,
          when: opened.clock.now() / 1000,
          data: {
            clientip: VISIT.address,
            "user-agent": VISIT.userAgent,
            cookie: VISIT.cookieHeader,
            host: VISIT.host,
          },
        });
      }
    });

    it("escapes what a browser could take for markup, as Databunker does", async () => {
      const { uuid } = await opened.visit(VISIT);
      const { text } = await get(`/v1/session/${uuid}`).expect(200);
      expect(text).to.include("\\u003cb\\u003e");
      expect(text).not.to.include("<b>");
    });

    it("takes the token as a bearer too", async () => {
      const { uuid } = await opened.visit(VISIT);
      await request(opened.app)
        .get(`/v1/session/${uuid}`)
        .auth(ROOT_TOKEN, { type: "bearer" })
        .expect(200);
    });

    it("has no ETag and turns no look-up into a 304", async () => {
      const { uuid } = await opened.visit(VISIT);
      const answer = await get(`/v1/session/${uuid}`).set("if-none-match", "*").expect(200);
      expect(answer.headers).not.to.have.property("etag");
      expect(answer.headers["cache-control"]).to.equal("no-store");
    });

    it("answers HEAD like GET, without the body", async () => {
      const { uuid } = await opened.visit(VISIT);
      const full = await get(`/v1/session/${uuid}`);
      const answer = await asRoot(request(opened.app).head(`/v1/session/${uuid}`)).expect(200);
      expect(answer.headers["content-length"]).to.equal(full.headers["content-length"]);
      expect(answer.text).to.equal(undefined);
    });

    it("says not found for what is unknown and for what is no id at all", async () => {
      const ids = [ID, "x", "192.0.2.1", "%00", "a%2Fb", "__proto__", "x".repeat(5000)];
      for (const id of ids) {
        const answer = await get(`/v1/session/${id}`).expect(405);
        expect(answer.body, id).to.deep.equal(failure("not found"));
      }
    });

    it("takes a reason in UTF-8 of 512 characters, and no longer one", async () => {
      const { uuid } = await opened.visit(VISIT);
      const ask = (reason: string) =>
        get(`/v1/session/${uuid}`).set("x-lookup-reason", Buffer.from(reason).toString("latin1"));
      await ask("ü".repeat(512)).expect(200);
      const answer = await ask(`${CANARY}${"x".repeat(512)}`).expect(405);
      expect(answer.body).to.deep.equal(failure("bad reason"));
    });

    it("reports a damaged record as a problem of its own, never as missing", async () => {
      const { uuid } = await opened.visit({ ...VISIT, address: "192.0.2.77" });
      const { epoch, tag } = parseSessionToken(uuid);
      await opened.store.sessions.remove(epoch, tag);
      const broken = { epoch, tag, addressMac: Buffer.alloc(16), record: Buffer.alloc(90, 1) };
      await opened.store.sessions.append([broken]);
      const answer = await get(`/v1/session/${uuid}`).expect(500);
      expect(answer.type).to.equal("application/problem+json");
      expect(answer.body).to.include({ status: 500, code: "open-failed" });
      expect(answer.text).not.to.include(uuid);
    });
  });

  describe("POST", () => {
    it("stores an object and gives it back whole, control fields too", async () => {
      const body = { cart: [1], expiration: "45s", login: "ada", token: "x", n: null };
      const answer = await post(PATH, body).expect(200);
      expect(answer.body).to.deep.equal({ status: "ok", session: ID.toLowerCase() });
      const found = await get(PATH).expect(200);
      expect(found.body).to.deep.include({ session: ID.toLowerCase(), data: body });
    });

    it("stores a form", async () => {
      await asRoot(request(opened.app).post(PATH)).type("form").send("a=1&a=2&b=x+y").expect(200);
      expect((await get(PATH)).body.data).to.deep.equal({ a: "1", b: "x y" });
    });

    it("replaces everything", async () => {
      await post(PATH, { a: 1 });
      await post(PATH, { b: 2 });
      expect((await get(PATH)).body.data).to.deep.equal({ b: 2 });
    });

    it("says what is wrong, in the dialect's words", async () => {
      const wrong = async (path: string, body: string, type: string) =>
        (await asRoot(request(opened.app).post(path)).type(type).send(body).expect(405)).body;
      expect(await wrong("/v1/session/x", '{"a":1}', "json")).to.deep.equal(failure("bad uuid"));
      expect(await wrong(PATH, "{}", "json")).to.deep.equal(failure("empty body"));
      expect(await wrong(PATH, '{"a":1}', "text")).to.deep.equal(failure("empty body"));
      expect(await wrong(PATH, "[1,2,3]", "json")).to.deep.equal(
        failure("failed to decode request body"),
      );
      expect(await wrong(PATH, '{"expiration":-5}', "json")).to.deep.equal(
        failure("bad expiration"),
      );
    });

    it("checks the id before the body", async () => {
      const answer = await post("/v1/session/x", "{broken").type("json").expect(405);
      expect(answer.body).to.deep.equal(failure("bad uuid"));
    });

    it("refuses more than 100 KiB with 413", async () => {
      const answer = await post(PATH, { a: "x".repeat(100 * 1024) }).expect(413);
      expect(answer.body).to.deep.equal(failure("request body is too large"));
    });

    it("gives a defined answer to any body and repeats nothing of it", async () => {
      const types = [
        "application/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "text/plain",
        "",
        "\u00e9",
      ];
      const deep = fc
        .nat(4000)
        .map((depth) => `${"[".repeat(depth)}"${CANARY}"${"]".repeat(depth)}`);
      const expiration = fc
        .anything()
        .map((value) => JSON.stringify({ [CANARY]: 1, expiration: value }) ?? "");
      const body = fc.oneof(
        fc.json().map((text) => `{"${CANARY}":${text}}`),
        fc.json().map((text) => `[${text},"${CANARY}"]`),
        fc.string().map((text) => `{"${CANARY}":${text}`),
        fc
          .uint8Array({ maxLength: 200 })
          .map((bytes) => Buffer.concat([bytes, Buffer.from(CANARY)])),
        deep,
        expiration,
      );
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...types), body, async (type, sent) => {
          const answer = await asRoot(request(opened.app).post(PATH))
            .set("content-type", type)
            .serialize((value: unknown) => value as string) // supertest would turn a Buffer into JSON
            .send(sent as string);
          expect(answer.status).to.be.oneOf([200, 405]);
          expect(answer.body).to.have.property("status", answer.status === 200 ? "ok" : "error");
          expect(answer.text).not.to.include(CANARY);
        }),
        { numRuns: 200 },
      );
      expect(opened.events.text()).not.to.include(CANARY);
      expect(opened.events.text()).not.to.include("unexpected");
    });
  });

  describe("DELETE", () => {
    it("answers ok whether anything was there or not", async () => {
      await post(PATH, { a: 1 });
      for (const _ of ["there", "gone"]) {
        expect((await remove(PATH).expect(200)).body).to.deep.equal({ status: "ok" });
        expect((await get(PATH).expect(405)).body).to.deep.equal(failure("not found"));
      }
    });

    it("removes a token of the proxy, by its address spelling too", async () => {
      const { uuid, address } = await opened.visit({ ...VISIT, address: "192.0.2.88" });
      await remove(`/v1/session/${address}`).expect(200);
      expect((await get(`/v1/session/${uuid}`).expect(405)).body).to.deep.equal(
        failure("not found"),
      );
    });

    it("says bad uuid for what is none", async () => {
      expect((await remove("/v1/session/x").expect(405)).body).to.deep.equal(failure("bad uuid"));
    });
  });

  describe("the caller", () => {
    it("comes first: 403 in plain text whatever else is wrong, and nothing is changed", async () => {
      await post(PATH, { kept: true });
      const { uuid } = await opened.visit(VISIT);
      const calls = [
        (path: string) => request(opened.app).get(path),
        (path: string) => request(opened.app).head(path),
        (path: string) => request(opened.app).delete(path),
        (path: string) => request(opened.app).post(path).type("json").send("{broken"),
        (path: string) =>
          request(opened.app)
            .post(path)
            .type("json")
            .send({ a: "x".repeat(200_000) }),
      ];
      for (const call of calls) {
        for (const path of [PATH, `/v1/session/${uuid}`, "/v1/session/x"]) {
          for (const token of [undefined, "DEMO", "00000000-0000-0000-0000-000000000000"]) {
            const test = call(path);
            const answer = await (token === undefined ? test : test.set("x-bunker-token", token));
            expect(answer.status).to.equal(403);
            expect(answer.headers["content-type"]).to.equal("text/plain; charset=utf-8");
            expect(answer.text ?? "Access denied").to.equal("Access denied");
          }
        }
      }
      expect((await get(PATH)).body.data).to.deep.equal({ kept: true });
    });
  });
});
