import { expect } from "chai";
import request from "supertest";
import { CONFIGURATION, ROOT_TOKEN, openLogInForTest } from "./opened-log-in.ts";
import type { OpenedLogIn } from "./opened-log-in.ts";

describe("system routes", () => {
  let opened: OpenedLogIn;
  beforeEach(async () => {
    opened = await openLogInForTest({});
  });
  afterEach(() => opened.outbox.close());
  const get = (path: string) => request(opened.app).get(path);
  const asRoot = (path: string) => get(path).set("x-bunker-token", ROOT_TOKEN);

  it("show root the configuration that they were given", async () => {
    const answer = await asRoot("/v1/sys/configuration").expect(200);
    expect(answer.body).to.deep.equal({ status: "ok", configuration: CONFIGURATION });
  });

  it("say that a backup is made elsewhere, and how", async () => {
    const answer = await asRoot("/v1/sys/backup").expect(405);
    expect(answer.headers["content-type"]).to.equal("application/json; charset=utf-8");
    expect(answer.body.status).to.equal("error");
    expect(answer.body.message).to.match(/stop logveil and copy the store/);
  });

  it("show neither to anybody else", async () => {
    for (const path of ["/v1/sys/configuration", "/v1/sys/backup"]) {
      const answer = await get(path).expect(403);
      expect(answer.text).to.equal("Access denied");
    }
  });

  it("give clients with a web page the settings of an installation without one", async () => {
    const ui = await get("/v1/sys/uiconfiguration").expect(200);
    expect(ui.body).to.deep.equal({ status: "ok", ui: {} });
    const cookies = await get("/v1/sys/cookiesettings").expect(200);
    expect(cookies.body).to.deep.equal({ status: "ok", ui: {}, rows: [], scripts: null });
  });

  it("leave one event each", async () => {
    await asRoot("/v1/sys/configuration");
    await get("/v1/sys/configuration");
    await asRoot("/v1/sys/backup");
    await get("/v1/sys/uiconfiguration");
    await get("/v1/sys/cookiesettings");
    const { rows } = await opened.trail.list({ offset: 0, limit: 10 });
    expect(
      rows.toReversed().map(({ title, status, caller }) => `${title}: ${status} ${caller?.name}`),
    ).to.deep.equal([
      "get system configuration: ok root",
      "get system configuration: denied undefined",
      "get backup: error root",
      "get ui configuration: ok undefined",
      "get cookie settings: ok undefined",
    ]);
  });
});
