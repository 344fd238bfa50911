import { readFile, readdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { startEchoUpstream } from "../../kit/echo-upstream.ts";
import { eventually } from "../../kit/eventually.ts";
import { startLogReceiver } from "../../kit/log-receiver.ts";
import type { LogReceiver } from "../../kit/log-receiver.ts";
import { PEOPLE, cookieHeaderOf, findPerson } from "../../kit/people.ts";
import type { Person } from "../../kit/people.ts";
import { SELF_SIGNED } from "../../kit/self-signed.ts";
import { runLogveil, writeConfiguration } from "../../kit/sidecar-process.ts";
import { startSyslogReceiver } from "../../kit/syslog-receiver.ts";
import { createTemporaryFolder } from "../../kit/temporary-folder.ts";
import type { TemporaryFolder } from "../../kit/temporary-folder.ts";
import { recordsIn } from "./opened-network-log.ts";

const ROUNDS = 3;

describe("access-log outputs: a real process", () => {
  it(`${String(ROUNDS)} times kill -9: what was in the spool arrives, and nothing under two ids`, async function () {
    this.timeout(60_000);
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    await using receiver = await startLogReceiver();
    const config = await writeOutputs(folder, upstream.url, {
      outputs: ["http"],
      http: { url: receiver.url },
    });
    const arrived = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      await using logveil = runLogveil(["serve", "--config", config]);
      const { proxyUrl, vaultUrl } = await logveil.ready();
      // Taken and said so, taken and not said so, not taken: the kill comes in between.
      receiver.answerAll(
        () => (["reset", { status: 200 }, { status: 503 }] as const)[round % 3] ?? "hang",
      );
      for (const id of await visit(proxyUrl, `checked-${String(round)}`, 300)) arrived.add(id);
      await eventually("all lines are in the spool, or delivered", async () =>
        (await sumOf(vaultUrl)) >= 300 ? true : undefined,
      );
      const load = visit(proxyUrl, `killed-${String(round)}`, 5000).catch(() => undefined);
      await eventually("load is on", () =>
        upstream.echoes.length > (round + 1) * 400 ? true : undefined,
      );
      logveil.signal("SIGKILL");
      await logveil.ended();
      await load;
    }
    receiver.answerAll(() => ({ status: 200 }));
    await using logveil = runLogveil(["serve", "--config", config]);
    const { vaultUrl } = await logveil.ready();
    await eventually("nothing waits", async () =>
      (await metricOf(vaultUrl, "logveil_log_lines_waiting")) === 0 ? true : undefined,
    );
    const records = delivered(receiver);
    const paths = new Set(records.map((record) => String(record["url.path"])));
    expect([...arrived].filter((path) => !paths.has(path))).to.deep.equal([]);
    const uidsOf = Map.groupBy(records, (record) => String(record["http.request.id"]));
    for (const same of uidsOf.values())
      expect(new Set(same.map((record) => JSON.stringify(record))).size).to.equal(1);
    const sum = await Promise.all(
      ["resumed", "accepted", "written", "dropped"].map((word) =>
        metricOf(vaultUrl, `logveil_log_lines_${word}_total`),
      ),
    );
    const [resumed = 0, accepted = 0, written = 0, dropped = 0] = sum;
    expect(written + dropped).to.equal(resumed + accepted);
    // A line that the last kill has torn.
    expect(dropped).to.be.at.most(1);
    logveil.signal("SIGTERM");
    expect(await logveil.ended()).to.equal(0);
  });

  it("sends nothing personal to any receiver, keeps nothing personal, and shows no secret", async function () {
    this.timeout(60_000);
    await using folder = await createTemporaryFolder();
    await using upstream = await startEchoUpstream();
    await using http = await startLogReceiver();
    await using otlp = await startLogReceiver();
    await using mezmo = await startLogReceiver();
    await using syslog = await startSyslogReceiver({ tls: SELF_SIGNED });
    await writeFile(folder.file("ca.pem"), SELF_SIGNED.cert);
    await writeFile(folder.file("mezmo.key"), "k3y-of-mezmo", { mode: 0o600 });
    const config = await writeOutputs(folder, upstream.url, {
      outputs: ["syslog", "otlp", "mezmo", "http"],
      syslog: { url: `tls://127.0.0.1:${String(syslog.port)}`, ca: folder.file("ca.pem") },
      otlp: { url: otlp.url },
      mezmo: { url: mezmo.url, keyFile: folder.file("mezmo.key") },
      http: { url: http.url, headers: { "X-Secret": "s3cret-of-http" } },
    });
    await using logveil = runLogveil(["serve", "--config", config]);
    const { proxyUrl } = await logveil.ready();
    http.answerNext({ status: 401 });
    mezmo.answerNext({ status: 500 }, { status: 500 });
    otlp.answerNext("reset", "reset");
    for (const person of PEOPLE) await visitAs(person, proxyUrl);
    await eventually("all have all", () =>
      syslog.messages.length === 3 &&
      [http, otlp, mezmo].every((each) => last(each)?.status === 200)
        ? true
        : undefined,
    );
    const spool = await Promise.all(
      (await readdir(folder.file("data", "spool"))).map((name) =>
        readFile(folder.file("data", "spool", name)).catch(() => Buffer.alloc(0)),
      ),
    );
    const posts = [http, otlp, mezmo].flatMap((each) => each.posts.map(({ wire }) => wire));
    const all = Buffer.concat([...posts, syslog.bytes(), ...spool]);
    expect(all.toString("latin1")).to.include("~email.");
    expect(findPerson(all)).to.deep.equal([]);
    expect(findPerson(logveil.stderr())).to.deep.equal([]);
    for (const secret of ["k3y-of-mezmo", "s3cret-of-http"]) {
      expect(logveil.stderr()).not.to.include(secret);
      expect(Buffer.concat(spool).includes(secret)).to.equal(false);
      for (const each of [http, otlp, mezmo])
        for (const { path, body } of each.posts) expect(path + body).not.to.include(secret);
    }
    logveil.signal("SIGTERM");
    expect(await logveil.ended()).to.equal(0);
  });
});

function writeOutputs(folder: TemporaryFolder, upstream: string, accessLog: object) {
  return writeConfiguration(folder.path, upstream, { accessLog });
}

/** Paths of requests that have been answered; no two are alike. */
async function visit(proxyUrl: string, name: string, count: number): Promise<readonly string[]> {
  const paths: string[] = [];
  for (let number = 0; number < count; number += 50) {
    const some = Array.from({ length: 50 }, (_, n) => `/${name}-${String(number + n)}`);
    await Promise.all(
      some.map(async (path) => {
        await (await fetch(proxyUrl + path)).text();
        paths.push(path);
      }),
    );
  }
  return paths;
}

async function visitAs(person: Person, proxyUrl: string): Promise<void> {
  const email = encodeURIComponent(person.email);
  const asked = request(
    `${proxyUrl}/users/${email}/${person.ipv4}?page=${email}&ip=${person.ipv6}`,
    {
      headers: {
        "User-Agent": person.userAgent,
        Cookie: cookieHeaderOf(person),
        Referer: `https://www.example.com/${email}`,
      },
    },
  );
  asked.end();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  asked.on("response", (response) => void text(response).then(() => resolve(), reject));
  asked.on("error", reject);
  await promise;
}

function delivered({ posts }: LogReceiver) {
  return recordsIn(posts.filter(({ status }) => status === 200).map(({ body }) => body));
}

function last({ posts }: LogReceiver) {
  return posts.at(-1);
}

async function metricOf(vaultUrl: string, name: string): Promise<number> {
  const page = await (await fetch(`${vaultUrl}/metrics`)).text();
  return page
    .split("\n")
    .filter((line) => line.startsWith(`${name}{output="http"`))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function sumOf(vaultUrl: string): Promise<number> {
  const waiting = await metricOf(vaultUrl, "logveil_log_lines_waiting");
  const written = await metricOf(vaultUrl, "logveil_log_lines_written_total");
  return waiting + written - (await metricOf(vaultUrl, "logveil_log_lines_resumed_total"));
}
