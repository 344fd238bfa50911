import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { startAskedSidecar } from "../kit/asked-sidecar.ts";
import type { Answer, AskedSidecar } from "../kit/asked-sidecar.ts";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import type { EchoUpstream } from "../kit/echo-upstream.ts";
import { createHandClock } from "../kit/hand-clock.ts";
import { runLogveil } from "../kit/sidecar-process.ts";
import { createTemporaryFolder } from "../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../kit/temporary-folder.ts";

// Weaknesses that Databunker was seen to have, in the order in which they were written down; none of them may be in logveil.

const HOUR = 3_600_000;
const NEVER = "99999999-8888-7777-6666-555555555555";
const ADA = { login: "ada", email: "ada@example.org" };
const BORIS = { login: "boris", email: "boris@example.org" };
const CARLA = { login: "carla-7k2", email: "carla-7k2@example.org", phone: "+442079460123" };
const SCHEMA = { type: "object", properties: { age: { type: "integer" } } };

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const statusesOf = (answers: readonly Answer[]) => answers.map(({ status }) => status);

/** Two values are sealed under one key with one nonce when they have it in the same place. */
const haveWindowInCommon = (one: Buffer, other: Buffer) =>
  numbers(Math.max(0, one.length - 11)).some((at) =>
    one.subarray(at, at + 12).equals(other.subarray(at, at + 12)),
  );

describe("guarantee: none of the dialect's weaknesses", () => {
  let folder: TemporaryFolder;
  let upstream: EchoUpstream;
  let asked: AskedSidecar;
  let ask: AskedSidecar["ask"];
  let ada: { readonly user: string; readonly access: string };

  /** Everything that somebody who may read all of the trail gets to see. */
  const readTrail = async () => {
    const texts: string[] = [];
    const { body } = await ask("GET", "/v1/audit/admin?limit=1");
    for (let offset = 0; offset < (body.total ?? 0); offset += 100) {
      const page = await ask("GET", `/v1/audit/admin?limit=100&offset=${String(offset)}`);
      texts.push(page.text);
      for (const { atoken, more } of page.body.rows ?? [])
        if (more === true) texts.push((await ask("GET", `/v1/audit/get/${String(atoken)}`)).text);
    }
    return texts.join("\n");
  };
  const countEvents = async () => (await ask("GET", "/v1/audit/admin?limit=1")).body.total ?? 0;
  const dataOf = async (path: string) => (await ask("GET", path)).body.data;
  const share = async (path: string, body: unknown = {}) =>
    String((await ask("POST", `/v1/sharedrecord/${path}`, { body })).body["record"]);
  const nameCaller = async (name: string, role: string) =>
    String((await ask("POST", "/v1/caller", { body: { name, role } })).body["xtoken"]);

  before(async () => {
    folder = await createTemporaryFolder();
    await writeFile(folder.file("schema.json"), JSON.stringify(SCHEMA));
    upstream = await startEchoUpstream();
    asked = await startAskedSidecar({
      upstream: upstream.url,
      settings: { vault: { userSchema: folder.file("schema.json") } },
      people: [ADA, BORIS, CARLA],
    });
    ({ ask } = asked);
    ada = asked.loggedIn[0] ?? { user: "", access: "" };
    for (const brief of ["newsletter", "survey"])
      await ask("POST", `/v1/lbasis/${brief}`, { body: { usercontrol: true, status: "active" } });
  });

  after(async () => {
    await asked[Symbol.asyncDispose]();
    await upstream.close();
    await folder.remove();
  });

  it("consent withdrawn or forged without a token", async () => {
    const said = async (path: string) => (await dataOf(`/v1/agreement/${path}`))?.["status"];
    const [known, unknown] = [`email/${ADA.email}`, "email/stranger@example.org"];
    for (const who of [known, unknown]) {
      await ask("POST", `/v1/agreement/newsletter/${who}`, { body: { status: "yes" } });
      await ask("POST", `/v1/agreement/survey/${who}`, { body: { status: "no" } });
      for (const path of [`agreement/newsletter/${who}`, `consent/${who}/newsletter`])
        for (const token of ["none", NEVER])
          expect((await ask("DELETE", `/v1/${path}`, { token })).status).to.equal(403);
      await ask("POST", `/v1/agreement/newsletter/${who}`, {
        token: "none",
        body: { status: "no" },
      });
      expect(await said(`newsletter/${who}`)).to.equal("yes");
    }
    await ask("POST", `/v1/agreement/survey/${known}`, { token: "none", body: { status: "yes" } });
    expect(await said(`survey/${known}`)).to.equal("no");
    const never = `email/${BORIS.email}`;
    await ask("POST", `/v1/agreement/survey/${never}`, { token: "none", body: { status: "yes" } });
    expect(await said(`survey/${never}`)).to.equal(undefined);
  });

  it("a logged-in user reads any session through a shared record", async () => {
    const [own, other, nobodys] = [1, 2, 3].map((n) => `5e551000-0000-4000-8000-00000000000${n}`);
    await ask("POST", `/v1/session/${own}`, { body: { login: "ada", secret: "mine" } });
    await ask("POST", `/v1/session/${other}`, { body: { login: "boris", secret: "his" } });
    await ask("POST", `/v1/session/${nobodys}`, { body: { secret: "nobody's" } });
    const token = ada.access;
    const shareAs = (path: string, session?: string) =>
      ask("POST", `/v1/sharedrecord/${path}`, { token, body: { session } });
    const shared = await shareAs(`token/${ada.user}`, own);
    const seen = await ask("GET", `/v1/get/${String(shared.body["record"])}`, { token: "none" });
    expect(seen.body.data?.["secret"], shared.text).to.equal("mine");
    for (const session of [other, nobodys, NEVER]) {
      for (const path of [`token/${ada.user}`, `login/ada`, `login/boris`]) {
        const answer = await shareAs(path, session);
        expect(answer.status, path).to.be.greaterThan(399);
        expect(answer.body).to.not.have.property("record");
      }
      expect((await shareAs(`session/${session}`)).status).to.equal(403);
      expect((await ask("GET", `/v1/session/${session}`, { token })).status).to.equal(403);
    }
  });

  it("shared records and identities in URLs stand in our own log", async () => {
    const record = await share(`email/${ADA.email}`);
    for (const token of [asked.running.rootToken, "none", NEVER])
      for (const path of [`get/${record}`, `user/email/${ADA.email}`, `user/email/${ADA.email}/x`])
        await ask("GET", `/v1/${path}`, { token });
    await ask("PUT", `/v1/user/email/${ADA.email}`, { body: "{" });
    const log = readFileSync(asked.running.files.eventLog, "utf8");
    expect(log).to.include("sidecar.started");
    for (const trace of [record, ADA.email, encodeURIComponent(ADA.email), ada.user])
      expect(log).to.not.include(trace);
  });

  it("forget-me leaves login and e-mail readable in the trail", async () => {
    const carla = asked.loggedIn[2] ?? ada;
    const traits = [CARLA.login, CARLA.email, CARLA.phone];
    for (const [mode, id] of Object.entries(CARLA))
      await ask("GET", `/v1/user/${mode}/${encodeURIComponent(id)}`);
    await ask("PUT", `/v1/user/login/${CARLA.login}`, { body: { name: "Carla" } });
    for (const trait of traits) expect(await readTrail()).to.include(trait);
    const path = `/v1/user/token/${carla.user}`;
    const requested = await ask("DELETE", path, { token: carla.access });
    const approved = await ask("POST", `/v1/request/${String(requested.body["rtoken"])}`, {});
    expect(approved.body, requested.text).to.deep.equal({ status: "ok", result: "done" });
    for (const [mode, id] of Object.entries(CARLA))
      await ask("GET", `/v1/user/${mode}/${encodeURIComponent(id)}`);
    const trail = await readTrail();
    expect(trail).to.include(carla.user);
    for (const trait of traits) expect(trail).to.not.include(trait);
    for (const { key, value } of await asked.rawDocuments("audit"))
      for (const trait of traits)
        expect(Buffer.concat([key, value]).includes(trait)).to.equal(false);
  });

  it("presence of a user shows without a token", async () => {
    const paths = (email: string) => [
      ["GET", `user/email/${email}`],
      ["PUT", `user/email/${email}`],
      ["DELETE", `user/email/${email}`],
      ["GET", `userapp/email/${email}`],
      ["GET", `sessions/email/${email}`],
      ["POST", `sharedrecord/email/${email}`],
      ["GET", `agreement/newsletter/email/${email}`],
      ["POST", `agreement/newsletter/email/${email}`],
      ["POST", `exp/start/email/${email}`],
      ["GET", `prelogin/email/${email}/0/0`],
      ["GET", `login/email/${email}/123456`],
    ];
    const answersFor = (email: string, token: string) =>
      Promise.all(
        paths(email).map(async ([method = "", path = ""]) => {
          const { status, headers, text } = await ask(method, `/v1/${path}`, { token });
          // A captcha code is another one each time, and longer or shorter with the time that is in it.
          const { "content-length": _length, ...others } = headers;
          return { status, others, text: text.replace(/"captchaurl":"\w+"/, "") };
        }),
      );
    for (const token of ["none", NEVER])
      expect(await answersFor(ADA.email, token)).to.deep.equal(
        await answersFor("nobody@example.org", token),
      );
  });

  it("denied calls of administrators are audited as ok", async () => {
    const token = await nameCaller("shop", "app");
    const denied = [
      ["GET", "requests"],
      ["GET", "sharedrecords"],
      ["GET", "callers"],
      ["GET", "audit/admin"],
      ["GET", "sys/configuration"],
      ["GET", "sys/backup"],
      ["POST", "users"],
      ["POST", "lbasis/forged"],
      ["DELETE", "lbasis/newsletter"],
      ["DELETE", `user/token/${ada.user}`],
      ["POST", `exp/start/token/${ada.user}`],
    ];
    for (const [method = "", path = ""] of denied)
      expect((await ask(method, `/v1/${path}`, { token })).status, path).to.equal(403);
    const { body } = await ask("GET", "/v1/audit/admin?actor=shop&limit=100");
    expect(body.rows?.map(({ status }) => status)).to.deep.equal(denied.map(() => "denied"));
  });

  it("20 parallel updates are all answered by ok, and some are lost", async () => {
    const user = await asked.createUser({ login: "updated" });
    const changes = numbers(20).map((n) => ({ [`k${String(n)}`]: n }));
    const path = `/v1/user/token/${user}`;
    const answers = await Promise.all(changes.map((body) => ask("PUT", path, { body })));
    expect(statusesOf(answers)).to.deep.equal(changes.map(() => 200));
    expect(await dataOf(path)).to.deep.equal(Object.assign({ login: "updated" }, ...changes));
  });

  /** Who gets what of several creates at once. */
  const createAtOnce = async (member: "email" | "login", value: string) => {
    const bodies = numbers(8).map((n) => ({ custom: `${value}-${String(n)}`, [member]: value }));
    const answers = await Promise.all(bodies.map((body) => ask("POST", "/v1/user", { body })));
    const losers = answers.filter(({ status }) => status !== 200);
    expect(losers.map(({ body }) => body.message)).to.deep.equal(
      numbers(7).map(() => `duplicate index: ${member}`),
    );
    const winner = answers.find(({ status }) => status === 200)?.body.token;
    expect((await ask("GET", `/v1/user/${member}/${value}`)).body.token).to.equal(winner);
  };

  it("parallel creates make duplicate e-mail addresses", async () => {
    for (const round of numbers(6))
      await createAtOnce("email", `twin-${String(round)}@example.org`);
  });

  it("ordinary inputs drop the connection", async () => {
    const members =
      "token email login phone custom expiration status usercontrol reason fields app";
    const boris = asked.loggedIn[1]?.user ?? "";
    const values = [5, -1, 1e300, true, null, [], {}, [{ a: [] }], "", "\0", "%"];
    const paths = [
      "POST user",
      `PUT user/token/${boris}`,
      `POST userapp/token/${boris}/shop`,
      `PUT userapp/token/${boris}/shop`,
      `POST session/${NEVER}`,
      "POST sessions/search",
      `POST sharedrecord/token/${boris}`,
      `POST agreement/newsletter/token/${boris}`,
      "POST lbasis/odd",
      "POST pactivity/odd",
      "POST caller",
      `POST request/${NEVER}`,
    ];
    for (const value of values) {
      const body = Object.fromEntries(members.split(" ").map((member) => [member, value]));
      const bodies = [
        ...Object.entries(body).map(([member]) => ({ [member]: value })),
        body,
        value,
      ];
      for (const path of paths) {
        const [method = "", place = ""] = path.split(" ");
        for (const body of bodies) {
          // A connection that is dropped rejects.
          const { status, text } = await ask(method, `/v1/${place}`, { body });
          expect(status, `${path} ${JSON.stringify(body)} ${text}`).to.be.lessThan(500);
        }
      }
    }
  });

  it("the schema is not enforced on a change", async () => {
    const path = `/v1/user/token/${ada.user}`;
    const before = await dataOf(path);
    const form = "application/x-www-form-urlencoded";
    const refused = [
      { body: { age: "old-9f3" } },
      { body: [{ op: "add", path: "/age", value: "old-9f3" }] },
      { body: "age=old-9f3", type: form },
    ];
    for (const asking of refused) {
      const { status, text } = await ask("PUT", path, asking);
      expect(status, text).to.equal(405);
      expect(text).to.include("schema").and.to.not.include("old-9f3");
    }
    const { access: token } = ada;
    const requested = await ask("PUT", path, { token, body: { age: "old-9f3" } });
    const approved = await ask("POST", `/v1/request/${String(requested.body["rtoken"])}`, {});
    expect(approved.status, requested.text).to.equal(405);
    expect(await dataOf(path)).to.deep.equal(before);
    expect((await ask("PUT", path, { body: { age: 5 } })).status).to.equal(200);
  });

  it("expired sessions of nobody, shared records and tokens are never purged", async () => {
    const clock = createHandClock();
    const { url } = upstream;
    await using aging = await startAskedSidecar({ upstream: url, clock, people: [ADA] });
    const keyring = async () => {
      await using status = runLogveil([
        "keys",
        "status",
        "--json",
        "--data-dir",
        aging.running.files.dataDir,
      ]);
      expect(await status.ended(), status.stderr()).to.equal(0);
      return (JSON.parse(status.stdout()) as { keys: { subjectKeys: number } }).keys.subjectKeys;
    };
    const rows = async () => ({
      sessions: (await aging.rawRows({ gte: Buffer.from("c"), lt: Buffer.from("d") })).length,
      sessionTimes: (await aging.rawRows({ gte: Buffer.from("e"), lt: Buffer.from("f") })).length,
      shared: (await aging.rawDocuments("shared")).length,
      sharedIndex: (await aging.rawDocuments("sharedIndex")).length,
      tokens: (await aging.rawDocuments("accessToken")).length,
      callers: (await aging.rawDocuments("caller")).length,
    });
    const nothing = {
      sessions: 0,
      sessionTimes: 0,
      shared: 0,
      sharedIndex: 0,
      tokens: 0,
      callers: 0,
    };
    const keysBefore = await keyring();
    const expiration = "1h";
    await aging.ask("POST", `/v1/session/${NEVER}`, { body: { secret: 1, expiration } });
    const shared = await aging.ask("POST", "/v1/sharedrecord/login/ada", { body: { expiration } });
    await aging.ask("POST", "/v1/caller", { body: { name: "shop", role: "app", expiration } });
    expect(Object.values(await rows()).every((count) => count > 0)).to.equal(true);
    expect(await keyring()).to.be.greaterThan(keysBefore);
    clock.advance(HOUR);
    await aging.running.sidecar.sweep();
    for (const path of [`session/${NEVER}`, `get/${String(shared.body["record"])}`])
      expect((await aging.ask("GET", `/v1/${path}`)).status).to.be.greaterThan(399);
    expect(await rows()).to.deep.equal(nothing);
    expect(await keyring()).to.equal(keysBefore);
  });

  it("nonces are constant", async () => {
    const app = { note: "the same in each of them, and long enough" };
    for (const name of ["one", "two", "three"])
      await ask("POST", `/v1/userapp/token/${ada.user}/${name}`, { body: app });
    const twins = ["aaaaaaaa", "bbbbbbbb"].map((start) => start + NEVER.slice(8));
    for (const session of twins) await ask("POST", `/v1/session/${session}`, { body: app });
    const stored = await asked.rawRows({ gte: Buffer.from("c"), lt: Buffer.from("d") });
    const apps = (await asked.rawDocuments("app")).filter(({ key }) => key.includes(ada.user));
    const sealed = [
      apps.filter(({ value }) => value.length > 0),
      stored.filter(({ key }) => twins.some((session) => key.includes(session))),
    ];
    expect(sealed.map(({ length }) => length)).to.deep.equal([3, 2]);
    for (const group of sealed)
      for (const [index, { value }] of group.entries())
        for (const other of group.slice(index + 1))
          expect(haveWindowInCommon(value, other.value)).to.equal(false);
    // What the proxy seals begins with the sender's public key, the same in all of one process; then the nonce (keys/session-record.ts).
    for (const agent of ["agent/1", "agent/2"])
      await (await fetch(asked.running.proxyUrl, { headers: { "User-Agent": agent } })).text();
    await asked.running.logLines(2);
    const proxied = await asked.rawRows({ gte: Buffer.from("a"), lt: Buffer.from("b") });
    const [first, second] = proxied.map(({ value }) => value);
    if (first === undefined || second === undefined) throw new Error("nothing was sealed");
    expect(first.subarray(0, 37)).to.deep.equal(second.subarray(0, 37));
    expect(haveWindowInCommon(first.subarray(37), second.subarray(37))).to.equal(false);
  });

  it("keys cannot be rotated", async () => {
    const { files } = asked.running;
    const keyFile = () => readFileSync(join(files.dataDir, "master.key"), "utf8");
    const logveil = async (...args: readonly string[]) => {
      await using command = runLogveil([...args, "--data-dir", files.dataDir]);
      expect(await command.ended(), command.stderr()).to.equal(0);
      return command.stdout();
    };
    const status = async () =>
      (JSON.parse(await logveil("keys", "status", "--json")) as { keys: KeyStatus }).keys;
    type KeyStatus = {
      readonly masterKeyId: string;
      readonly epochs: readonly { readonly masterKeyId: string }[];
    };
    // There is an epoch from the first visit on.
    await (await fetch(asked.running.proxyUrl)).text();
    const path = `/v1/user/token/${ada.user}`;
    const before = { file: keyFile(), status: await status(), data: await dataOf(path) };
    await logveil("keys", "rotate");
    const after = await status();
    expect(after.epochs).to.have.length.greaterThan(0);
    expect(keyFile()).to.not.equal(before.file);
    expect(after.masterKeyId).to.not.equal(before.status.masterKeyId);
    expect(after.epochs.map(({ masterKeyId }) => masterKeyId)).to.deep.equal(
      before.status.epochs.map(() => after.masterKeyId),
    );
    expect(await dataOf(path)).to.deep.equal(before.data);
    expect((await ask("PUT", path, { body: { rotated: true } })).status).to.equal(200);
  });

  it("a backup is an empty 200", async () => {
    const { status, body } = await ask("GET", "/v1/sys/backup");
    expect(status).to.equal(405);
    expect(body.message).to.match(/\w/);
  });

  it("audit rows are lost under load", async () => {
    const before = await countEvents();
    const answers = await Promise.all(
      numbers(200).map((n) =>
        n % 2 === 0
          ? ask("GET", `/v1/user/token/${ada.user}`)
          : ask("PUT", `/v1/user/token/${ada.user}`, { body: { load: n } }),
      ),
    );
    expect(statusesOf(answers)).to.deep.equal(numbers(200).map(() => 200));
    // And one for having asked how many there are.
    expect((await countEvents()) - before).to.equal(201);
    const { dataDir } = asked.running.files;
    await using verification = runLogveil(["audit", "verify", "--data-dir", dataDir]);
    expect(await verification.ended(), verification.stderr()).to.equal(0);
  });

  it("a GET deletes a user", async () => {
    const user = await asked.createUser({ login: "expiring" });
    const started = await ask("POST", "/v1/exp/start/login/expiring", {
      body: { expiration: "1d" },
    });
    const path = `/v1/exp/delete/${String(started.body["exptoken"])}`;
    for (const method of ["GET", "HEAD", "GET", "OPTIONS"])
      expect((await ask(method, path, { token: "none" })).status).to.be.lessThan(300);
    expect(await dataOf(`/v1/user/token/${user}`)).to.deep.equal({ login: "expiring" });
    expect((await ask("POST", path, { token: "none" })).text).to.equal("OK");
    expect(await dataOf(`/v1/user/token/${user}`)).to.deep.equal({});
  });

  it("a failing JSON patch on a user app is answered by ok and destroys the record", async () => {
    const path = `/v1/userapp/token/${ada.user}/patched`;
    await ask("POST", path, { body: { a: 1, b: { c: [1, 2] } } });
    const patches = [
      [{ op: "remove", path: "/none" }],
      [{ op: "test", path: "/a", value: 2 }],
      [
        { op: "remove", path: "/a" },
        { op: "replace", path: "/none/deep", value: 1 },
      ],
      [{ op: "move", from: "/b", path: "/b/c" }],
      [{ op: "nonsense", path: "/a" }],
      [{}],
      [5],
    ];
    for (const body of patches) {
      const answer = await ask("PUT", path, { body });
      expect(answer.body["status"], JSON.stringify(body)).to.equal("error");
      expect(await dataOf(path)).to.deep.equal({ a: 1, b: { c: [1, 2] } });
    }
  });

  it("parallel creates and parallel updates make duplicate names", async () => {
    for (const round of numbers(6)) await createAtOnce("login", `twin-${String(round)}`);
    const users = await Promise.all(
      numbers(8).map((n) => asked.createUser({ login: `rival-${String(n)}` })),
    );
    for (const round of numbers(3)) {
      const email = `prize-${String(round)}@example.org`;
      const answers = await Promise.all(
        users.map((user) => ask("PUT", `/v1/user/token/${user}`, { body: { email } })),
      );
      expect(statusesOf(answers).filter((status) => status === 200)).to.have.length(1);
      const records = await Promise.all(users.map((user) => dataOf(`/v1/user/token/${user}`)));
      const holders = users.filter((_, index) => records[index]?.["email"] === email);
      const found = await ask("GET", `/v1/user/email/${email}`);
      expect(holders).to.deep.equal([found.body.token]);
    }
  });

  it("updates of user apps are lost", async () => {
    const path = `/v1/userapp/token/${ada.user}/updated`;
    await ask("POST", path, { body: { begun: true } });
    const changes = numbers(20).map((n) => ({ [`k${String(n)}`]: n }));
    const answers = await Promise.all(changes.map((body) => ask("PUT", path, { body })));
    expect(statusesOf(answers)).to.deep.equal(changes.map(() => 200));
    expect(await dataOf(path)).to.deep.equal(Object.assign({ begun: true }, ...changes));
  });

  it("the tokens of shared records can be read in the trail", async () => {
    const records = [await share("login/ada", { maxUses: 2 }), await share("login/ada")];
    for (const record of records) {
      for (const token of ["none", asked.running.rootToken, "none"])
        await ask("GET", `/v1/get/${record}`, { token });
      await ask("DELETE", `/v1/sharedrecord/${record}`);
      await ask("GET", `/v1/get/${record.toUpperCase()}`, { token: "none" });
    }
    const trail = (await readTrail()).toLowerCase();
    expect(trail).to.include("get shareable record by token");
    const { text } = await ask("GET", "/v1/sharedrecords?limit=100");
    const raw = [...(await asked.rawDocuments("audit")), ...(await asked.rawDocuments("shared"))];
    for (const record of records) {
      expect(trail).to.not.include(record);
      expect(text).to.not.include(record);
      for (const { key, value } of raw)
        expect(Buffer.concat([key, value]).includes(record)).to.equal(false);
    }
  });

  it("there are shared records of an erased user", async () => {
    const user = await asked.createUser({ login: "gone", name: "Gone" });
    const session = "90e00000-0000-4000-8000-000000000001";
    await ask("POST", `/v1/session/${session}`, { body: { login: "gone" } });
    await ask("POST", "/v1/userapp/login/gone/shop", { body: { a: 1 } });
    const terms = [{}, { fields: "name" }, { app: "shop" }, { session }];
    const before: string[] = [];
    for (const body of terms) before.push(await share(`token/${user}`, body));
    for (const record of before)
      expect((await ask("GET", `/v1/get/${record}`, { token: "none" })).status).to.equal(200);
    await ask("DELETE", `/v1/user/token/${user}`);
    for (const record of before)
      expect((await ask("GET", `/v1/get/${record}`, { token: "none" })).text).to.equal(
        "Access denied",
      );
    for (const body of terms)
      for (const path of [`token/${user}`, "login/gone"])
        expect((await ask("POST", `/v1/sharedrecord/${path}`, { body })).body).to.include({
          status: "error",
        });
  });
});
