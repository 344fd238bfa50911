import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { AuditRecord } from "../../src/audit/event.ts";
import { openPersonal } from "../../src/audit/event.ts";
import { LogveilError } from "../../src/errors.ts";
import { openKeyring } from "../../src/keys/keyring.ts";
import type { HoldingPart } from "../../src/vault/rights/holdings.ts";
import { createUserRecordHolding } from "../../src/vault/rights/person-holdings.ts";
import { userTurn } from "../../src/vault/users/user-turn.ts";
import { RETENTION_MS, ROTATE_MS } from "../kit/opened-vault.ts";
import { openRights } from "../vault/opened-rights.ts";
import type { OpenedRights } from "../vault/opened-rights.ts";

const ADA = { email: "ada.canary@example.org", login: "ada-canary", name: "Ada Canary" };
const UNKNOWN = "a136d258-d605-e69e-0e4d-fe20460fbcf9";
const VISIT = {
  address: "198.51.100.237",
  userAgent: "Mozilla/5.0 canary",
  cookieHeader: "PHPSESSID=canary",
  host: "shop.example.org",
};

describe("data subject's rights", () => {
  let kit: OpenedRights;
  let ada: string;
  let session: string;
  let record: string;
  beforeEach(async () => {
    kit = await openRights();
    ada = await kit.createUser(ADA, { shipping: { street: "Canary Street" } });
    session = await kit.storeSession({ login: "ada-canary", cart: "canary cart" });
    record = await kit.share(`/v1/sharedrecord/email/${ADA.email}`, { reason: "ticket 7" });
  });
  afterEach(() => kit.close());

  const failure = (message: string) => ({ status: "error", message });
  const events = async (subject?: string): Promise<readonly AuditRecord[]> =>
    (await kit.opened.trail.list({ subject, offset: 0, limit: 1000 })).rows;
  const isIntact = async () =>
    expect(await kit.opened.trail.verify()).to.deep.include({ isIntact: true });

  describe("GET /v1/export/:mode/:id", () => {
    it("gives all that is held: record, apps, sessions, shared records, events with their contents", async () => {
      await kit.get(`/v1/get/${record}`).expect(200);
      const answer = await kit.get(`/v1/export/email/${ADA.email}`, "dpo").expect(200);
      const { data } = answer.body;
      expect(answer.body).to.deep.include({ status: "ok", token: ada });
      expect(Object.keys(data)).to.have.members(["profile", "apps", "sessions", "shared", "audit"]);
      expect(data.profile).to.deep.equal(ADA);
      expect(data.apps).to.deep.equal({ shipping: { street: "Canary Street" } });
      expect(data.sessions).to.have.length(1);
      expect(data.sessions[0].session).to.equal(session);
      expect(data.sessions[0].data.cart).to.equal("canary cart");
      expect(data.shared).to.have.length(1);
      expect(data.shared[0]).to.deep.include({ token: ada, reason: "ticket 7" });
      const titles = data.audit.map(({ title }: { readonly title: string }) => title);
      expect(titles).to.deep.equal([
        "create session",
        "create shareable record by email",
        "get shareable record by token",
      ]);
      expect(data.audit[1]).to.deep.include({ who: ADA.email, mode: "email", reason: "ticket 7" });
      expect(answer.text).not.to.include(record);
    });

    it("is an event about the person, and is in the next export", async () => {
      await kit
        .get(`/v1/export/token/${ada}`, "dpo")
        .set("x-lookup-reason", "request of 1 May")
        .expect(200);
      const [event] = await events(ada);
      expect(event).to.deep.include({
        title: "export data subject by token",
        status: "ok",
        reason: "request of 1 May",
      });
    });

    it("gives what is held of somebody who never logged in", async () => {
      const { uuid, address } = await kit.opened.visit(VISIT);
      await kit.share(`/v1/sharedrecord/session/${uuid}`);
      const answer = await kit.get(`/v1/export/session/${address}`, "root").expect(200);
      expect(answer.body.session).to.equal(uuid);
      expect(answer.body.data.sessions[0].data.clientip).to.equal(VISIT.address);
      expect(answer.body.data.shared).to.have.length(1);
      expect(answer.body.data.audit).to.have.length(1);
    });
  });

  describe("POST /v1/erase/:mode/:id", () => {
    it("destroys the key and all that is held, and gives a receipt", async () => {
      const key = await kit.opened.directory.keyOf(ada);
      const xtoken = await kit.accessTokens.logIns.create(ada);
      const path = `/v1/erase/email/${ADA.email}`;
      const answer = await kit.post(path, { reason: "request of 1 May" }, "dpo").expect(200);
      const now = kit.opened.clock.now() / 1000;
      const { receipt } = answer.body;
      expect(answer.body).to.deep.equal({ status: "ok", token: ada, receipt });
      expect(receipt).to.deep.equal({
        id: receipt.id,
        began: now,
        ended: now,
        keys: receipt.keys,
        erased: { logins: 1, profile: 1, apps: 1, shared: 1, audit: 3, sessions: 1 },
      });
      expect(receipt.keys).to.have.length(1);
      expect(receipt.keys[0]).to.match(/^[0-9a-f]{16}$/);
      expect(key?.toString("hex")).not.to.include(receipt.keys[0]);
      await kit.get(`/v1/get/${record}`).expect(403);
      expect(await kit.accessTokens.findCaller(xtoken)).to.equal(undefined);
      expect(await kit.opened.sessions.find(session)).to.equal(undefined);
      expect(await kit.opened.directory.resolve("email", ADA.email)).to.equal(undefined);
      for (const table of ["userIndex", "app", "shared", "sharedIndex", "userSession"] as const)
        expect(await kit.opened.documents.list(table), table).to.have.length(0);
      await kit.get(`/v1/export/token/${ada}`, "dpo").expect(405, failure("not found"));
    });

    it("leaves the trail whole, with contents that nothing opens", async () => {
      const key = await kit.opened.directory.keyOf(ada);
      await kit.post(`/v1/erase/email/${ADA.email}`, {}, "dpo").expect(200);
      await isIntact();
      const own = await events(ada);
      expect(own[0]).to.deep.include({ title: "erase data subject by email", status: "ok" });
      expect(own[0]?.message).to.match(/^receipt [0-9a-f-]{36}$/);
      // What was sealed can be read with the key that was destroyed, and there is no other.
      expect(key && own[0] && openPersonal(own[0], key).who).to.equal(ADA.email);
      expect(JSON.stringify(await events())).not.to.match(/canary/i);
      expect(await kit.opened.keyring.subjects.find(`user:${ada}`)).to.equal(undefined);
    });

    it("leaves no key in the keyring's files, and nothing readable in the store's", async () => {
      await kit.post(`/v1/erase/token/${ada}`, {}, "dpo").expect(200);
      const { folder, clock, events: log, metrics } = kit.opened;
      const reopened = await openKeyring({
        dir: folder.file("keyring"),
        masterKey: Buffer.alloc(32, 7),
        clock,
        retention: { rotateMs: ROTATE_MS, retentionMs: RETENTION_MS },
        durability: "process",
        eventLog: log.eventLog,
        metrics,
      });
      for (const name of [`user:${ada}`, `session:${session}`])
        expect(await reopened.subjects.find(name), name).to.equal(undefined);
      expect((await reopened.status()).subjectKeys).to.equal(0);
      await reopened.close();
      for (const file of filesOf(folder.path))
        expect(readFileSync(file, "latin1"), file).not.to.match(/canary/i);
    });

    it("gives the same receipt again, also to many who ask at once", async () => {
      const erase = () => kit.post(`/v1/erase/token/${ada}`, {}, "dpo");
      const answers = await Promise.all([erase(), erase(), erase()]);
      const again = await erase();
      for (const { body } of answers) expect(body).to.deep.equal(again.body);
      expect(again.body.receipt.erased.profile).to.equal(1);
      // Nobody is found under the address any more, and that is not told from one who never was.
      const answer = await kit.post(`/v1/erase/email/${ADA.email}`, {}, "dpo").expect(405);
      expect(answer.body).to.deep.equal(failure("not found"));
    });

    it("erases one session of somebody who never logged in, and what was shared of it", async () => {
      const { uuid } = await kit.opened.visit(VISIT);
      const stored = await kit.storeSession({ cart: "canary" });
      for (const id of [uuid, stored]) {
        const shared = await kit.share(`/v1/sharedrecord/session/${id}`);
        const answer = await kit.post(`/v1/erase/session/${id}`, {}, "dpo").expect(200);
        expect(answer.body.session).to.equal(id);
        expect(answer.body.receipt.erased).to.deep.include({ sessions: 1, shared: 1 });
        await kit.get(`/v1/get/${shared}`).expect(403);
        expect(await kit.opened.sessions.find(id)).to.equal(undefined);
        await kit.get(`/v1/export/session/${id}`, "dpo").expect(405, failure("not found"));
      }
      // The others are there.
      expect(await kit.opened.sessions.find(session)).not.to.equal(undefined);
      await isIntact();
    });

    it("takes away what was shared of a session before it was the person's, or under another's name", async () => {
      const { uuid } = await kit.opened.visit(VISIT);
      const before = await kit.share(`/v1/sharedrecord/session/${uuid}`);
      expect(await kit.opened.links.link(uuid, ada)).to.equal(true);
      const bo = await kit.createUser({ login: "bo" });
      const other = await kit.share(`/v1/sharedrecord/token/${bo}`, { session });
      const answer = await kit.post(`/v1/erase/token/${ada}`, {}, "dpo").expect(200);
      expect(answer.body.receipt.erased).to.deep.include({ shared: 3, sessions: 2 });
      for (const shared of [before, other]) await kit.get(`/v1/get/${shared}`).expect(403);
    });

    it("frees the e-mail address, and takes it from nobody who has it since", async () => {
      await kit.post(`/v1/erase/token/${ada}`, {}, "dpo").expect(200);
      const next = await kit.createUser({ email: ADA.email });
      expect(await kit.opened.directory.resolve("email", ADA.email)).to.equal(next);
      await kit.post(`/v1/erase/token/${ada}`, {}, "dpo").expect(200);
      expect(await kit.opened.directory.resolve("email", ADA.email)).to.equal(next);
    });

    it("erases a restricted person too, and the restriction with them", async () => {
      await kit.post(`/v1/restrict/token/${ada}`, {}, "dpo").expect(200);
      await kit.post(`/v1/erase/token/${ada}`, {}, "dpo").expect(200);
      expect(await kit.opened.documents.list("meta", { prefix: "restriction/" })).to.deep.equal([]);
    });
  });

  describe("an erasure that is interrupted", () => {
    const subject = () => ({ kind: "user", id: ada }) as const;
    const fails = (promise: Promise<unknown>) =>
      promise.then(
        () => undefined,
        (error: unknown) => (error instanceof LogveilError ? error.code : error),
      );
    const failing: HoldingPart = {
      kind: "apps",
      exportOf: () => Promise.resolve(undefined),
      eraseOf: () => Promise.reject(new LogveilError("store-unavailable")),
    };

    it("has destroyed the key before anything else, and goes on at the next start", async () => {
      const { directory, documents, keyring } = kit.opened;
      const begun = kit.erasuresOver([failing]);
      const { changes, receiptId } = await begun.begin(subject(), [`user:${ada}`]);
      await documents.commit(changes);
      const failures = [await fails(begun.carryOut(subject()))];
      expect(await keyring.subjects.find(`user:${ada}`)).to.equal(undefined);
      expect((await directory.find(ada))?.isErased).to.equal(false);
      const half = kit.erasuresOver([createUserRecordHolding(directory, documents), failing]);
      failures.push(await fails(half.resume()));
      expect((await directory.find(ada))?.isErased).to.equal(true);
      expect(await documents.list("app")).not.to.have.length(0);
      expect(failures).to.deep.equal(["store-unavailable", "store-unavailable"]);
      expect(await kit.erasures.resume()).to.equal(1);
      expect(await kit.erasures.resume()).to.equal(0);
      expect(await documents.list("app")).to.have.length(0);
      expect(await documents.list("userIndex")).to.have.length(0);
      const receipt = await kit.erasures.carryOut(subject());
      expect(receipt.id).to.equal(receiptId);
      // What the first attempt counted is in it.
      expect(receipt.erased).to.deep.include({ profile: 1, apps: 1, shared: 1 });
    });

    it("goes on within the person's turn, so that nothing is stored of them meanwhile", async () => {
      const { documents, inTurn } = kit.opened;
      const seen: boolean[] = [];
      const looking: HoldingPart = {
        ...failing,
        eraseOf: async () => {
          let isFree = false;
          void inTurn(userTurn(ada), async () => {
            isFree = true;
          });
          await new Promise((resolve) => setImmediate(resolve));
          seen.push(isFree);
          return { count: 0 };
        },
      };
      const erasures = kit.erasuresOver([looking]);
      await documents.commit((await erasures.begin(subject(), [])).changes);
      expect(await erasures.resume()).to.equal(1);
      expect(seen).to.deep.equal([false]);
    });

    it("is finished by whoever asks for it again", async () => {
      const { documents } = kit.opened;
      const { changes, receiptId } = await kit.erasures.begin(subject(), [`user:${ada}`]);
      await documents.commit(changes);
      await kit.opened.keyring.subjects.destroy(`user:${ada}`);
      const answer = await kit.post(`/v1/erase/token/${ada}`, {}, "dpo").expect(200);
      expect(answer.body.receipt.id).to.equal(receiptId);
    });

    it("keeps receipts as long as told", async () => {
      await kit.post(`/v1/erase/token/${ada}`, {}, "dpo").expect(200);
      const now = kit.opened.clock.now();
      expect(await kit.erasures.retire(now)).to.equal(0);
      expect(await kit.erasures.retire(now + 1)).to.equal(1);
      await kit.post(`/v1/erase/token/${ada}`, {}, "dpo").expect(405, failure("not found"));
    });

    it("does not begin when the event cannot be stored", async () => {
      await kit.opened.store.close();
      await kit.post(`/v1/erase/token/${ada}`, {}, "dpo").expect(503);
      expect(await kit.opened.keyring.subjects.find(`user:${ada}`)).not.to.equal(undefined);
    });
  });

  describe("POST and DELETE /v1/restrict/:mode/:id", () => {
    it("freezes a person against use until it is lifted", async () => {
      const body = { reason: "disputed" };
      const answer = await kit.post(`/v1/restrict/login/ada-canary`, body, "dpo").expect(200);
      expect(answer.body).to.deep.equal({ status: "ok", token: ada });
      expect(await kit.opened.directory.isRestricted(ada)).to.equal(true);
      await kit.get(`/v1/get/${record}`).expect(403);
      const [event] = (await events(ada)).slice(1);
      expect(event).to.deep.include({
        title: "restrict data subject by login",
        reason: "disputed",
      });
      // What is held stays, and the data subject may know it.
      await kit.get(`/v1/export/token/${ada}`, "dpo").expect(200);
      await kit.remove(`/v1/restrict/token/${ada}`, "dpo").expect(200);
      expect(await kit.opened.directory.isRestricted(ada)).to.equal(false);
      await kit.get(`/v1/get/${record}`).expect(200);
    });

    it("freezes a session", async () => {
      const { uuid } = await kit.opened.visit(VISIT);
      const shared = await kit.share(`/v1/sharedrecord/session/${uuid}`);
      await kit.post(`/v1/restrict/session/${uuid}`, {}, "dpo").expect(200);
      await kit.post(`/v1/restrict/session/${uuid}`, {}, "dpo").expect(200);
      await kit.get(`/v1/get/${shared}`).expect(403);
      const answer = await kit.post(`/v1/sharedrecord/session/${uuid}`).expect(405);
      expect(answer.body).to.deep.equal(failure("record is restricted"));
      await kit.remove(`/v1/restrict/session/${uuid}`, "dpo").expect(200);
      await kit.get(`/v1/get/${shared}`).expect(200);
    });
  });

  it("is for root and the data-protection officer, whether or not there is anybody", async () => {
    kit.logInAs(ada);
    const before = (await events()).length;
    const names = [`token/${ada}`, `token/${UNKNOWN}`, `session/${session}`, "planted/planted"];
    let asked = 0;
    for (const role of ["support", "auditor", "app", "login", undefined] as const) {
      for (const name of names) {
        await kit.get(`/v1/export/${name}`, role).expect(403, "Access denied");
        asked += 1;
        if (role === undefined) continue;
        await kit.post(`/v1/erase/${name}`, {}, role).expect(403, "Access denied");
        await kit.post(`/v1/restrict/${name}`, {}, role).expect(403, "Access denied");
        await kit.remove(`/v1/restrict/${name}`, role).expect(403, "Access denied");
        asked += 3;
      }
    }
    const all = await events();
    expect(all.length - before).to.equal(asked);
    expect(all.slice(0, asked).every(({ status }) => status === "denied")).to.equal(true);
    expect(JSON.stringify(all)).not.to.include("planted");
  });

  it("answers bad modes and ids, and nobody", async () => {
    const calls = [
      ["planted/x", "bad mode"],
      ["token/planted", "bad uuid"],
      ["session/planted", "bad uuid"],
      [`token/${UNKNOWN}`, "not found"],
      [`session/${UNKNOWN}`, "not found"],
      ["email/nobody@example.org", "not found"],
    ] as const;
    for (const [name, message] of calls) {
      const answers = [
        await kit.get(`/v1/export/${name}`, "root"),
        await kit.post(`/v1/erase/${name}`),
        await kit.post(`/v1/restrict/${name}`),
        await kit.remove(`/v1/restrict/${name}`),
      ];
      for (const { status, body } of answers) {
        expect(status).to.equal(405);
        expect(body, name).to.deep.equal(failure(message));
      }
    }
    const broken = await kit.post(`/v1/erase/token/${ada}`, "{broken").type("json");
    expect(broken.body).to.deep.equal(failure("failed to decode request body"));
    expect(await kit.opened.directory.keyOf(ada)).not.to.equal(undefined);
  });
});

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
