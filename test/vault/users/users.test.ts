import { expect } from "chai";
import { openAuditTrail } from "../../../src/audit/trail.ts";
import { ROOT } from "../../../src/callers/caller.ts";
import { LogveilError } from "../../../src/errors.ts";
import type { HoldingPart } from "../../../src/vault/rights/holdings.ts";
import { createUserApps } from "../../../src/vault/users/user-apps.ts";
import { createUserErasure } from "../../../src/vault/users/user-erasure.ts";
import type { UserFollower } from "../../../src/vault/users/user-follower.ts";
import type { UserParts } from "../../../src/vault/users/user-parts.ts";
import { createUsers } from "../../../src/vault/users/users.ts";
import { openUsers } from "../../kit/opened-users.ts";
import type { OpenedUsers } from "../../kit/opened-users.ts";

const ADA = { login: "ada", email: "ada@example.org" };

async function codeOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => "none",
    (error: unknown) => (error instanceof LogveilError ? error.code : String(error)),
  );
}

describe("users of the vault", () => {
  let kit: OpenedUsers;
  beforeEach(async () => {
    kit = await openUsers();
  });
  afterEach(() => kit.close());

  const usersWith = (changed: Partial<UserParts>, holdings: readonly HoldingPart[] = []) => {
    const parts = { ...kit.parts, ...changed };
    const erasure = createUserErasure({ ...parts, holdings });
    const users = createUsers({ ...parts, erasure, isCreationOpen: false, isListAllowed: true });
    return { users, erasure, apps: createUserApps(parts) };
  };
  const give = (body: object) => () => Promise.resolve(body as Record<string, unknown>);
  const named = (id: string) => ({ caller: ROOT, mode: "token", id });
  const tables = async () =>
    Promise.all(
      (["user", "userIndex", "app"] as const).map((table) => kit.opened.documents.list(table)),
    );

  it("change nothing and show nothing when the event cannot be stored", async () => {
    const token = await kit.create(ADA);
    await kit.call("post", `/v1/userapp/token/${token}/shop`).send({ a: 1 }).expect(200);
    const before = await tables();
    const keys = (await kit.opened.keyring.status()).subjectKeys;
    const { documents, keyring, clock } = kit.opened;
    const commit = () => Promise.reject(new LogveilError("store-unavailable"));
    const trail = await openAuditTrail({
      documents: { ...documents, commit },
      key: keyring.auditKey,
      clock,
    });
    const { users, apps } = usersWith({ trail });
    const app = { ...named(token), app: "shop" };
    const runs = [
      users.create(ROOT, give({ login: "bo" })),
      users.read(named(token)),
      users.change(named(token), give({ a: 1 })),
      users.erase(named(token)),
      users.list(ROOT, { offset: 0, limit: 10 }),
      apps.store(app, give({ b: 1 })),
      apps.read(app),
      apps.change(app, give({ b: 1 })),
      apps.remove(app),
      apps.list(named(token)),
      apps.listAll(ROOT),
    ];
    const codes = new Set(await Promise.all(runs.map(codeOf)));
    expect([...codes]).to.deep.equal(["audit-unavailable"]);
    expect(await tables()).to.deep.equal(before);
    expect((await keyring.status()).subjectKeys).to.equal(keys);
    expect(await kit.profileOf(token)).to.deep.equal(ADA);
  });

  it("are followed in the same batch, and told of", async () => {
    const said: unknown[] = [];
    const note = (text: string) =>
      ({ table: "meta", key: `test/${text}`, value: Buffer.from("x") }) as const;
    const follower: UserFollower = {
      created: ({ token, profile }) => {
        said.push(["created", token, profile]);
        return Promise.resolve([note("created")]);
      },
      changed: ({ before, profile }) => {
        said.push(["changed", before, profile]);
        return Promise.resolve([note("changed")]);
      },
    };
    const { users } = usersWith({
      followers: [{}, follower],
      notify: ({ action, mode, identity, details }) => {
        said.push([action, mode, identity, details]);
        return Promise.resolve([note(action)]);
      },
    });
    const token = await users.create(ROOT, give(ADA));
    await users.change(named(token), give({ email: null }));
    await users.erase(named(token));
    const { login } = ADA;
    expect(said).to.deep.equal([
      ["created", token, ADA],
      ["profilenew", "token", token, { profile: ADA }],
      ["changed", ADA, { login }],
      ["profilechange", "token", token, { old: ADA, profile: { login } }],
      ["forgetme", "token", token, undefined],
    ]);
    const notes = await kit.opened.documents.list("meta", { prefix: "test/" });
    expect(notes.map(({ key }) => key)).to.have.members(
      ["created", "changed", "profilenew", "profilechange", "forgetme"].map(
        (text) => `test/${text}`,
      ),
    );
  });

  it("are erased to the end by whoever comes after a crash, and then no more", async () => {
    const asked: string[] = [];
    let isBroken = true;
    const holding = (kind: string): HoldingPart => ({
      kind,
      exportOf: () => Promise.resolve(undefined),
      eraseOf: async (token) => {
        expect(await kit.opened.directory.keyOf(token)).to.equal(undefined);
        if (isBroken && kind === "sessions") throw new LogveilError("store-unavailable");
        asked.push(kind);
        return { count: 1 };
      },
    });
    const { users, erasure } = usersWith(
      {},
      ["profile", "shared records", "sessions"].map(holding),
    );
    const token = await users.create(ROOT, give(ADA));
    expect(await codeOf(users.erase(named(token)))).to.equal("store-unavailable");
    expect(asked).to.deep.equal(["shared records"]);
    expect(await kit.profileOf(token)).to.deep.equal({});
    isBroken = false;
    expect(await erasure.resume()).to.equal(1);
    expect(asked).to.deep.equal(["shared records", "shared records", "sessions"]);
    expect(await erasure.resume()).to.equal(0);
    await erasure.finish(token);
    expect(asked).to.have.length(3);
  });

  it("are erased to the end whatever becomes of those before them", async () => {
    const asked: string[] = [];
    let broken: string | undefined;
    const holding: HoldingPart = {
      kind: "sessions",
      exportOf: () => Promise.resolve(undefined),
      eraseOf: async (token) => {
        if (broken === undefined || token === broken) throw new LogveilError("store-unavailable");
        asked.push(token);
        return { count: 1 };
      },
    };
    const { users, erasure } = usersWith({}, [holding]);
    const tokens: string[] = [];
    for (const login of ["ada", "bob", "eve"])
      tokens.push(await users.create(ROOT, give({ login })));
    for (const token of tokens)
      expect(await codeOf(users.erase(named(token)))).to.equal("store-unavailable");
    const [first, ...others] = tokens.toSorted();
    broken = first ?? "";
    expect(await codeOf(erasure.resume())).to.equal("store-unavailable");
    expect(asked).to.deep.equal(others);
    broken = "";
    expect(await erasure.resume()).to.equal(1);
  });

  it("whose key is gone are nobody: their names are free", async () => {
    const token = await kit.create(ADA);
    await kit.opened.keyring.subjects.destroy(`user:${token}`);
    for (const path of ["login/ada", "email/ada@example.org"])
      await kit.call("get", `/v1/user/${path}`).expect(405);
    expect(await kit.profileOf(token)).to.deep.equal({});
    const other = await kit.create(ADA);
    expect(await kit.opened.directory.resolve("login", "ada")).to.equal(other);
    await kit.call("put", `/v1/user/token/${token}`).send({ a: 1 }).expect(405);
  });

  it("do not open when their record was altered, or stands under another token", async () => {
    const [ada, bo] = [await kit.create(ADA), await kit.create({ login: "bo" })];
    const { documents } = kit.opened;
    const value = Buffer.from((await documents.find("user", ada)) ?? []);
    for (let at = 4; at < value.length; at += 7) {
      const altered = Buffer.from(value);
      altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
      await documents.commit([{ table: "user", key: ada, value: altered }]);
      const answer = await kit.call("get", `/v1/user/token/${ada}`).expect(500);
      expect(answer.body.code, `byte ${at}`).to.equal("open-failed");
    }
    await documents.commit([{ table: "user", key: bo, value }]);
    expect((await kit.call("get", `/v1/user/token/${bo}`).expect(500)).body.code).to.equal(
      "open-failed",
    );
    await kit.call("delete", `/v1/user/token/${ada}`).expect(200);
  });

  it("that were damaged can be erased", async () => {
    const token = await kit.create(ADA);
    const value = Buffer.from((await kit.opened.documents.find("user", token)) ?? []);
    value.writeUInt8(value.readUInt8(value.length - 1) ^ 1, value.length - 1);
    await kit.opened.documents.commit([{ table: "user", key: token, value }]);
    await kit.call("delete", `/v1/user/token/${token}`).expect(200);
    expect(await kit.profileOf(token)).to.deep.equal({});
    await kit.create(ADA);
  });
});
