import { execFileSync } from "node:child_process";
import { chmod, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { expect } from "chai";
import { backOffMs } from "../../../src/access-log/outputs/back-off.ts";
import { readReceivers } from "../../../src/access-log/outputs/receivers.ts";
import { eventually } from "../../kit/eventually.ts";
import { closeServer, listen } from "../../kit/loopback.ts";
import { startLogReceiver } from "../../kit/log-receiver.ts";
import { SELF_SIGNED, SELF_SIGNED_NAMED } from "../../kit/self-signed.ts";
import { startSyslogReceiver } from "../../kit/syslog-receiver.ts";
import type { SyslogReceiver } from "../../kit/syslog-receiver.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../../kit/temporary-folder.ts";
import { STARTED_AT_MS } from "../exchanges.ts";
import {
  HOUR_MS,
  droppedOf,
  linesOf,
  numbers,
  openNetworkLog,
  recordsIn,
  settled,
} from "./opened-network-log.ts";
import type { OpenedNetworkLog } from "./opened-network-log.ts";

type OtlpRecord = {
  readonly timeUnixNano: string;
  readonly traceId?: string;
  readonly body: { readonly stringValue: string };
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
};

function otlpRecords(body: string): readonly OtlpRecord[] {
  return JSON.parse(body).resourceLogs[0].scopeLogs[0].logRecords;
}

describe("access-log outputs: http", () => {
  it("posts NDJSON with the operator's headers, which are in no event", async () => {
    await using receiver = await startLogReceiver();
    const headers = { Authorization: { reveal: () => "Bearer s3cret" } };
    await using opened = await openNetworkLog([{ kind: "http", url: receiver.url, headers }]);
    opened.write(0, 2, '/a"b');
    await settled(opened, "http");
    const [post] = receiver.posts;
    expect(post?.headers).to.include({
      "content-type": "application/x-ndjson",
      authorization: "Bearer s3cret",
    });
    const records = recordsIn([post?.body ?? ""]);
    expect(records.map((record) => record["url.path"])).to.deep.equal(['/a"b', '/a"b']);
    expect(records[0])
      .to.have.property("log.record.uid")
      .that.matches(/^\w{17,40}$/);
    expect(opened.eventText()).not.to.include("s3cret");
  });

  it("wraps lines that are no JSON", async () => {
    await using receiver = await startLogReceiver();
    await using opened = await openNetworkLog([{ kind: "http", url: receiver.url, headers: {} }], {
      format: "combined",
    });
    opened.write(0, 1);
    await settled(opened, "http");
    const [record] = recordsIn([receiver.posts[0]?.body ?? ""]);
    expect(record).to.have.keys("log.record.uid", "time", "message");
    expect(record).to.include({ time: new Date(STARTED_AT_MS).toISOString() });
    expect(record?.["message"]).to.match(
      /^fd69:8b1d:\S+ - - \[10\/Feb\/2026:12:00:00 \+0000\] "GET /,
    );
  });
});

describe("access-log outputs: otlp", () => {
  it("posts log records as the OTLP specification has them", async () => {
    await using receiver = await startLogReceiver();
    await using opened = await openNetworkLog([{ kind: "otlp", url: receiver.url }]);
    opened.write(7, 8);
    await settled(opened, "otlp");
    const [post] = receiver.posts;
    expect(post?.path).to.equal("/v1/logs");
    expect(post?.headers).to.include({
      "content-type": "application/json",
      "content-encoding": "gzip",
    });
    const { resource } = JSON.parse(post?.body ?? "").resourceLogs[0];
    expect(resource.attributes).to.deep.include({
      key: "service.name",
      value: { stringValue: "logveil" },
    });
    const [record] = otlpRecords(post?.body ?? "");
    expect(record?.timeUnixNano).to.equal(`${String(STARTED_AT_MS)}000000`);
    expect(record?.traceId).to.equal("0af7651916cd43dd8448eb211c80319c");
    const attributes = Object.fromEntries(
      (record?.attributes ?? []).map(({ key, value }) => [key, value]),
    );
    expect(attributes).to.deep.include({
      "http.request.id": { stringValue: "7" },
      "http.response.status_code": { intValue: "200" },
      duration_ms: { doubleValue: 12.346 },
    });
    expect(attributes).to.have.property("log.record.uid");
    expect(attributes).not.to.have.any.keys("time", "trace_id");
    expect(JSON.parse(record?.body.stringValue ?? "")).to.include({ "http.request.id": "7" });
  });

  it("does not send again what a partial success rejects, and counts it", async () => {
    await using receiver = await startLogReceiver();
    const body = JSON.stringify({ partialSuccess: { rejectedLogRecords: "3", errorMessage: "x" } });
    receiver.answerNext({ status: 200, body });
    await using opened = await openNetworkLog([{ kind: "otlp", url: `${receiver.url}/own/path` }]);
    opened.write(0, 10);
    await settled(opened, "otlp");
    expect(receiver.posts.map(({ path }) => path)).to.deep.equal(["/own/path"]);
    expect(await linesOf(opened.metrics, "otlp")).to.deep.include({ written: 7, dropped: 3 });
    expect(await droppedOf(opened.metrics, "otlp")).to.deep.equal({ rejected: 3 });
  });
});

describe("access-log outputs: otlp, of a receiver that means ill", () => {
  for (const rejectedLogRecords of [
    { valueOf: 1, toString: 1 },
    "-9",
    null,
    ["7"],
    "1e3",
    true,
  ] as const) {
    it(`takes ${JSON.stringify(rejectedLogRecords)} rejected for none, and does not stop there`, async () => {
      await using receiver = await startLogReceiver();
      const body = JSON.stringify({ partialSuccess: { rejectedLogRecords } });
      receiver.answerNext({ status: 200, body });
      await using opened = await openNetworkLog([{ kind: "otlp", url: receiver.url }]);
      opened.write(0, 10);
      await settled(opened, "otlp");
      expect(receiver.posts.length).to.equal(1);
      expect(await linesOf(opened.metrics, "otlp")).to.deep.include({ written: 10, dropped: 0 });
    });
  }
});

describe("access-log outputs: mezmo", () => {
  let folder: TemporaryFolder;
  let keyFile: string;

  beforeEach(async () => {
    folder = await createTemporaryFolder();
    keyFile = folder.file("key");
    await writeFile(keyFile, "k3y-of-mezmo\n", { mode: 0o600 });
  });
  afterEach(() => folder.remove());

  it("posts lines with the key in a header and nowhere else", async () => {
    await using receiver = await startLogReceiver();
    await using opened = await openNetworkLog([{ kind: "mezmo", url: receiver.url, keyFile }]);
    opened.write(0, 3);
    await settled(opened, "mezmo");
    const [post] = receiver.posts;
    expect(post?.headers).to.include({ apikey: "k3y-of-mezmo", "content-encoding": "gzip" });
    const url = new URL(post?.path ?? "", "http://x");
    expect(url.pathname).to.equal("/logs/ingest");
    expect([...url.searchParams.keys()]).to.deep.equal(["hostname", "now"]);
    expect(url.searchParams.get("hostname")).to.equal(hostname());
    const { lines } = JSON.parse(post?.body ?? "");
    expect(lines.length).to.equal(3);
    expect(lines[0]).to.include({ timestamp: STARTED_AT_MS, app: "logveil", level: "INFO" });
    expect(JSON.parse(lines[0].line)).to.include({ "http.request.id": "0" });
    expect(lines[0].meta.id).to.be.a("string");
    expect(`${post?.path ?? ""}${post?.body ?? ""}${opened.eventText()}`).not.to.include("k3y");
  });

  it("sends those lines again that 207 says may yet be taken, drops the others that it refuses, and no more", async () => {
    await using receiver = await startLogReceiver();
    receiver.answerNext(
      { status: 207, body: JSON.stringify({ status: [200, 500, 400, 429, 200] }) },
      { status: 200 },
    );
    await using opened = await openNetworkLog([{ kind: "mezmo", url: receiver.url, keyFile }]);
    opened.write(0, 5);
    await settled(opened, "mezmo");
    const sent = receiver.posts.map(({ body }) =>
      JSON.parse(body).lines.map(
        ({ line }: { line: string }) => JSON.parse(line)["http.request.id"],
      ),
    );
    expect(sent).to.deep.equal([
      ["0", "1", "2", "3", "4"],
      ["1", "3"],
    ]);
    expect(await linesOf(opened.metrics, "mezmo")).to.deep.include({ written: 4, dropped: 1 });
  });

  for (const body of [
    "?",
    '{"status":[null,false,"",[]]}',
    '{"lines":[{"id":1},{"id":2},{"id":3},{"id":4}]}',
    '{"lines":[{"status":{"valueOf":1,"toString":1}},200,200,200]}',
  ]) {
    it(`asks for each line where 207 does not say which: ${body}`, async () => {
      await using receiver = await startLogReceiver();
      receiver.answerNext({ status: 207, body });
      await using opened = await openNetworkLog([{ kind: "mezmo", url: receiver.url, keyFile }]);
      opened.write(0, 4);
      await settled(opened, "mezmo");
      expect(receiver.posts.map((post) => JSON.parse(post.body).lines.length)).to.deep.equal([
        4, 2, 2,
      ]);
      expect(await linesOf(opened.metrics, "mezmo")).to.deep.include({ written: 4, dropped: 0 });
    });
  }

  it("takes a new key without a restart", async () => {
    await using receiver = await startLogReceiver();
    receiver.answerNext({ status: 401 });
    await using opened = await openNetworkLog([{ kind: "mezmo", url: receiver.url, keyFile }]);
    opened.write(0, 1);
    await eventually("the refusal is said", () =>
      opened.events().includes("access-log.output-refused") ? true : undefined,
    );
    await writeFile(keyFile, "n3w\n");
    await settled(opened, "mezmo");
    expect(receiver.posts.at(-1)?.headers["apikey"]).to.equal("n3w");
    expect(await linesOf(opened.metrics, "mezmo")).to.deep.include({ written: 1, dropped: 0 });
  });

  it("refuses a key file that others can read, or that holds no key", async () => {
    const settings = settingsWith({ outputs: ["mezmo"], mezmo: { url: "https://x", keyFile } });
    expect(await readReceivers(settings)).to.have.lengthOf(1);
    await chmod(keyFile, 0o640);
    expect(await codeOf(readReceivers(settings))).to.equal("ingestion-key-exposed");
    await writeFile(keyFile, "two words");
    await chmod(keyFile, 0o600);
    expect(await codeOf(readReceivers(settings))).to.equal("ingestion-key-unreadable");
    await rm(keyFile);
    // A pipe without a writer: opening it would wait for one.
    execFileSync("mkfifo", ["-m", "600", keyFile]);
    expect(await codeOf(readReceivers(settings))).to.equal("ingestion-key-unreadable");
    await folder.remove();
    expect(await codeOf(readReceivers(settings))).to.equal("ingestion-key-unreadable");
  });
});

describe("access-log outputs: syslog", () => {
  const CA = Buffer.from(SELF_SIGNED.cert);

  it("sends RFC 5424 with octet counting over TCP", async () => {
    await using receiver = await startSyslogReceiver();
    await using opened = await openNetworkLog([
      { kind: "syslog", host: "127.0.0.1", port: receiver.port },
    ]);
    opened.write(0, 2500);
    await settled(opened, "syslog");
    expect(idsOf(receiver)).to.deep.equal(numbers(0, 2500));
    expect(receiver.messages[0]).to.include({
      priority: 134,
      time: new Date(STARTED_AT_MS).toISOString(),
      appName: "logveil",
      hostName: hostname(),
    });
    expect(new Set(receiver.messages.map(({ id }) => id)).size).to.equal(2500);
    expect(await linesOf(opened.metrics, "syslog")).to.deep.include({ written: 2500, dropped: 0 });
  });

  it("sends the same over TLS to a receiver whose certificate it can check", async () => {
    await using receiver = await startSyslogReceiver({ tls: SELF_SIGNED });
    await using opened = await openNetworkLog([
      { kind: "syslog", host: "127.0.0.1", port: receiver.port, tls: { ca: CA } },
    ]);
    opened.write(0, 1200);
    await settled(opened, "syslog");
    expect(idsOf(receiver)).to.deep.equal(numbers(0, 1200));
  });

  for (const [what, certificate, ca] of [
    ["signed by nobody it knows", SELF_SIGNED, undefined],
    ["of another name", SELF_SIGNED_NAMED, Buffer.from(SELF_SIGNED_NAMED.cert)],
  ] as const) {
    it(`sends nothing to a receiver with a certificate ${what}`, async () => {
      await using receiver = await startSyslogReceiver({ tls: certificate });
      await using opened = await openNetworkLog([
        { kind: "syslog", host: "127.0.0.1", port: receiver.port, tls: { ca } },
      ]);
      opened.write(0, 10);
      await eventually("the outage is said", () => {
        opened.clock.advance(HOUR_MS);
        return opened.events().includes("access-log.output-away") ? true : undefined;
      });
      expect(receiver.bytes().length).to.equal(0);
      expect(await linesOf(opened.metrics, "syslog")).to.deep.include({ written: 0, waiting: 10 });
    });
  }

  it("checks the certificate although the environment of Node.js says not to", async () => {
    await using receiver = await startSyslogReceiver({ tls: SELF_SIGNED });
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      await using opened = await openNetworkLog([
        { kind: "syslog", host: "127.0.0.1", port: receiver.port, tls: {} },
      ]);
      opened.write(0, 10);
      await saidToBeAway(opened);
      expect(receiver.bytes().length).to.equal(0);
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
  });

  it("does not wait for ever for a receiver that goes on sending and never closes", async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const chatter = setInterval(() => socket.write("."), 20);
      socket.on("error", () => undefined).on("close", () => clearInterval(chatter));
      socket.resume();
    });
    const { port } = await listen(server);
    {
      await using opened = await openNetworkLog([
        { kind: "syslog", host: "127.0.0.1", port, timeoutMs: 100 },
      ]);
      opened.write(0, 10);
      await saidToBeAway(opened);
      expect(await linesOf(opened.metrics, "syslog")).to.deep.include({ written: 0, waiting: 10 });
    }
    await closeServer(server);
  });

  it("takes nothing for delivered that a dying receiver may not have read", async () => {
    await using receiver = await startSyslogReceiver();
    receiver.resetNext(3);
    await using opened = await openNetworkLog([
      { kind: "syslog", host: "127.0.0.1", port: receiver.port },
    ]);
    opened.write(0, 20);
    await settled(opened, "syslog");
    expect(receiver.connections()).to.equal(4);
    expect(idsOf(receiver)).to.deep.equal(numbers(0, 20));
  });

  it("comes back by itself to a receiver that was away", async () => {
    const first = await startSyslogReceiver();
    const { port } = first;
    await using opened = await openNetworkLog([{ kind: "syslog", host: "127.0.0.1", port }]);
    opened.write(0, 10);
    await settled(opened, "syslog");
    await first.close();
    opened.write(10, 3000);
    await eventually("the outage is said", () => {
      opened.clock.advance(HOUR_MS);
      return opened.events().includes("access-log.output-away") ? true : undefined;
    });
    await using second = await startSyslogReceiver({ port });
    await settled(opened, "syslog");
    expect([...idsOf(first), ...idsOf(second)]).to.deep.equal(numbers(0, 3000));
    expect(opened.events()).to.deep.equal(["access-log.output-away", "access-log.output-back"]);
  });

  it("finds host and port in a URL, and the certificate authority in a file", async () => {
    await using folder = await createTemporaryFolder();
    await writeFile(folder.file("ca.pem"), SELF_SIGNED.cert);
    const read = async (url: string, ca?: string) =>
      (await readReceivers(settingsWith({ outputs: ["syslog"], syslog: { url, ca } })))[0];
    expect(await read("tcp://logs.example")).to.deep.include({ host: "logs.example", port: 601 });
    expect(await read("tls://[::1]:99")).to.deep.include({ host: "::1", port: 99 });
    expect(await read("tls://a", folder.file("ca.pem"))).to.deep.include({
      port: 6514,
      tls: { ca: CA },
    });
    expect(await codeOf(read("tls://a", folder.file("none")))).to.equal("certificate-unreadable");
    await writeFile(folder.file("ca.pem"), "none");
    expect(await codeOf(read("tls://a", folder.file("ca.pem")))).to.equal("certificate-invalid");
  });
});

describe("access-log outputs: back-off", () => {
  it("waits anything up to a bound that doubles to a minute", () => {
    const bounds = [0, 1, 2, 3, 6, 7, 8, 1000].map((failures) => backOffMs(failures, 1));
    expect(bounds).to.deep.equal([500, 1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000]);
    expect(backOffMs(9, 0)).to.equal(0);
    expect(backOffMs(9, 0.25)).to.equal(15_000);
  });
});

const saidToBeAway = (opened: OpenedNetworkLog) =>
  eventually("the outage is said", () => {
    opened.clock.advance(HOUR_MS);
    return opened.events().includes("access-log.output-away") ? true : undefined;
  });

function idsOf({ messages }: SyslogReceiver): readonly number[] {
  return messages.map(({ text }) => Number(JSON.parse(text)["http.request.id"]));
}

function settingsWith(changes: Partial<Parameters<typeof readReceivers>[0]>) {
  return {
    outputs: [],
    syslog: { url: undefined, ca: undefined },
    otlp: { url: undefined },
    mezmo: { url: "https://logs.mezmo.com", keyFile: undefined },
    http: { url: undefined, headers: {} },
    ...changes,
  };
}

async function codeOf(reading: Promise<unknown>): Promise<unknown> {
  return reading.then(
    () => undefined,
    (error: { readonly code?: string }) => error.code,
  );
}
