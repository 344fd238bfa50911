import { expect } from "chai";
import { startAskedSidecar } from "../kit/asked-sidecar.ts";
import type { AskedSidecar } from "../kit/asked-sidecar.ts";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import type { EchoUpstream } from "../kit/echo-upstream.ts";

describe("HEAD where a GET has an effect", () => {
  let upstream: EchoUpstream;
  let asked: AskedSidecar;
  before(async () => {
    upstream = await startEchoUpstream();
    asked = await startAskedSidecar({ upstream: upstream.url });
    await asked.createUser({ login: "ada", email: "ada@example.org" });
  });
  after(async () => {
    await asked[Symbol.asyncDispose]();
    await upstream.close();
  });

  const ask = (method: string, path: string) => asked.ask(method, path, { token: "none" });
  const countEvents = async () =>
    (await asked.ask("GET", "/v1/audit/admin?limit=1")).body.total ?? 0;

  it("does not use up what was shared for one use", async () => {
    const { body } = await asked.ask("POST", "/v1/sharedrecord/login/ada", {
      body: { maxUses: 1 },
    });
    const path = `/v1/get/${String(body["record"])}`;
    for (const _ of [1, 2]) {
      const { status, headers } = await ask("HEAD", path);
      expect([status, headers["allow"]]).to.deep.equal([405, "GET, OPTIONS"]);
    }
    expect((await ask("OPTIONS", path)).headers["allow"]).to.equal("GET, OPTIONS");
    expect((await ask("GET", path)).status).to.equal(200);
    expect((await ask("GET", path)).status).to.equal(403);
  });

  for (const path of [
    "/v1/login/email/ada@example.org/123456",
    "/v1/prelogin/email/ada@example.org/0/0",
  ])
    it(`${path} is not even asked`, async () => {
      const before = await countEvents();
      const { status, headers } = await ask("HEAD", path);
      expect([status, headers["allow"]]).to.deep.equal([405, "GET, OPTIONS"]);
      // The one for having asked how many there are.
      expect((await countEvents()) - before).to.equal(1);
      await ask("GET", path);
      expect((await countEvents()) - before).to.equal(3);
    });
});
