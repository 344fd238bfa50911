import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import * as fc from "fast-check";
import request from "supertest";
import { OWN_CALLERS } from "../../src/callers/caller.ts";
import { GIVEN_ROLES } from "../../src/callers/role.ts";
import { openCallers } from "../kit/opened-callers.ts";
import type { OpenedCallers } from "../kit/opened-callers.ts";
import { ROOT_TOKEN, openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SESSION = "/v1/session/a136d258-d605-e69e-0e4d-fe20460fbcf9";
const DAY_S = 86_400;
const CANARY = "planted-canary-4711";

describe("caller routes", () => {
  let opened: OpenedVault;
  let callers: OpenedCallers;
  beforeEach(async () => {
    opened = await openVaultForTest();
    callers = openCallers(opened);
  });
  afterEach(() => opened.close());

  const post = (body?: object | string, token = ROOT_TOKEN) =>
    request(callers.app).post("/v1/caller").set("x-bunker-token", token).type("json").send(body);
  const list = (token = ROOT_TOKEN) =>
    request(callers.app).get("/v1/callers").set("x-bunker-token", token);
  const remove = (name: string, token = ROOT_TOKEN) =>
    request(callers.app).delete(`/v1/caller/${name}`).set("x-bunker-token", token);
  const failure = (message: string) => ({ status: "error", message });
  const eventsOf = async () => {
    const { rows } = await opened.trail.list({ offset: 0, limit: 100 });
    return rows.toReversed();
  };
  /** As root wants it and as it is answered to whoever may: 405 is past the permission, 403 is not. */
  const storeSession = (token: string) =>
    request(callers.app).post(SESSION).set("x-bunker-token", token).send({ a: 1 });

  describe("POST /v1/caller", () => {
    it("gives out a token that may what its role may, and nothing else", async () => {
      const answer = await post({ name: "shop", role: "app" }).expect(200);
      expect(answer.body.status).to.equal("ok");
      expect(Object.keys(answer.body)).to.deep.equal(["status", "xtoken"]);
      expect(answer.body.xtoken).to.match(UUID);
      await storeSession(answer.body.xtoken).expect(200);
      await storeSession(answer.body.xtoken.toUpperCase()).expect(200);
      expect((await list(answer.body.xtoken).expect(403)).text).to.equal("Access denied");
    });

    it("takes every role that can be given, as a form too", async () => {
      for (const role of GIVEN_ROLES) {
        const answer = await request(callers.app)
          .post("/v1/caller")
          .set("x-bunker-token", ROOT_TOKEN)
          .type("form")
          .send({ name: `a-${role}`, role, expiration: "30d" })
          .expect(200);
        expect(answer.body.xtoken).to.match(UUID);
      }
      expect((await list()).body.rows.map(({ role }: { role: string }) => role)).to.deep.equal(
        GIVEN_ROLES.toSorted(),
      );
    });

    it("makes neither root nor login, and takes no name that is not one", async () => {
      const names = [
        "",
        "A",
        "anna b",
        "1a",
        "a".repeat(65),
        "é",
        ...OWN_CALLERS.map(({ name }) => name),
      ];
      const bodies = [
        ...["root", "login", "", "DPO", "toString", null, 5].map((role) => ({ name: "a", role })),
        ...[...names, "login:1", undefined, null, 5, ["a"], {}].map((name) => ({
          name,
          role: "app",
        })),
      ];
      for (const body of bodies) {
        const answer = await post(body).expect(405);
        expect(answer.body, JSON.stringify(body)).to.deep.equal(failure("bad caller"));
      }
      expect((await list()).body.rows).to.deep.equal([]);
      await post({ name: `a${".-_9".repeat(15)}abc`, role: "app" }).expect(200);
    });

    it("takes a name once, also when many ask at once", async () => {
      const bodies = Array.from({ length: 20 }, () => ({ name: "anna", role: "support" }));
      const answers = await Promise.all(bodies.map((body) => post(body)));
      const taken = answers.filter(({ status }) => status === 200);
      const refused = answers.filter(({ status }) => status === 405);
      expect([taken.length, refused.length]).to.deep.equal([1, 19]);
      for (const { body } of refused) expect(body).to.deep.equal(failure("caller exists"));
      expect((await list()).body.total).to.equal(1);
    });

    it("refuses an expiration that would leave a key nobody meant", async () => {
      const values = [0, "0", "0d", "1w", -5, "-5", "99999d", true, {}, [], 1e300, 4e9];
      for (const expiration of values) {
        const answer = await post({ name: "a", role: "app", expiration }).expect(405);
        expect(answer.body, JSON.stringify(expiration)).to.deep.equal(failure("bad expiration"));
      }
    });

    it("wants a body it understands", async () => {
      expect((await post().expect(405)).body).to.deep.equal(failure("empty body"));
      expect((await post("{}").expect(405)).body).to.deep.equal(failure("empty body"));
      const broken = await post("{broken").expect(405);
      expect(broken.body).to.deep.equal(failure("failed to decode request body"));
    });

    it("repeats nothing of any body", async () => {
      const value = fc.oneof(fc.jsonValue(), fc.constant(CANARY));
      const body = fc.record({ name: value, role: value, expiration: value, [CANARY]: value });
      await fc.assert(
        fc.asyncProperty(body, async (sent) => {
          const answer = await post(sent);
          expect(answer.status).to.equal(405);
          expect(answer.text).not.to.include(CANARY);
        }),
        { numRuns: 50 },
      );
      expect(opened.events.text()).not.to.include(CANARY);
      expect(JSON.stringify(await eventsOf())).not.to.include(CANARY);
    });
  });

  describe("GET /v1/callers", () => {
    it("lists all by name, without their tokens", async () => {
      const nowS = opened.clock.now() / 1000;
      await callers.nameCaller("zoe", "dpo");
      await callers.nameCaller("anna", "support", "90d");
      const { body, text } = await list().expect(200);
      expect(body).to.deep.equal({
        status: "ok",
        total: 2,
        rows: [
          { name: "anna", role: "support", creationtime: nowS, endtime: nowS + 90 * DAY_S },
          { name: "zoe", role: "dpo", creationtime: nowS },
        ],
      });
      expect(text).not.to.match(/[0-9a-f]{32}|xtoken/);
    });
  });

  describe("DELETE /v1/caller/:name", () => {
    it("takes effect at once, also when the token has just been used", async () => {
      const token = await callers.nameCaller("shop", "app");
      await storeSession(token).expect(200);
      expect((await remove("shop").expect(200)).body).to.deep.equal({ status: "ok" });
      await storeSession(token).expect(403);
      expect((await remove("shop").expect(405)).body).to.deep.equal(failure("not found"));
    });

    it("lets no token back in that was being looked up while it was removed", async () => {
      for (let round = 0; round < 10; round += 1) {
        const token = await callers.nameCaller("shop", "app");
        const racing = [storeSession(token), storeSession(token), remove("shop")];
        await Promise.all([...racing, storeSession(token)]);
        await storeSession(token).expect(403);
      }
    });

    it("frees the name, and the old token stays dead", async () => {
      const old = await callers.nameCaller("shop", "app");
      await remove("shop").expect(200);
      const present = await callers.nameCaller("shop", "app");
      await storeSession(old).expect(403);
      await storeSession(present).expect(200);
    });

    it("removes whoever was given a name before that was reserved", async () => {
      const wanted = { name: "upstream", role: "app", expiresAtMs: undefined } as const;
      const { token, changes } = await callers.tokens.named.prepare(wanted);
      await opened.documents.commit([...changes]);
      await storeSession(token).expect(200);
      await remove("upstream").expect(200);
      await storeSession(token).expect(403);
    });

    it("knows nobody by what is not a name", async () => {
      for (const name of ["Anna", "a%2Fb", "%00"])
        expect((await remove(name).expect(405)).body).to.deep.equal(failure("bad caller"));
      for (const name of ["anna", "root"])
        expect((await remove(name).expect(405)).body).to.deep.equal(failure("not found"));
    });
  });

  describe("a token", () => {
    it("ends on its millisecond, without a sweep, and its name is free again", async () => {
      const token = await callers.nameCaller("shop", "app", "1h");
      opened.clock.advance(3_599_999);
      await storeSession(token).expect(200);
      opened.clock.advance(1);
      await storeSession(token).expect(403);
      expect((await list()).body.rows).to.deep.equal([]);
      const next = await callers.nameCaller("shop", "app");
      await storeSession(next).expect(200);
      await storeSession(token).expect(403);
    });

    it("does not come back when the machine's clock is set back", async () => {
      const token = await callers.nameCaller("shop", "app", "1h");
      opened.clock.advance(3_600_000);
      await opened.keyring.advanceHighWater(opened.clock.now());
      opened.clock.jumpTo(opened.clock.now() - 3_600_000);
      await storeSession(token).expect(403);
    });

    it("is in no file of the store, in no log and in no event", async () => {
      const tokens = [
        await callers.nameCaller("anna", "support"),
        await callers.nameCaller("shop", "app", "1h"),
        await callers.tokens.logIns.create("11111111-2222-3333-4444-555555555555"),
      ];
      for (const token of tokens) await list(token).expect(403);
      await remove("anna").expect(200);
      const raw = await readAll(opened.folder.path);
      expect(raw).to.include('["named","shop"]');
      for (const token of tokens) {
        for (const spelling of [token, token.toUpperCase(), token.replaceAll("-", "")])
          expect(raw).not.to.include(spelling);
        const bytes = Buffer.from(token.replaceAll("-", ""), "hex").toString("latin1");
        expect(raw).not.to.include(bytes);
        expect(opened.events.text()).not.to.include(token);
        expect(JSON.stringify(await eventsOf())).not.to.include(token);
      }
    });
  });

  describe("everybody but root", () => {
    it("is denied before anything is looked at, with the same answer whether or not it is there", async () => {
      await callers.nameCaller("anna", "support");
      const tokens = ["DEMO", "00000000-0000-0000-0000-000000000000", ""];
      for (const role of GIVEN_ROLES) tokens.push(await callers.nameCaller(`a-${role}`, role));
      tokens.push(await callers.tokens.logIns.create("11111111-2222-3333-4444-555555555555"));
      for (const token of tokens) {
        const calls = [
          list(token),
          remove("anna", token),
          remove("nobody", token),
          remove("not a name", token),
          post({ name: "b", role: "app" }, token),
          post("{broken", token),
          post({ a: "x".repeat(200_000) }, token),
        ];
        for (const answer of await Promise.all(calls)) {
          expect(answer.status).to.equal(403);
          expect(answer.text).to.equal("Access denied");
          expect(answer.headers["content-type"]).to.equal("text/plain; charset=utf-8");
        }
      }
      expect((await list()).body.total).to.equal(1 + GIVEN_ROLES.length);
    });
  });

  describe("the trail", () => {
    it("has one event for each call, allowed, failed or denied, with who and whom", async () => {
      const token = await callers.nameCaller("anna", "support");
      await post({ name: "anna", role: "app" }).expect(405);
      await list().expect(200);
      await list(token).expect(403);
      await remove("anna", token).expect(403);
      await remove("anna").expect(200);
      await remove("anna").expect(405);
      await list(token).expect(403);
      const told = (await eventsOf()).map(
        ({ title, status, message, subject, caller }) =>
          `${title} ${subject ?? "-"} ${status} ${message ?? "-"} by ${caller?.name ?? "nobody"} ${caller?.role ?? ""}`,
      );
      expect(told).to.deep.equal([
        "create caller caller:anna ok support by root root",
        "create caller caller:anna error caller-exists by root root",
        "view callers - ok - by root root",
        "view callers - denied access-denied by anna support",
        "remove caller - denied access-denied by anna support",
        "remove caller caller:anna ok - by root root",
        "remove caller caller:anna error not-found by root root",
        "view callers - denied access-denied by nobody ",
      ]);
      expect(await opened.trail.verify()).to.include({ isIntact: true, events: 8 });
    });
  });
});

/** All files under `path`, as one text of single bytes. */
async function readAll(path: string): Promise<string> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const contents = await Promise.all(
    files.map((file) => readFile(join(file.parentPath, file.name), "latin1")),
  );
  return contents.join("\n");
}
