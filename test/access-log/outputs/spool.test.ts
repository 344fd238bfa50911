import {
  appendFileSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { assert, integer, nat, property, string, stringMatching } from "fast-check";
import { findEntry, formatEntry } from "../../../src/access-log/outputs/entry.ts";
import { eventually } from "../../kit/eventually.ts";
import { startLogReceiver } from "../../kit/log-receiver.ts";
import type { LogReceiver } from "../../kit/log-receiver.ts";
import { NO_SMALL_DISK, openSmallDisk } from "../../faults/small-disk.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../../kit/temporary-folder.ts";
import {
  MIB,
  droppedOf,
  gauge,
  idsIn,
  linesOf,
  numbers,
  openNetworkLog,
  settled,
} from "./opened-network-log.ts";
import type { OpenedNetworkLog } from "./opened-network-log.ts";

const receiverAt = ({ url }: LogReceiver) => ({ kind: "http", url, headers: {} }) as const;

const taken = ({ posts }: LogReceiver) =>
  idsIn(posts.filter(({ status }) => status === 200).map(({ body }) => body));

const segmentsIn = (spool: string) =>
  readdirSync(spool)
    .filter((name) => name.endsWith(".lines"))
    .toSorted()
    .map((name) => join(spool, name));

const bytesIn = (spool: string) =>
  segmentsIn(spool).reduce((sum, path) => sum + statSync(path).size, 0);

/** accepted + resumed = written + dropped + waiting. */
async function expectBalance({ metrics }: OpenedNetworkLog, output = "http") {
  const { accepted, resumed, written, dropped, waiting } = await linesOf(metrics, output);
  expect(written + dropped + waiting).to.equal(accepted + resumed);
}

describe("access-log outputs: an entry", () => {
  it("comes back as it was, and not at all when a character has changed", () => {
    const printable = string({
      unit: integer({ min: 32, max: 126 }).map((code) => String.fromCodePoint(code)),
    });
    const id = stringMatching(/^[!-~]{1,40}$/);
    const time = nat({ max: 4e12 });
    assert(
      property(time, id, printable, nat(), (happenedAtMs, uid, line, at) => {
        const text = formatEntry({ happenedAtMs, id: uid, line: `${line}\n` });
        expect(text.endsWith("\n")).to.equal(true);
        const whole = text.slice(0, -1);
        expect(findEntry(whole)).to.deep.equal({ happenedAtMs, id: uid, line });
        const where = at % whole.length;
        const code = whole.charCodeAt(where) ^ 1;
        const changed = whole.slice(0, where) + String.fromCodePoint(code) + whole.slice(where + 1);
        expect(findEntry(changed)).to.equal(undefined);
        expect(findEntry(whole.slice(0, where))).to.equal(undefined);
      }),
      { numRuns: 300 },
    );
  });
});

describe("access-log outputs: the spool", () => {
  let folder: TemporaryFolder;

  beforeEach(async () => void (folder = await createTemporaryFolder()));
  afterEach(() => folder.remove());

  /** Lines 0 to `count`, in the spool of a log that has ended. */
  async function leave(receiver: LogReceiver, count: number): Promise<string> {
    receiver.answerAll(() => ({ status: 503 }));
    const opened = await openNetworkLog([receiverAt(receiver)], { folder: folder.path });
    opened.write(0, count);
    await opened[Symbol.asyncDispose]();
    receiver.answerAll(() => ({ status: 200 }));
    return opened.spool;
  }

  it("is for nobody else's eyes", async () => {
    await using receiver = await startLogReceiver();
    const spool = await leave(receiver, 5);
    expect(statSync(spool).mode & 0o777).to.equal(0o700);
    for (const path of segmentsIn(spool)) expect(statSync(path).mode & 0o777).to.equal(0o600);
  });

  it("drops the oldest first when it is full, never passes its size, and says and counts it", async () => {
    await using receiver = await startLogReceiver();
    receiver.answerAll(() => ({ status: 503 }));
    await using opened = await openNetworkLog([receiverAt(receiver)], { maxBytes: MIB });
    const path = `/${"x".repeat(1000)}`;
    opened.write(0, 100, path);
    // So that a batch is in hand when its segment is dropped.
    await eventually("a batch is refused", () => receiver.posts[0]);
    for (let from = 100; from < 3000; from += 100) {
      opened.write(from, from + 100, path);
      await opened.log.flush();
      expect(bytesIn(opened.spool)).to.be.at.most(MIB);
    }
    expect(await gauge(opened.metrics, "logveil_log_spool_bytes")).to.equal(bytesIn(opened.spool));
    await expectBalance(opened);
    receiver.answerAll(() => ({ status: 200 }));
    await settled(opened, "http");
    const { dropped, written } = await linesOf(opened.metrics, "http");
    expect(await droppedOf(opened.metrics, "http")).to.deep.equal({ "spool-full": dropped });
    expect(written + dropped).to.equal(3000);
    const ids = taken(receiver);
    expect(ids.length).to.equal(written);
    // What was in hand when its segment was dropped is delivered all the same; behind it there is one gap, and then all that fitted.
    expect(new Set(ids).size).to.equal(ids.length);
    expect(ids).to.deep.equal(ids.toSorted((one, other) => one - other));
    expect(ids.slice(-600)).to.deep.equal(numbers(2400, 3000));
    expect(opened.events().filter((name) => name === "access-log.spool-full").length).to.equal(1);
  });

  it("drops for a slow output only what that one has not read", async () => {
    await using stuck = await startLogReceiver();
    await using quick = await startLogReceiver();
    stuck.answerAll(() => ({ status: 503 }));
    await using opened = await openNetworkLog(
      [{ kind: "otlp", url: stuck.url }, receiverAt(quick)],
      { maxBytes: MIB, graceMs: 0 },
    );
    for (let from = 0; from < 3000; from += 500) {
      opened.write(from, from + 500, `/${"x".repeat(1000)}`);
      await opened.log.flush();
      await eventually("the quick one has them", () =>
        taken(quick).length === from + 500 ? true : undefined,
      );
    }
    expect(taken(quick)).to.deep.equal(numbers(0, 3000));
    expect(await droppedOf(opened.metrics, "http")).to.deep.equal({});
    expect((await linesOf(opened.metrics, "otlp")).dropped).to.be.greaterThan(1000);
    await expectBalance(opened, "otlp");
  });

  it("finds a line that a crash has torn, drops and counts it, and delivers the others", async () => {
    await using receiver = await startLogReceiver();
    const spool = await leave(receiver, 10);
    // As if the process had been killed: the last file without its count, and broken off in the middle of a line.
    const [path = ""] = segmentsIn(spool);
    const bytes = readFileSync(path);
    rmSync(path);
    writeFileSync(path.replace(/-\d+\.lines$/, ".lines"), bytes.subarray(0, -50));
    await using opened = await openNetworkLog([receiverAt(receiver)], { folder: folder.path });
    opened.write(10, 20);
    await settled(opened, "http");
    expect(taken(receiver)).to.deep.equal(numbers(0, 20).filter((id) => id !== 9));
    expect(await linesOf(opened.metrics, "http")).to.deep.include({
      accepted: 10,
      resumed: 10,
      written: 19,
      dropped: 1,
    });
    expect(await droppedOf(opened.metrics, "http")).to.deep.equal({ damaged: 1 });
    expect(opened.events()).to.include("access-log.spool-damaged");
  });

  for (const [what, damage, lost] of [
    ["has a flipped bit", flipBit, 1],
    ["is cut short", (path: string) => truncateSync(path, statSync(path).size - 900), undefined],
    [
      "is overwritten with noise",
      (path: string) => writeFileSync(path, Buffer.alloc(3000, 0xc3)),
      10,
    ],
    ["is empty", (path: string) => truncateSync(path, 0), 10],
    ["has noise behind it", (path: string) => appendFileSync(path, "noise\n"), 1],
  ] as const) {
    it(`starts, counts and says it, when a file ${what}`, async () => {
      await using receiver = await startLogReceiver();
      const spool = await leave(receiver, 10);
      damage(segmentsIn(spool)[0] ?? "");
      await using opened = await openNetworkLog([receiverAt(receiver)], { folder: folder.path });
      opened.write(10, 20);
      await settled(opened, "http");
      expect(taken(receiver).slice(-10)).to.deep.equal(numbers(10, 20));
      const { dropped, written, resumed } = await linesOf(opened.metrics, "http");
      expect(dropped).to.equal(lost ?? 20 - taken(receiver).length);
      expect(dropped).to.be.greaterThan(0);
      expect(written).to.equal(taken(receiver).length);
      expect(resumed + 10).to.equal(written + dropped);
      expect(opened.events()).to.include("access-log.spool-damaged");
    });
  }

  for (const cursor of [
    "",
    "{}",
    '{"version":1,"segment":-1,"offset":0,"lines":0}',
    '{"version":1,"segment":9007199254740991,"offset":0,"lines":0}',
    "\0\0\0\0",
  ]) {
    it(`delivers again rather than not at all when a cursor reads ${JSON.stringify(cursor)}`, async () => {
      await using receiver = await startLogReceiver();
      const spool = await leave(receiver, 10);
      writeFileSync(join(spool, "http.cursor"), cursor);
      await using opened = await openNetworkLog([receiverAt(receiver)], { folder: folder.path });
      await settled(opened, "http");
      expect(taken(receiver)).to.deep.equal(numbers(0, 10));
    });
  }

  it("goes on when somebody removes its files under way, and counts what went", async () => {
    await using receiver = await startLogReceiver();
    receiver.answerAll(() => ({ status: 503 }));
    await using opened = await openNetworkLog([receiverAt(receiver)]);
    opened.write(0, 10);
    await opened.log.flush();
    for (const path of segmentsIn(opened.spool)) rmSync(path);
    await eventually("it is noticed", () =>
      opened.events().includes("access-log.spool-damaged") || receiver.posts.length > 0
        ? true
        : undefined,
    );
    opened.write(10, 20);
    receiver.answerAll(() => ({ status: 200 }));
    await settled(opened, "http");
    expect(taken(receiver).slice(-10)).to.deep.equal(numbers(10, 20));
    const { dropped, written } = await linesOf(opened.metrics, "http");
    expect(written + dropped).to.equal(20);
  });

  it("keeps what it can on a full disk, counts the rest, and goes on when there is room", async function () {
    await using receiver = await startLogReceiver();
    using disk = openSmallDisk(folder.file("disk"), "12m");
    if (disk === undefined) {
      if (this.test) this.test.title += NO_SMALL_DISK;
      return this.skip();
    }
    receiver.answerAll(() => ({ status: 503 }));
    await using opened = await openNetworkLog([receiverAt(receiver)], {
      spool: join(disk.path, "spool"),
    });
    opened.write(0, 10);
    await opened.log.flush();
    disk.fillExcept(20_000);
    opened.write(10, 900, `/${"x".repeat(10_000)}`);
    await eventually("the outage is said", () =>
      opened.events().includes("access-log.failed") ? true : undefined,
    );
    expect(opened.log.health()).to.equal("failing");
    disk.free();
    await eventually("the disk is taken again", () =>
      opened.events().includes("access-log.recovered") ? true : undefined,
    );
    opened.write(900, 910);
    receiver.answerAll(() => ({ status: 200 }));
    await settled(opened, "http");
    const { dropped, written } = await linesOf(opened.metrics, "http");
    expect(await droppedOf(opened.metrics, "http")).to.deep.equal({ "buffer-full": dropped });
    expect(written + dropped).to.equal(910);
    expect(taken(receiver)).to.deep.equal([...numbers(0, 900 - dropped), ...numbers(900, 910)]);
  });

  it("refuses to start where it can never write", async () => {
    writeFileSync(folder.file("spool"), "in the way");
    await using receiver = await startLogReceiver();
    const failure = await openNetworkLog([receiverAt(receiver)], { folder: folder.path }).then(
      () => undefined,
      (error: { readonly code?: string }) => error.code,
    );
    expect(failure).to.equal("access-log-unwritable");
  });
});

function flipBit(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
