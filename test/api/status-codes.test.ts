import { expect } from "chai";
import request from "supertest";
import type { StatusCodes } from "../../src/api/databunker/failure.ts";
import { openCallers } from "../kit/opened-callers.ts";
import type { OpenedCallers } from "../kit/opened-callers.ts";
import { ROOT_TOKEN, openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";

const SESSION = "/v1/session/a136d258-d605-e69e-0e4d-fe20460fbcf9";
const WRONG_TOKEN = "00000000-0000-0000-0000-000000000000";

/** What is asked, by root unless told; and what is answered in each dialect. */
type Case = {
  readonly ask: readonly ["get" | "post" | "put" | "delete", string, (object | string)?];
  readonly message: string;
  readonly databunker: number;
  readonly strict: number;
};

const CASES: readonly Case[] = [
  { ask: ["get", SESSION], message: "not found", databunker: 405, strict: 404 },
  { ask: ["delete", "/v1/caller/zoe"], message: "not found", databunker: 405, strict: 404 },
  { ask: ["delete", "/v1/session/x"], message: "bad uuid", databunker: 405, strict: 400 },
  { ask: ["post", SESSION], message: "empty body", databunker: 405, strict: 400 },
  {
    ask: ["post", SESSION, "{broken"],
    message: "failed to decode request body",
    databunker: 405,
    strict: 400,
  },
  {
    ask: ["post", SESSION, { a: "x".repeat(200_000) }],
    message: "request body is too large",
    databunker: 413,
    strict: 413,
  },
  {
    ask: ["post", SESSION, { expiration: -5 }],
    message: "bad expiration",
    databunker: 405,
    strict: 400,
  },
  {
    ask: ["post", "/v1/caller", { name: "anna", role: "root" }],
    message: "bad caller",
    databunker: 405,
    strict: 400,
  },
  {
    ask: ["post", "/v1/caller", { name: "anna", role: "app" }],
    message: "caller exists",
    databunker: 405,
    strict: 409,
  },
];

describe("status codes", () => {
  let opened: OpenedVault;
  let apps: Readonly<Record<StatusCodes, OpenedCallers>>;
  let token: string;
  before(async () => {
    opened = await openVaultForTest();
    apps = {
      databunker: openCallers(opened),
      strict: openCallers(opened, { statusCodes: "strict" }),
    };
    token = await apps.strict.nameCaller("anna", "auditor");
  });
  after(() => opened.close());

  const ask = (dialect: StatusCodes, [method, path, body]: Case["ask"], as = ROOT_TOKEN) =>
    request(apps[dialect].app)[method](path).set("x-bunker-token", as).type("json").send(body);

  for (const expected of CASES) {
    const { ask: asked, message } = expected;
    it(`${asked[0]} ${asked[1]}, ${message}: ${expected.databunker}, strict ${expected.strict}`, async () => {
      for (const dialect of ["databunker", "strict"] as const) {
        const answer = await ask(dialect, asked);
        expect(answer.status, dialect).to.equal(expected[dialect]);
        expect(answer.headers["content-type"]).to.equal("application/json; charset=utf-8");
        expect(answer.body).to.deep.equal({ status: "error", message });
      }
    });
  }

  it("without a valid token are 401 and JSON when strict, whatever is asked for", async () => {
    for (const { ask: asked } of CASES) {
      for (const as of [WRONG_TOKEN, "DEMO"]) {
        const answer = await ask("strict", asked, as);
        expect(answer.status).to.equal(401);
        expect(answer.headers["www-authenticate"]).to.equal("Bearer");
        expect(answer.body).to.deep.equal({
          status: "error",
          message: "access token is missing or invalid",
        });
      }
    }
    const none = await request(apps.strict.app).get(SESSION);
    expect(none.status).to.equal(401);
  });

  it("with a role that may not are 403 and JSON when strict, whatever is asked for", async () => {
    for (const { ask: asked } of CASES) {
      const answer = await ask("strict", asked, token);
      expect(answer.status).to.equal(403);
      expect(answer.headers).not.to.have.property("www-authenticate");
      expect(answer.body).to.deep.equal({ status: "error", message: "access denied" });
    }
  });

  it("are 403 and the same text for both in Databunker's dialect", async () => {
    for (const as of [WRONG_TOKEN, token]) {
      const answer = await ask("databunker", ["get", SESSION], as);
      expect([answer.status, answer.text]).to.deep.equal([403, "Access denied"]);
      expect(answer.headers).not.to.have.property("www-authenticate");
    }
  });

  it("stay 405 for another method and 404 for another path", async () => {
    for (const dialect of ["databunker", "strict"] as const) {
      const method = await ask(dialect, ["put", "/v1/caller"]);
      expect([method.status, method.headers["allow"]]).to.deep.equal([405, "OPTIONS, POST"]);
      expect((await ask(dialect, ["get", "/v1/nothing"])).status).to.equal(404);
    }
  });
});
