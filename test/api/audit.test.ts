import { expect } from "chai";
import type { Express } from "express";
import request from "supertest";
import { createControlPlane } from "../../src/api/control-plane.ts";
import type { Caller } from "../../src/callers/caller.ts";
import { encodeUser, keyNameOf } from "../../src/vault/users/user-record.ts";
import { openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const ADA = "11111111-4455-6677-8899-aabbccddeeff";
const BOB = "22222222-4455-6677-8899-aabbccddeeff";
const UNKNOWN = "33333333-4455-6677-8899-aabbccddeeff";

/** By what they send as their token. */
const CALLERS: Readonly<Record<string, Caller>> = {
  root: { name: "root", role: "root" },
  dpo: { name: "dora", role: "dpo" },
  auditor: { name: "max", role: "auditor" },
  support: { name: "sam", role: "support" },
  app: { name: "shop", role: "app" },
  ada: { name: "login", role: "login", subject: ADA },
  bob: { name: "login", role: "login", subject: BOB },
};

type Row = Readonly<Record<string, unknown>> & { readonly atoken: string };

describe("audit routes", () => {
  let opened: OpenedVault;
  let app: Express;
  let startedSeconds: number;

  beforeEach(async () => {
    opened = await openVaultForTest();
    const { vault, audit, metrics } = opened;
    const access = async (headers: { readonly [name: string]: unknown }) =>
      CALLERS[String(headers["x-bunker-token"])];
    app = createControlPlane({
      vault,
      audit,
      access,
      metrics,
      health: () => [],
      eventLog: opened.events.eventLog,
    });
    startedSeconds = opened.clock.now() / 1000;
    await createUser(ADA);
    await createUser(BOB);
    await tell(ADA, "create user record", { who: "ada@example.org", after: { name: "Ada" } });
    await tell(BOB, "create user record", { who: "bob@example.org", after: { name: "Bob" } });
    opened.clock.advance(10_000);
    const change = { who: "ada@example.org", before: { name: "Ada" }, after: { name: "Zoë" } };
    await tell(ADA, "change user record by email", change);
    await opened.trail.append({ title: "get session", status: "denied", caller: undefined });
  });
  afterEach(() => opened.close());

  async function createUser(token: string): Promise<void> {
    const key = await opened.keyring.subjects.create(keyNameOf(token, 0));
    const state = { counter: 0, generation: 0, indexKeys: [] };
    const value = encodeUser(token, state, {}, key);
    await opened.documents.commit([{ table: "user", key: token, value }]);
  }

  async function tell(
    subject: string,
    title: string,
    personal: { readonly who: string; readonly before?: unknown; readonly after: unknown },
  ): Promise<void> {
    const sealWith = await opened.directory.keyOf(subject);
    if (sealWith === undefined) throw new Error("no such user");
    const caller = { name: "shop", role: "app" } as const;
    const event = { title, status: "ok", message: "done", reason: "why", mode: "email" } as const;
    await opened.trail.append({ ...event, caller, subject, personal, sealWith, app: "shop" });
  }

  const get = (path: string, as = "root") => request(app).get(path).set("x-bunker-token", as);
  const rowsOf = async (path: string, as = "root") => {
    const answer = await get(path, as).expect(200);
    expect(answer.body).to.have.keys("status", "total", "rows");
    expect(answer.body.status).to.equal("ok");
    return answer.body as { readonly total: number; readonly rows: readonly Row[] };
  };
  const titlesOf = async (path: string) =>
    (await rowsOf(path)).rows
      .filter(({ title }) => title !== "view audit events")
      .map(({ title, record }) => `${String(title)} ${String(record)}`);
  const newest = async () => (await opened.trail.list({ offset: 0, limit: 1 })).rows[0];

  describe("GET /v1/audit/list/:usertoken", () => {
    it("lists the events about a user, newest first, in Databunker's columns", async () => {
      const { total, rows } = await rowsOf(`/v1/audit/list/${ADA}`);
      expect(total).to.equal(2);
      const [changed, created] = rows.map(({ atoken, ...row }) => {
        expect(atoken).to.match(/^[0-9a-f-]{36}$/);
        return row;
      });
      const both = {
        who: "ada@example.org",
        mode: "email",
        identity: "shop",
        role: "app",
        record: ADA,
        app: "shop",
        status: "ok",
        msg: "done",
        reason: "why",
        more: true,
        after: "",
      };
      expect(created).to.deep.equal({ ...both, when: startedSeconds, title: "create user record" });
      expect(changed).to.deep.equal({
        ...both,
        when: startedSeconds + 10,
        title: "change user record by email",
        before: "",
      });
    });

    it("is empty for a user of whom nothing is known, and takes either letter case", async () => {
      expect(await rowsOf(`/v1/audit/list/${UNKNOWN}`)).to.include({ total: 0 });
      expect(await rowsOf(`/v1/audit/list/${ADA.toUpperCase()}`)).to.include({ total: 2 });
    });

    it("shows data subjects their own events, and says the same of others' and of nobody's", async () => {
      expect(await rowsOf(`/v1/audit/list/${ADA}`, "ada")).to.include({ total: 2 });
      const answers = [];
      for (const token of [BOB, UNKNOWN]) {
        const { status, text, type } = await get(`/v1/audit/list/${token}`, "ada");
        answers.push({ status, text, type });
      }
      const denied = { status: 403, text: "Access denied", type: "text/plain" };
      expect(answers).to.deep.equal([denied, denied]);
    });

    it("says when it is no UUID", async () => {
      const answer = await get("/v1/audit/list/ada").expect(405);
      expect(answer.body).to.deep.equal({ status: "error", message: "bad uuid" });
    });

    it("keeps the events of an erased user, without what was personal in them", async () => {
      const { rows } = await rowsOf(`/v1/audit/list/${ADA}`);
      await opened.keyring.subjects.destroy(keyNameOf(ADA, 0));
      const after = await rowsOf(`/v1/audit/list/${ADA}`);
      const titles = after.rows.map(({ title }) => title);
      expect(titles).to.include.members(["create user record", "change user record by email"]);
      expect(JSON.stringify(after)).not.to.include("ada@example.org");
      const answer = await get(`/v1/audit/get/${String(rows[0]?.atoken)}`).expect(200);
      expect(answer.body).to.deep.equal({ status: "ok", event: {} });
      expect(await opened.trail.verify()).to.include({ isIntact: true });
    });
  });

  describe("GET /v1/audit/admin", () => {
    it("lists all events, with nobody as nobody", async () => {
      const { total, rows } = await rowsOf("/v1/audit/admin");
      expect(total).to.equal(4);
      const { atoken: _, when: __, ...denied } = rows[0] as Row;
      expect(denied).to.deep.equal({ title: "get session", status: "denied", more: false });
      expect(rows.map(({ who }) => who)).to.deep.equal([
        undefined,
        "ada@example.org",
        "bob@example.org",
        "ada@example.org",
      ]);
    });

    it("pages: ten unless told, a hundred at most, and no limit is not all", async () => {
      for (let index = 0; index < 120; index += 1)
        await opened.trail.append({ title: "t", status: "ok", caller: CALLERS["root"] });
      const lengthOf = async (query: string) =>
        (await rowsOf(`/v1/audit/admin${query}`)).rows.length;
      expect(await lengthOf("")).to.equal(10);
      expect(await lengthOf("?limit=3")).to.equal(3);
      expect(await lengthOf("?limit=101")).to.equal(100);
      for (const limit of ["0", "-1", "x", ""])
        expect(await lengthOf(`?limit=${limit}`)).to.equal(10);
      expect((await rowsOf("/v1/audit/admin?offset=5000")).rows).to.deep.equal([]);
    });

    it("filters by time, in unix seconds and as dates", async () => {
      const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
      const late = [`get session undefined`, `change user record by email ${ADA}`];
      const from = startedSeconds + 5;
      for (const text of [
        String(from),
        iso(from),
        iso(from).slice(0, 19),
        "2026-02-10T13:00:05%2B01:00",
      ])
        expect(await titlesOf(`/v1/audit/admin?from=${text}`), text).to.deep.equal(late);
      const early = await titlesOf(`/v1/audit/admin?to=${from}&title=create user record`);
      expect(early).to.deep.equal([`create user record ${BOB}`, `create user record ${ADA}`]);
      expect(await titlesOf(`/v1/audit/admin?to=${startedSeconds}`)).to.deep.equal([]);
      expect(await titlesOf("/v1/audit/admin?from=2026-02-11")).to.deep.equal([]);
    });

    it("filters by title, status and actor", async () => {
      const title = encodeURIComponent("change user record by email");
      expect((await rowsOf(`/v1/audit/admin?title=${title}`)).total).to.equal(1);
      expect((await rowsOf("/v1/audit/admin?status=denied")).total).to.equal(1);
      expect((await rowsOf("/v1/audit/admin?actor=shop")).total).to.equal(3);
      expect((await rowsOf(`/v1/audit/list/${ADA}?actor=nobody`)).total).to.equal(0);
      expect((await rowsOf("/v1/audit/admin?actor=shop&offset=2&limit=5")).rows).to.have.length(1);
    });

    it("refuses a filter that it does not understand, and does not repeat it", async () => {
      const wrong = ["from=canary", "to=2026-13-41", "from=1e9", "status=canary", "from=12:00"];
      for (const query of wrong) {
        const answer = await get(`/v1/audit/admin?${query}`).expect(405);
        expect(answer.body, query).to.deep.equal({ status: "error", message: "bad filter" });
      }
    });
  });

  describe("GET /v1/audit/get/:atoken", () => {
    const tokenOf = async (user: string) =>
      String((await rowsOf(`/v1/audit/list/${user}`)).rows[0]?.atoken);

    it("shows what an event changed", async () => {
      const answer = await get(`/v1/audit/get/${await tokenOf(ADA)}`).expect(200);
      const event = { before: { name: "Ada" }, after: { name: "Zoë" } };
      expect(answer.body).to.deep.equal({ status: "ok", event });
      const created = await get(`/v1/audit/get/${await tokenOf(BOB)}`).expect(200);
      expect(created.body.event).to.have.property("after");
    });

    it("is empty where nothing changed", async () => {
      const { rows } = await rowsOf("/v1/audit/admin");
      const answer = await get(`/v1/audit/get/${String(rows[0]?.atoken)}`).expect(200);
      expect(answer.body).to.deep.equal({ status: "ok", event: {} });
    });

    it("shows data subjects their own, and says the same of others', of nobody's and of what is not there", async () => {
      const own = await tokenOf(ADA);
      await get(`/v1/audit/get/${own}`, "ada").expect(200);
      const ofNobody = (await rowsOf("/v1/audit/admin?status=denied")).rows[0]?.atoken;
      for (const atoken of [await tokenOf(BOB), String(ofNobody), UNKNOWN]) {
        const answer = await get(`/v1/audit/get/${atoken}`, "ada").expect(403);
        expect(answer.text).to.equal("Access denied");
      }
    });

    it("says what is unknown and what is no UUID", async () => {
      const unknown = await get(`/v1/audit/get/${UNKNOWN}`).expect(405);
      expect(unknown.body).to.deep.equal({ status: "error", message: "not found" });
      const wrong = await get("/v1/audit/get/x").expect(405);
      expect(wrong.body).to.deep.equal({ status: "error", message: "bad uuid" });
    });
  });

  it("is for root, the data-protection officer and auditors; a data subject has the own events alone", async () => {
    const paths = [`/v1/audit/list/${ADA}`, "/v1/audit/admin", `/v1/audit/get/${UNKNOWN}`];
    const table: Record<string, readonly number[]> = {};
    for (const as of ["nobody", ...Object.keys(CALLERS)]) {
      table[as] = [];
      for (const path of paths) table[as] = [...table[as], (await get(path, as)).status];
    }
    expect(table).to.deep.equal({
      nobody: [403, 403, 403],
      root: [200, 200, 405],
      dpo: [200, 200, 405],
      auditor: [200, 200, 405],
      support: [403, 403, 403],
      app: [403, 403, 403],
      ada: [200, 403, 403],
      bob: [403, 403, 403],
    });
  });

  it("leaves one event of each view, whatever came of it", async () => {
    const calls = [
      [`/v1/audit/list/${ADA}`, "dpo", "view audit events", "ok", ADA],
      [`/v1/audit/list/${ADA}`, "bob", "view audit events", "denied", ADA],
      ["/v1/audit/list/x", "root", "view audit events", "error", undefined],
      ["/v1/audit/admin", "auditor", "view audit events", "ok", undefined],
      ["/v1/audit/admin", "nobody", "view audit events", "denied", undefined],
      ["/v1/audit/admin?from=x", "root", "view audit events", "error", undefined],
      [`/v1/audit/get/${UNKNOWN}`, "dpo", "view audit event", "error", undefined],
    ] as const;
    for (const [path, as, title, status, subject] of calls) {
      const before = (await newest())?.sequence ?? 0;
      await get(path, as);
      const event = await newest();
      expect(event, path).to.include({ sequence: before + 1, title, status });
      expect([event?.subject, event?.caller?.name]).to.deep.equal([subject, CALLERS[as]?.name]);
    }
  });

  it("shows the data subject who has looked at their events", async () => {
    await rowsOf(`/v1/audit/list/${ADA}`, "dpo");
    const [row] = (await rowsOf(`/v1/audit/list/${ADA}`, "ada")).rows;
    expect(row).to.include({ title: "view audit events", identity: "dora", role: "dpo" });
  });
});
