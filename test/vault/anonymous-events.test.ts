import { expect } from "chai";
import { ROOT } from "../../src/callers/caller.ts";
import { createMetrics } from "../../src/metrics.ts";
import { boundAnonymousEvents } from "../../src/vault/anonymous-events.ts";
import { operate } from "../../src/vault/operation.ts";
import type { Operation } from "../../src/vault/operation.ts";
import { OpenedTrail } from "../audit/open-trail.ts";
import { startAskedSidecar } from "../kit/asked-sidecar.ts";
import { startEchoUpstream } from "../kit/echo-upstream.ts";
import { createHandClock } from "../kit/hand-clock.ts";
import { codeOf } from "../store/store-folder.ts";

const BURST = 1000;
const PER_SECOND = 50;
const HOUR_MS = 3_600_000;

describe("events of people without an access token", () => {
  let opened: OpenedTrail;
  let ask: (given?: Partial<Operation>) => Promise<unknown>;
  let refusals: () => Promise<number>;
  beforeEach(async () => {
    opened = await OpenedTrail.open();
    const metrics = createMetrics();
    const trail = boundAnonymousEvents(opened.trail, { clock: opened.clock, metrics });
    const open = { caller: undefined, permission: undefined, title: "get captcha" } as const;
    ask = (given = {}) =>
      codeOf(operate(trail, { ...open, ...given }, async () => ({ result: undefined })));
    refusals = async () => (await metrics.anonymousRefused.get()).values[0]?.value ?? 0;
  });
  afterEach(() => opened.remove());

  const countEvents = async () => (await opened.trail.list({ offset: 0, limit: 1 })).total;
  /** How many of `count` are let in. */
  const admitted = async (count: number) => {
    const before = await countEvents();
    await Promise.all(Array.from({ length: count }, () => ask()));
    return (await countEvents()) - before;
  };

  it("are 1000 at once and then 50 in a second; what is beyond is counted and leaves no event", async () => {
    expect(await admitted(BURST + 200)).to.equal(BURST);
    expect(await refusals()).to.equal(200);
    expect(await ask()).to.equal("too-many-requests");
    opened.clock.advance(1000);
    expect(await admitted(PER_SECOND + 10)).to.equal(PER_SECOND);
    opened.clock.advance(HOUR_MS);
    expect(await admitted(BURST + 1)).to.equal(BURST);
  });

  it("are not given back by a clock that somebody sets", async () => {
    await admitted(BURST);
    opened.clock.jumpTo(opened.clock.now() + HOUR_MS);
    expect(await ask()).to.equal("too-many-requests");
  });

  it("count when they are denied too, and keep no caller out", async () => {
    const denied = { permission: "session.look-up" } as const;
    await Promise.all(Array.from({ length: BURST }, () => ask(denied)));
    expect(await ask(denied)).to.equal("too-many-requests");
    const before = await countEvents();
    await ask({ ...denied, caller: ROOT });
    expect((await countEvents()) - before).to.equal(1);
  });

  it("are bounded in a whole sidecar, on open routes and on others together", async () => {
    await using opening = new AsyncDisposableStack();
    const upstream = await startEchoUpstream();
    opening.defer(() => upstream.close());
    const clock = createHandClock();
    await using asked = await startAskedSidecar({ upstream: upstream.url, clock });
    const paths = ["/v1/user/login/ada", "/v1/sys/uiconfiguration"];
    const send = (path: string) => asked.ask("GET", path, { token: "none" });
    for (let sent = 0; sent < BURST; sent += 50)
      await Promise.all(Array.from({ length: 50 }, (_, index) => send(paths[index % 2] ?? "")));
    for (const path of [...paths, "/v1/login/email/ada@example.org/123456"]) {
      const { status, body } = await send(path);
      expect(status, path).to.equal(429);
      expect(body).to.deep.equal({ status: "error", message: "too many requests" });
    }
    const { status, body } = await asked.ask("GET", "/v1/audit/admin?limit=1");
    expect([status, body.total]).to.deep.equal([200, BURST]);
    const metrics = await asked.ask("GET", "/metrics", { token: "none" });
    expect(metrics.text).to.match(/^logveil_anonymous_refused_total 3$/m);
    clock.advance(1000);
    expect((await send("/v1/sys/uiconfiguration")).status).to.equal(200);
  });
});
