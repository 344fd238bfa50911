import { readdirSync } from "node:fs";
import { expect } from "chai";
import { eventually } from "../../kit/eventually.ts";
import type { HandClock } from "../../kit/hand-clock.ts";
import { startLogReceiver } from "../../kit/log-receiver.ts";
import type { LogReceiver, Reply } from "../../kit/log-receiver.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";
import {
  HOUR_MS,
  droppedOf,
  gauge,
  idsIn,
  linesOf,
  numbers,
  openNetworkLog,
  settled,
  uidsIn,
} from "./opened-network-log.ts";
import type { OpenedNetworkLog } from "./opened-network-log.ts";

const receiverAt = ({ url }: LogReceiver, timeoutMs = 5000) =>
  ({ kind: "http", url: `${url}/in`, headers: {}, timeoutMs }) as const;

const taken = ({ posts }: LogReceiver) =>
  posts.filter(({ status }) => status >= 200 && status < 300).map(({ body }) => body);

const has = (receiver: LogReceiver, lines: number, clock?: HandClock) =>
  eventually(`${String(lines)} lines delivered`, () => {
    // Again and again: an attempt that is under way pauses from when it has failed.
    clock?.advance(HOUR_MS);
    return idsIn(taken(receiver)).length >= lines ? true : undefined;
  });

const failures = ({ metrics }: OpenedNetworkLog, count: number) =>
  eventually(`${String(count)} failures`, async () => {
    const { values } = await metrics.logDeliveryFailures.get();
    return (values[0]?.value ?? 0) >= count ? true : undefined;
  });

describe("access-log outputs: delivery", () => {
  it("delivers in order, leaves no file behind, and counts", async () => {
    await using receiver = await startLogReceiver();
    await using opened = await openNetworkLog([receiverAt(receiver)]);
    opened.write(0, 3000);
    await has(receiver, 3000);
    expect(idsIn(taken(receiver))).to.deep.equal(numbers(0, 3000));
    await eventually("the spool is empty", () =>
      readdirSync(opened.spool).some((name) => name.endsWith(".lines")) ? undefined : true,
    );
    expect(await linesOf(opened.metrics, "http")).to.deep.equal({
      accepted: 3000,
      resumed: 0,
      written: 3000,
      dropped: 0,
      waiting: 0,
    });
    expect(opened.events()).to.deep.equal([]);
    expect(opened.log.health()).to.equal("ok");
  });

  for (const [what, reply] of [
    ["resets connections", "reset"],
    ["answers 500", { status: 500 }],
    ["answers 503", { status: 503 }],
    ["hangs", "hang"],
  ] as const satisfies readonly (readonly [string, Reply])[]) {
    it(`${what} for an hour: nothing is lost, nothing doubled, and it is said`, async () => {
      await using receiver = await startLogReceiver();
      receiver.answerAll(() => reply);
      await using opened = await openNetworkLog([receiverAt(receiver, 50)]);
      opened.write(0, 100);
      await failures(opened, 1);
      opened.clock.advance(2000);
      await eventually("the outage is said", () =>
        opened.events().includes("access-log.output-away") ? true : undefined,
      );
      opened.write(100, 2000);
      await opened.log.flush();
      expect(opened.log.health()).to.equal("failing");
      expect(await linesOf(opened.metrics, "http")).to.deep.include({ written: 0, waiting: 2000 });
      opened.clock.advance(HOUR_MS);
      const age = await gauge(opened.metrics, "logveil_log_oldest_line_seconds", "http");
      expect(age).to.be.within(3600, 3700);
      receiver.answerAll(() => ({ status: 200 }));
      await has(receiver, 2000, opened.clock);
      expect(idsIn(taken(receiver))).to.deep.equal(numbers(0, 2000));
      await eventually("the recovery is said", () =>
        opened.events().includes("access-log.output-back") ? true : undefined,
      );
      expect(opened.events()).to.deep.equal(["access-log.output-away", "access-log.output-back"]);
      expect(opened.eventText()).not.to.include("127.0.0.1");
    });
  }

  for (const [what, valueAt] of [
    ["seconds", () => "600"],
    ["a date", (nowMs: number) => new Date(nowMs + 600_000).toUTCString()],
  ] as const) {
    it(`${what} in Retry-After are waited for`, async () => {
      await using receiver = await startLogReceiver();
      await using opened = await openNetworkLog([receiverAt(receiver)]);
      const headers = { "Retry-After": valueAt(opened.clock.now()) };
      receiver.answerNext({ status: 429, headers });
      opened.write(0, 1);
      await failures(opened, 1);
      opened.clock.advance(598_000);
      // Two looks at the clock, which decide nothing when they come late.
      await new Promise((resolve) => setTimeout(resolve, 1100));
      expect(receiver.posts.length).to.equal(1);
      opened.clock.advance(2000);
      await has(receiver, 1);
    });
  }

  it("splits a batch that is refused until the one bad line is found, which is dropped and counted", async () => {
    await using receiver = await startLogReceiver();
    receiver.answerAll((body) => ({ status: idsIn([body]).includes(321) ? 400 : 200 }));
    await using opened = await openNetworkLog([receiverAt(receiver)]);
    opened.write(0, 500);
    await has(receiver, 499);
    const expected = numbers(0, 500).filter((id) => id !== 321);
    expect(idsIn(taken(receiver))).to.deep.equal(expected);
    await settled(opened, "http");
    expect(await droppedOf(opened.metrics, "http")).to.deep.equal({ rejected: 1 });
    expect((await linesOf(opened.metrics, "http")).written).to.equal(499);
    expect(opened.events()).to.deep.equal(["access-log.lines-rejected"]);
  });

  it("makes batches smaller where they are too large", async () => {
    await using receiver = await startLogReceiver();
    receiver.answerAll((body) => ({ status: body.length > 20_000 ? 413 : 200 }));
    await using opened = await openNetworkLog([receiverAt(receiver)]);
    opened.write(0, 400);
    await has(receiver, 400);
    expect(idsIn(taken(receiver))).to.deep.equal(numbers(0, 400));
    expect(await droppedOf(opened.metrics, "http")).to.deep.equal({});
  });

  it("does not drop a log because everything in it is refused", async () => {
    await using receiver = await startLogReceiver();
    receiver.answerAll(() => ({ status: 400 }));
    await using opened = await openNetworkLog([receiverAt(receiver)]);
    opened.write(0, 400);
    await failures(opened, 1);
    receiver.answerAll(() => ({ status: 200 }));
    await has(receiver, 392, opened.clock);
    expect(idsIn(taken(receiver))).to.deep.equal(numbers(8, 400));
  });

  for (const status of [401, 403, 404, 302]) {
    it(`${String(status)} as the answer: everything is kept, and it is said`, async () => {
      await using receiver = await startLogReceiver();
      const headers = { location: `${receiver.url}/elsewhere` };
      receiver.answerNext({ status, headers }, { status, headers });
      await using opened = await openNetworkLog([receiverAt(receiver)]);
      opened.write(0, 10);
      await eventually("the refusal is said", () =>
        opened.events().includes("access-log.output-refused") ? true : undefined,
      );
      expect(opened.eventText()).to.include(`"status":${String(status)}`);
      opened.clock.advance(HOUR_MS);
      await failures(opened, 2);
      await has(receiver, 10, opened.clock);
      expect(receiver.posts.map(({ path }) => path)).to.deep.equal(["/in", "/in", "/in"]);
      expect(await droppedOf(opened.metrics, "http")).to.deep.equal({});
    });
  }

  it("does not let one receiver hold up another", async () => {
    await using stuck = await startLogReceiver();
    await using quick = await startLogReceiver();
    stuck.answerAll(() => "hang");
    await using opened = await openNetworkLog(
      [{ kind: "otlp", url: stuck.url, timeoutMs: 60_000 }, receiverAt(quick)],
      { graceMs: 10 },
    );
    opened.write(0, 2000);
    await has(quick, 2000);
    await settled(opened, "http");
    expect(await linesOf(opened.metrics, "otlp")).to.deep.include({ written: 0, waiting: 2000 });
    expect(await linesOf(opened.metrics, "http")).to.deep.include({ written: 2000, waiting: 0 });
  });

  it("leaves to the next process what it cannot deliver at its end, with the same ids", async () => {
    await using receiver = await startLogReceiver();
    await using folder = await createTemporaryFolder();
    receiver.answerAll(() => ({ status: 503 }));
    const first = await openNetworkLog([receiverAt(receiver)], { folder: folder.path });
    first.write(0, 1500);
    await eventually("a failure", () => receiver.posts[0]);
    await first[Symbol.asyncDispose]();
    expect(await linesOf(first.metrics, "http")).to.deep.equal({
      accepted: 1500,
      resumed: 0,
      written: 0,
      dropped: 0,
      waiting: 1500,
    });
    const offered = uidsIn(receiver.posts.map(({ body }) => body));
    receiver.answerAll(() => ({ status: 200 }));
    await using second = await openNetworkLog([receiverAt(receiver)], { folder: folder.path });
    second.write(1500, 1600);
    await has(receiver, 1600);
    expect(idsIn(taken(receiver))).to.deep.equal(numbers(0, 1600));
    expect(uidsIn(taken(receiver))).to.include.members(offered);
    expect(new Set(uidsIn(taken(receiver))).size).to.equal(1600);
    await settled(second, "http");
    expect(await linesOf(second.metrics, "http")).to.deep.equal({
      accepted: 100,
      resumed: 1500,
      written: 1600,
      dropped: 0,
      waiting: 0,
    });
  });

  it("does not deliver again after a restart what one output has and another has not", async () => {
    await using stuck = await startLogReceiver();
    await using quick = await startLogReceiver();
    await using folder = await createTemporaryFolder();
    stuck.answerAll(() => ({ status: 503 }));
    const receivers = [{ kind: "otlp", url: stuck.url } as const, receiverAt(quick)];
    const first = await openNetworkLog(receivers, { folder: folder.path });
    first.write(0, 100);
    await first[Symbol.asyncDispose]();
    await using second = await openNetworkLog(receivers, { folder: folder.path });
    second.write(100, 110);
    await settled(second, "http");
    expect(idsIn(taken(quick))).to.deep.equal(numbers(0, 110));
    expect(await linesOf(second.metrics, "http")).to.deep.include({ resumed: 0, written: 10 });
    expect(await linesOf(second.metrics, "otlp")).to.deep.include({ resumed: 100, written: 0 });
  });

  it("delivers at its end what the receiver takes", async () => {
    await using receiver = await startLogReceiver();
    const opened = await openNetworkLog([receiverAt(receiver)]);
    opened.write(0, 50);
    await opened[Symbol.asyncDispose]();
    expect(idsIn(taken(receiver))).to.deep.equal(numbers(0, 50));
    expect(await linesOf(opened.metrics, "http")).to.deep.include({ written: 50, waiting: 0 });
  });
});
