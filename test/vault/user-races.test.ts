import { expect } from "chai";
import { openUsers } from "../kit/opened-users.ts";
import type { OpenedUsers } from "../kit/opened-users.ts";

// Things that happen at once: whatever wins, the record, the index and the trail agree.

const AT_ONCE = 50;

function times<T>(act: (index: number) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: AT_ONCE }, (_, index) => act(index)));
}

describe("users under parallel requests", () => {
  let kit: OpenedUsers;
  beforeEach(async () => {
    kit = await openUsers();
  });
  afterEach(async () => {
    expect((await kit.opened.trail.verify()).isIntact).to.equal(true);
    await kit.close();
  });

  it("50 creations with one e-mail address give one record", async () => {
    const answers = await times((index) =>
      kit.call("post", "/v1/user").send({ login: `u${index}`, email: "ada@example.org" }),
    );
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    const refused = answers.filter(({ status }) => status !== 200);
    for (const { body } of refused) expect(body.message).to.equal("duplicate index: email");
    expect(await kit.opened.documents.list("user")).to.have.length(1);
    expect(await kit.opened.documents.list("userIndex")).to.have.length(2);
    expect(await kit.events()).to.have.length(AT_ONCE);
  });

  it("creations that want each other's names in turn do not wait for each other for ever", async () => {
    const answers = await times((index) =>
      kit
        .call("post", "/v1/user")
        .send({ login: `a${index % 2}`, custom: `c${(index + 1) % 2}`, email: `${index % 3}@x.y` }),
    );
    const made = answers.filter(({ status }) => status === 200).length;
    expect(made).to.be.within(1, 2);
    expect(await kit.opened.documents.list("user")).to.have.length(made);
  });

  it("50 changes of different members keep all 50", async () => {
    const token = await kit.create({ login: "ada" });
    await times((index) =>
      kit
        .call("put", `/v1/user/${index % 2 === 0 ? "login/ada" : `token/${token}`}`)
        .send({ [`f${index}`]: index })
        .expect(200),
    );
    expect(Object.keys((await kit.profileOf(token)) as object)).to.have.length(AT_ONCE + 1);
    expect((await kit.opened.directory.find(token))?.counter).to.equal(AT_ONCE + 1);
  });

  it("50 JSON Patches that append keep all 50", async () => {
    const token = await kit.create({ login: "ada", list: [] });
    await times((index) =>
      kit
        .call("put", "/v1/user/login/ada")
        .send([{ op: "add", path: "/list/-", value: index }])
        .expect(200),
    );
    const { list } = (await kit.profileOf(token)) as { readonly list: readonly number[] };
    expect(list.toSorted((a, b) => a - b)).to.deep.equal(
      Array.from({ length: AT_ONCE }, (_, index) => index),
    );
  });

  it("of 50 users who change to one e-mail address one gets it", async () => {
    const tokens: string[] = [];
    for (let index = 0; index < AT_ONCE; index += 1)
      tokens.push(await kit.create({ login: `u${index}` }));
    const answers = await times((index) =>
      kit.call("put", `/v1/user/token/${tokens[index]}`).send({ email: "ada@example.org" }),
    );
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    const found = await kit.call("get", "/v1/user/email/ada@example.org").expect(200);
    const won = answers.findIndex(({ status }) => status === 200);
    expect(found.body.token).to.equal(tokens[won]);
    const profiles = await Promise.all(tokens.map((token) => kit.profileOf(token)));
    expect(profiles.filter((profile) => "email" in (profile as object))).to.have.length(1);
  });

  it("users who swap names by way of a third end with different ones", async () => {
    const tokens = await Promise.all(["a", "b", "c"].map((login) => kit.create({ login })));
    await times((index) =>
      kit
        .call("put", `/v1/user/token/${tokens[index % 3]}`)
        .send({ login: ["a", "b", "c", "d"][(index * 7) % 4] }),
    );
    const logins = await Promise.all(
      tokens.map(
        async (token) => ((await kit.profileOf(token)) as { readonly login: string }).login,
      ),
    );
    expect(new Set(logins).size).to.equal(3);
    for (const [index, login] of logins.entries())
      expect((await kit.call("get", `/v1/user/login/${login}`).expect(200)).body.token).to.equal(
        tokens[index],
      );
    expect(await kit.opened.documents.list("userIndex")).to.have.length(3);
  });

  it("an erasure among changes leaves nothing of the user", async () => {
    const token = await kit.create({ login: "ada" });
    await times((index) => {
      if (index === 20) return kit.call("delete", `/v1/user/token/${token}`).expect(200);
      if (index % 3 === 0)
        return kit.call("post", `/v1/userapp/token/${token}/app${index}`).send({ a: 1 });
      return kit.call("put", `/v1/user/token/${token}`).send({ email: `e${index}@example.org` });
    });
    expect(await kit.profileOf(token)).to.deep.equal({});
    expect(await kit.opened.documents.list("userIndex")).to.deep.equal([]);
    expect(await kit.opened.documents.list("app")).to.deep.equal([]);
    expect(await kit.opened.keyring.subjects.find(`user:${token}`)).to.equal(undefined);
  });
});
