import { readFileSync } from "node:fs";
import { expect } from "chai";
import * as fc from "fast-check";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import type { EchoUpstream } from "../kit/echo-upstream.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";

// What holds for every route of the vault, one after the other, on a whole sidecar: the list is the one of docs/api.md, which
// documented-surface.test.ts proves to be all there is.

type RouteUnderTest = { readonly method: string; readonly path: string };

const EXISTING = "somebody@example.org";
const MISSING = "nobody@example.org";
const CANARY = "canary-7d3f";

/** Agreements under an e-mail address or phone number: api/agreements.test.ts has their own rules. */
const OPEN_BY_ADDRESS = new Set([
  "POST /v1/agreement/:brief/:mode/:id",
  "POST /v1/consent/:mode/:id/:brief",
]);

function documentedRoutes(): readonly RouteUnderTest[] {
  const section =
    readFileSync("docs/api.md", "utf8").split("\n## Routes\n")[1]?.split("\n## ")[0] ?? "";
  const rows = [
    ...section.matchAll(/^\| `(?<method>[A-Z]+) (?<path>\S+)` \| (?<token>[^|]+) \|/gm),
  ];
  return rows
    .map(({ groups }) => ({ method: "", path: "", token: "", ...groups }))
    .filter(({ token }) => token !== "no" && token !== "socket only")
    .filter((route) => !OPEN_BY_ADDRESS.has(`${route.method} ${route.path}`));
}

/** Routes that need an access token; those of the control socket are reached by whoever may open the file. */
const ROUTES: readonly RouteUnderTest[] = documentedRoutes();

describe("guarantee: every route", () => {
  let upstream: EchoUpstream;
  let sidecar: RunningSidecar;
  let ids: Readonly<Record<"existing" | "missing", Readonly<Record<string, string>>>>;
  let auditor: string;

  const ask = (
    { method, path }: RouteUnderTest,
    parameters: Readonly<Record<string, string>>,
    init: {
      readonly token?: string;
      readonly body?: Uint8Array | string;
      readonly type?: string;
    } = {},
  ) =>
    fetch(
      sidecar.vaultUrl +
        path.replaceAll(/:(\w+)/g, (_, name: string) =>
          encodeURIComponent(parameters[name] ?? "x"),
        ),
      {
        method,
        redirect: "manual",
        headers: {
          ...(init.token === undefined ? {} : { "X-Bunker-Token": init.token }),
          ...(init.body === undefined ? {} : { "Content-Type": init.type ?? "application/json" }),
        },
        ...(init.body === undefined || method === "GET"
          ? {}
          : { body: typeof init.body === "string" ? init.body : Buffer.from(init.body) }),
      },
    );

  const asRoot = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(sidecar.vaultUrl + path, {
      method,
      headers: { "X-Bunker-Token": sidecar.rootToken, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Record<string, string> & { readonly total: number };
  };

  const eventsSoFar = async () => (await asRoot("GET", "/v1/audit/admin?limit=1")).total;

  before(async () => {
    upstream = await startEchoUpstream();
    sidecar = await startRunningSidecar({ upstream: upstream.url });
    const { token: user = "" } = await asRoot("POST", "/v1/user", {
      email: EXISTING,
      login: "somebody",
    });
    const session = "11111111-2222-3333-4444-555555555555";
    await asRoot("POST", `/v1/session/${session}`, { email: EXISTING, a: 1 });
    await asRoot("POST", `/v1/userapp/email/${EXISTING}/shop`, { a: 1 });
    const { record = "" } = await asRoot("POST", `/v1/sharedrecord/email/${EXISTING}`, {
      fields: "email",
    });
    const { xtoken = "" } = await asRoot("POST", "/v1/caller", {
      name: "auditor-one",
      role: "auditor",
    });
    auditor = xtoken;
    const common = {
      mode: "email",
      app: "shop",
      brief: "core-send-email-on-login",
      activity: "newsletter",
    };
    const never = "99999999-8888-7777-6666-555555555555";
    ids = {
      existing: {
        ...common,
        id: EXISTING,
        session,
        record,
        usertoken: user,
        name: "auditor-one",
        rtoken: never,
        atoken: never,
        exptoken: never,
      },
      missing: {
        ...common,
        id: MISSING,
        session: never,
        record: never,
        usertoken: never,
        name: "nobody",
        app: "none",
        brief: "none",
        activity: "none",
        rtoken: never,
        atoken: never,
        exptoken: never,
      },
    };
  });

  after(async () => {
    await sidecar[Symbol.asyncDispose]();
    await upstream.close();
  });

  it("there are routes", () => {
    expect(ROUTES.length).to.be.greaterThan(50);
  });

  for (const route of ROUTES) {
    const name = `${route.method} ${route.path}`;

    it(`${name}: refuses who has no token, the same whether or not the thing exists, on the record`, async () => {
      const before = await eventsSoFar();
      const answers = [];
      for (const parameters of [ids.existing, ids.missing]) {
        const response = await ask(route, parameters);
        const { date: _date, ...headers } = Object.fromEntries(response.headers);
        answers.push({ status: response.status, text: await response.text(), headers });
      }
      expect(answers[0]).to.include({ status: 403, text: "Access denied" });
      expect(answers[1]).to.deep.equal(answers[0]);
      // One event for each of the two, and one for having asked how many there are.
      expect((await eventsSoFar()) - before).to.equal(3);
    });

    it(`${name}: writes one event, whatever comes of it`, async () => {
      const before = await eventsSoFar();
      await (await ask(route, ids.missing, { token: sidecar.rootToken })).arrayBuffer();
      // And one for having asked how many there are.
      expect((await eventsSoFar()) - before).to.equal(2);
    });

    // An auditor may read the trail; what else holds for it is in api/audit.test.ts.
    if (!route.path.startsWith("/v1/audit/"))
      it(`${name}: refuses a wrong role and a wrong token alike`, async () => {
        for (const token of [auditor, "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "no token at all"]) {
          for (const parameters of [ids.existing, ids.missing]) {
            const response = await ask(route, parameters, { token });
            expect(response.status).to.equal(403);
            expect(await response.text()).to.equal("Access denied");
          }
        }
      });

    if (route.method !== "GET")
      it(`${name}: survives any body, and echoes none`, async () => {
        const bodies = fc.oneof(
          fc.json().map((json) => json.replace(/^/, "")),
          fc.constantFrom(
            "{",
            "[1,",
            `{"a":"${CANARY}"`,
            `"${CANARY}"`,
            "[]",
            "{}",
            "null",
            "5",
            `{"token":5,"email":5}`,
          ),
          fc.constant("[".repeat(20_000) + "]".repeat(20_000)),
          fc.uint8Array({ maxLength: 200 }),
          fc.constant(`{"reason":"${"x".repeat(200_000)}"}`),
        );
        const types = fc.constantFrom(
          "application/json",
          "application/x-www-form-urlencoded",
          "text/plain",
        );
        await fc.assert(
          fc.asyncProperty(bodies, types, async (body, type) => {
            const response = await ask(route, ids.missing, {
              token: sidecar.rootToken,
              body,
              type,
            });
            expect(response.status, name).to.be.lessThan(500);
            expect(await response.text()).to.not.include(CANARY);
          }),
          { numRuns: 12 },
        );
      });
  }

  it("nothing of all that is in the event log", () => {
    const events = readFileSync(sidecar.files.eventLog, "utf8");
    expect(events).to.not.include(CANARY).and.to.not.include(EXISTING);
  });
});
