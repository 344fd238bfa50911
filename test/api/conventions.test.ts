import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import request from "supertest";
import type { Test } from "supertest";
import { createControlPlane } from "../../src/api/control-plane.ts";
import type { UnreadyReason } from "../../src/api/operations.ts";
import { Credentials } from "../../src/callers/credentials.ts";
import { LogveilError } from "../../src/errors.ts";
import type { ErrorCode } from "../../src/errors.ts";
import type { Vault } from "../../src/vault/vault.ts";
import { ROOT_TOKEN, openVaultForTest } from "../kit/opened-vault.ts";
import type { OpenedVault } from "../kit/opened-vault.ts";
import { exchangeRaw, head } from "../kit/raw-client.ts";

const ID = "a136d258-d605-e69e-0e4d-fe20460fbcf9";
const ENDPOINT_MISSING = '{"status":"error", "message":"endpoint is missing"}';

describe("conventions of the dialect", () => {
  let opened: OpenedVault;
  before(async () => {
    opened = await openVaultForTest();
  });
  after(() => opened.close());
  const asRoot = (test: Test) => test.set("x-bunker-token", ROOT_TOKEN);

  it("answers an unknown path with the very bytes of Databunker, also without a token", async () => {
    const paths = [
      "/",
      "/v1",
      "/v1/session",
      "/v1/session/a/b/c",
      "/V1/session/x",
      "/control/keys",
    ];
    for (const path of paths) {
      for (const method of ["get", "post", "delete", "options"] as const) {
        const answer = await request(opened.app)[method](path).expect(404);
        expect(answer.text, `${method} ${path}`).to.equal(ENDPOINT_MISSING);
        expect(answer.headers["content-type"]).to.equal("application/json; charset=utf-8");
      }
    }
  });

  it("answers a path with broken percent-encoding as an unknown one", async () => {
    for (const path of ["/v1/session/%E0%A4%A", "/%", "/v1/session/%ff"]) {
      expect((await asRoot(request(opened.app).get(path)).expect(404)).text).to.equal(
        ENDPOINT_MISSING,
      );
    }
  });

  it("answers a request target that does not begin with a slash as an unknown path, whatever it is", async () => {
    await using server = opened.app.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo; // a TCP server's
    const targets = [
      "http://x:99999/v1/audit/admin",
      "http://[/v1/audit/admin",
      `http://x/v1/session/${ID}`,
      "*",
    ];
    for (const target of targets) {
      const method = target === "*" ? "OPTIONS" : "GET";
      const start = `${method} ${target} HTTP/1.1`;
      const answer = await exchangeRaw(port, head(start, "Host: x", "Connection: close"));
      expect(answer, target).to.match(/^HTTP\/1\.1 404 /);
      expect(answer).to.include(ENDPOINT_MISSING).and.to.include("x-content-type-options: nosniff");
    }
  });

  it("reads the query of whoever may not ask without tripping over it", async () => {
    const queries = ["?", "?limit=%", "?%E0%A4%A=1", "?offset=1?limit=2", "?a[b]=c&&=&#x", "?//[:"];
    for (const query of queries) {
      const path = `/v1/audit/admin${query}`;
      await request(opened.app).get(path).expect(403);
      await asRoot(request(opened.app).get(path)).expect(200);
    }
  });

  it("answers another method with 405 and what is allowed", async () => {
    for (const method of ["put", "patch", "trace"] as const) {
      const answer = await asRoot(request(opened.app)[method](`/v1/session/${ID}`)).expect(405);
      expect(answer.text).to.equal("Method Not Allowed\n");
      expect(answer.headers["content-type"]).to.match(/^text\/plain/);
      expect(answer.headers["allow"]).to.equal("DELETE, GET, HEAD, OPTIONS, POST");
    }
    const answer = await request(opened.app).post("/status").expect(405);
    expect(answer.headers["allow"]).to.equal("GET, HEAD, OPTIONS");
  });

  it("answers a preflight", async () => {
    const answer = await request(opened.app).options(`/v1/session/${ID}`).expect(204);
    expect(answer.headers).to.include({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "POST, PUT, DELETE",
      "access-control-allow-headers":
        "Accept,  Content-Type, Content-Length, Accept-Encoding, X-Bunker-Token",
      allow: "DELETE, GET, HEAD, OPTIONS, POST",
    });
  });

  it("redirects a trailing slash, 301 for reading and 307 for the others, with the query", async () => {
    const path = `/v1/session/${ID}`;
    for (const [method, status] of [
      ["get", 301],
      ["head", 301],
      ["post", 307],
      ["delete", 307],
    ] as const) {
      const answer = await request(opened.app)[method](`${path}/?a=1`).expect(status);
      expect(answer.headers["location"]).to.equal(`${path}?a=1`);
      if (method !== "head") expect(answer.text).not.to.include(ID);
    }
  });

  it("puts the same headers on every answer", async () => {
    const answers = await Promise.all([
      request(opened.app).get("/status"),
      request(opened.app).get("/nowhere"),
      request(opened.app).get(`/v1/session/${ID}`),
      asRoot(request(opened.app).get(`/v1/session/${ID}`)),
      asRoot(request(opened.app).put(`/v1/session/${ID}`)),
      request(opened.app).get(`/v1/session/${ID}/`),
    ]);
    for (const { headers } of answers) {
      expect(headers).to.include({
        "access-control-allow-origin": "*",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
      });
      for (const name of ["x-powered-by", "etag", "strict-transport-security"]) {
        expect(headers).not.to.have.property(name);
      }
    }
  });

  it("says OK under all four names of the status, and under /healthz", async () => {
    for (const path of ["/status", "/status/", "/v1/status", "/v1/status/", "/healthz"]) {
      const answer = await request(opened.app).get(path).expect(200);
      expect(answer.text).to.equal("OK");
      expect(answer.headers["content-type"]).to.match(/^text\/plain/);
    }
  });

  it("shows metrics in Prometheus' format, with no token in them", async () => {
    const { uuid } = await opened.visit({
      address: "192.0.2.5",
      userAgent: "x",
      cookieHeader: "",
      host: "h",
    });
    await asRoot(request(opened.app).get(`/v1/session/${uuid}`)).expect(200);
    for (const path of ["/metrics", "/v1/metrics"]) {
      const answer = await request(opened.app).get(path).expect(200);
      expect(answer.headers["content-type"]).to.match(/^text\/plain; version=/);
      expect(answer.text).to.match(
        /^logveil_session_lookups_total\{role="root",result="found"\} 1$/m,
      );
      expect(answer.text).not.to.include(uuid);
    }
  });
});

describe("readiness", () => {
  it("says why it is not ready", async () => {
    const opened = await openVaultForTest();
    const { vault, metrics, events } = opened;
    let reasons: readonly UnreadyReason[] = ["session-records-lost"];
    const app = createControlPlane({
      vault,
      metrics,
      eventLog: events.eventLog,
      access: () => Promise.resolve(undefined),
      health: () => reasons,
    });
    const losing = await request(app).get("/readyz").expect(503);
    expect(losing.body).to.deep.equal({ status: "unavailable", reasons: ["session-records-lost"] });
    reasons = [];
    expect((await request(app).get("/readyz").expect(200)).body).to.deep.equal({ status: "ready" });
    reasons = ["draining", "store-unavailable"];
    const draining = await request(app).get("/readyz").expect(503);
    expect(draining.body.reasons).to.deep.equal(["draining", "store-unavailable"]);
    await opened.close();
  });
});

describe("failures of the vault", () => {
  /** What the API answers when the vault rejects with `failure`. */
  async function answerTo(failure: unknown) {
    const opened = await openVaultForTest();
    const reject = () => Promise.reject(failure);
    const vault: Vault = {
      lookUpSession: reject,
      storeSession: reject,
      removeSession: reject,
      listSessions: reject,
      searchSessions: reject,
      openSealedSession: reject,
    };
    const app = createControlPlane({
      vault,
      access: new Credentials(ROOT_TOKEN).findCaller,
      health: () => [],
      metrics: opened.metrics,
      eventLog: opened.events.eventLog,
    });
    const answer = await request(app).get(`/v1/session/${ID}`).set("x-bunker-token", ROOT_TOKEN);
    const events = opened.events.text();
    await opened.close();
    return { answer, events };
  }

  const expected: readonly (readonly [ErrorCode, number, string])[] = [
    ["store-unavailable", 503, "store-unavailable"],
    ["audit-corrupt", 503, "audit-corrupt"],
    ["store-closed", 503, "store-closed"],
    ["open-failed", 500, "open-failed"],
    ["keyring-corrupt", 500, "keyring-corrupt"],
  ];
  for (const [code, status, shown] of expected) {
    it(`${code} is ${status} with code ${shown}`, async () => {
      const { answer, events } = await answerTo(new LogveilError(code));
      expect(answer.status).to.equal(status);
      expect(answer.type).to.equal("application/problem+json");
      expect(answer.body).to.include({ status, code: shown });
      expect(events).to.include("api.failed").and.to.include(code);
    });
  }

  it("anything else is 500 without a word of it, in the answer or in the event log", async () => {
    const { answer, events } = await answerTo(new TypeError("planted-canary-4711"));
    expect(answer.status).to.equal(500);
    expect(answer.body).to.include({ code: "internal" });
    expect(answer.text + events).not.to.include("canary");
    expect(events).to.include("unexpected");
  });

  it("lost permission is 403 like a missing one", async () => {
    const { answer } = await answerTo(new LogveilError("access-denied"));
    expect([answer.status, answer.text]).to.deep.equal([403, "Access denied"]);
  });
});
