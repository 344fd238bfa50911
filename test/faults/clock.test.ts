import { expect } from "chai";
import { respond, respondWhen } from "../kit/answers.ts";
import { createHandClock } from "../kit/hand-clock.ts";
import type { HandClock } from "../kit/hand-clock.ts";
import { startRecordingUpstream } from "../kit/recording-upstream.ts";
import type { RecordingUpstream } from "../kit/recording-upstream.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { LogLine, RunningSidecar } from "../kit/running-sidecar.ts";
import { readMetrics } from "./metrics-page.ts";
import { expectNobody, PLANTED_HEADERS, PLANTED_PATH } from "./planted.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = Date.UTC(2026, 1, 10, 12);

/** One file for the whole test, however far its clock goes. */
const SETTINGS = {
  session: { rotate: "24h", retention: "30d" },
  accessLog: { file: { rotate: "3650d", keep: "3650d" } },
};

describe("fault: the clock jumps", () => {
  let clock: HandClock;
  let upstream: RecordingUpstream;
  let sidecar: RunningSidecar;
  let visits: number;

  const visit = async (): Promise<{ readonly token: string; readonly line: LogLine }> => {
    const answer = await fetch(sidecar.proxyUrl + PLANTED_PATH, { headers: PLANTED_HEADERS });
    expect(answer.status).to.equal(200);
    await answer.text();
    const line = (await sidecar.logLines((visits += 1))).at(-1) ?? {};
    expect(Number(line["duration_ms"]), "a duration").to.be.at.least(0);
    expect(Number(line["upstream_ms"]), "a duration").to.be.at.least(0);
    return { token: String(line["session.id"]), line };
  };
  const timeOf = (line: LogLine) => Date.parse(String(line["time"]));
  const epochOf = (token: string) => Number.parseInt(token.slice(0, 8), 16) * 1000;
  const isFound = async (token: string) => (await sidecar.lookUp(token)).status === 200;

  beforeEach(async () => {
    visits = 0;
    clock = createHandClock(NOON);
    upstream = await startRecordingUpstream();
    sidecar = await startRunningSidecar({ upstream: upstream.url, clock, settings: SETTINGS });
  });

  afterEach(async () => {
    await sidecar.close();
    expectNobody(sidecar.folder);
    await sidecar.removeFolder();
    await upstream.close();
  });

  it("forward over epochs: tokens and times are of the new one at once, the old token stays until it expires", async () => {
    const before = await visit();
    clock.jumpTo(NOON + 3 * DAY);
    const after = await visit();
    expect(epochOf(after.token)).to.equal(NOON + 2.5 * DAY);
    expect(timeOf(after.line)).to.equal(NOON + 3 * DAY);
    expect([await isFound(before.token), await isFound(after.token)]).to.deep.equal([true, true]);
  });

  it("forward past the retention: what that makes old is gone at once, and stays gone", async () => {
    const before = await visit();
    clock.jumpTo(NOON + 60 * DAY);
    expect(await isFound(before.token)).to.equal(false);
    const after = await visit();
    expect(await isFound(after.token)).to.equal(true);
    await sidecar.sidecar.sweep();
    const metrics = await readMetrics(sidecar.vaultUrl);
    expect(metrics("logveil_epoch_keys_destroyed_total")).to.equal(1);
    clock.jumpTo(NOON + HOUR);
    expect(await isFound(before.token), "revived").to.equal(false);
    const back = await visit();
    expect(back.token, "time stands still where it was").to.equal(after.token);
    expect(timeOf(back.line)).to.equal(NOON + 60 * DAY);
  });

  it("forward and back before anything was swept: the old epoch and its token go on", async () => {
    const before = await visit();
    clock.jumpTo(NOON + 2 * DAY);
    const wrong = await visit();
    expect(wrong.token).to.not.equal(before.token);
    clock.jumpTo(NOON + 1000);
    const again = await visit();
    expect(again.token).to.equal(before.token);
    expect(timeOf(again.line)).to.equal(NOON + 1000);
    expect([await isFound(before.token), await isFound(wrong.token)]).to.deep.equal([true, true]);
  });

  it("back within an epoch and over its beginning: the proxy serves, times do not go before what was swept", async () => {
    const before = await visit();
    clock.advance(HOUR);
    await sidecar.sidecar.sweep();
    clock.jumpTo(NOON - 5 * DAY);
    const back = await visit();
    expect(back.token).to.equal(before.token);
    expect(timeOf(back.line), "not before the last sweep").to.equal(NOON + HOUR);
    expect(await isFound(back.token)).to.equal(true);
    clock.jumpTo(NOON + 2 * HOUR);
    expect(timeOf((await visit()).line), "and goes on with the clock").to.equal(NOON + 2 * HOUR);
  });

  it("while a request is under way: its duration is not the jump", async () => {
    for (const [index, jump] of [40 * DAY, -40 * DAY].entries()) {
      const release = Promise.withResolvers<void>();
      upstream.answerWith(respondWhen(release.promise, respond()));
      const answered = fetch(sidecar.proxyUrl + PLANTED_PATH, { headers: PLANTED_HEADERS });
      await upstream.request(index);
      clock.jumpTo(clock.now() + jump);
      release.resolve();
      expect((await answered).status).to.equal(200);
      const line = (await sidecar.logLines(index + 1)).at(-1);
      expect(Number(line?.["duration_ms"])).to.be.within(0, 1000);
    }
  });
});
