import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { hang, reset, respond, respondBytes, respondInChunks } from "../kit/answers.ts";
import type { Answer } from "../kit/answers.ts";
import { eventually } from "../kit/eventually.ts";
import { basicAuthorizationOf, cookieHeaderOf, findPerson, PEOPLE } from "../kit/people.ts";
import type { Person } from "../kit/people.ts";
import { head, openRawClient } from "../kit/raw-client.ts";
import { startRecordingUpstream } from "../kit/recording-upstream.ts";
import type { RecordingUpstream } from "../kit/recording-upstream.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";

// People are planted in every position of a request, under success and under every kind of failure, and then searched for in
// everything that left the sidecar or stayed behind.

/** Header fields that carry a client's address, beside those of the standards. */
const ADDRESS_FIELDS = [
  "X-Forwarded-For",
  "X-Real-IP",
  "True-Client-IP",
  "CF-Connecting-IP",
  "Fastly-Client-IP",
  "X-Client-IP",
  "X-Cluster-Client-IP",
  "X_Forwarded_For",
  "x-original-forwarded-for",
  "X-Envoy-External-Address",
  "X-ProxyUser-Ip",
  "X-Azure-ClientIP",
  "X-Arr-ClientIP",
];

/** The parts of a request that go to the upstream because it cannot work without them. */
type Position = "path" | "query" | "referer" | "authorization";

function requestOf(person: Person, method: string, positions: readonly Position[]): string {
  const email = encodeURIComponent(person.email);
  const has = (position: Position) => positions.includes(position);
  const path = has("path")
    ? `/users/${email}/${person.ipv4}/${encodeURIComponent(person.phone)}`
    : "/";
  const query = has("query")
    ? `?page=${email}&token=${person.jwt}&ip=${person.ipv6}&q=${person.login}`
    : "";
  return (
    head(
      `${method} ${path}${query} HTTP/1.1`,
      "Host: www.example.com",
      `User-Agent: ${person.userAgent}`,
      `Sec-CH-UA: "${person.login}";v="1"`,
      `Cookie: ${cookieHeaderOf(person)}`,
      ...ADDRESS_FIELDS.map((name) => `${name}: ${person.ipv4}`),
      `Forwarded: for="[${person.ipv6}]"`,
      `From: ${person.email}`,
      `Via: 1.1 ${person.login}`,
      ...(has("referer")
        ? [`Referer: https://${person.login}:${person.login}@www.example.com/${email}`]
        : []),
      ...(has("authorization") ? [`Authorization: ${basicAuthorizationOf(person)}`] : []),
      ...(method === "POST" ? ["Content-Length: 2"] : []),
    ) + (method === "POST" ? "ok" : "")
  );
}

const ALL: readonly Position[] = ["path", "query", "referer", "authorization"];

/** A failure or success, and what the client does to get it. */
type Situation = {
  readonly name: string;
  readonly answer: Answer;
  readonly status: number;
  readonly method?: string;
  /** Sent in place of the usual request. */
  readonly spoil?: (request: string) => string;
  /** The client goes away as soon as the upstream has its request. */
  readonly aborts?: boolean;
};

const SITUATIONS: readonly Situation[] = [
  { name: "200", answer: respond(), status: 200 },
  { name: "404", answer: respond({ status: 404 }), status: 404 },
  { name: "POST 200", answer: respond(), status: 200, method: "POST" },
  { name: "HEAD 200", answer: respond({ body: "" }), status: 200, method: "HEAD" },
  { name: "502 after a reset", answer: reset, status: 502 },
  {
    name: "502 after garbage",
    answer: respondBytes("garbage\r\n\r\n", { end: true }),
    status: 502,
  },
  { name: "504", answer: hang, status: 504 },
  { name: "client abort", answer: hang, status: 499, aborts: true },
  { name: "broken body", answer: respondInChunks(["one", "two"], { cutAfter: 1 }), status: 200 },
  {
    name: "refused: two Host lines",
    answer: respond(),
    status: 400,
    spoil: (r) => r.replace("Host:", "Host: b\r\nHost:"),
  },
  {
    name: "refused: bad header",
    answer: respond(),
    status: 400,
    spoil: (r) => r.replace("Via:", "Via :"),
  },
  {
    name: "refused: TE and CL",
    answer: respond(),
    status: 400,
    spoil: (r) => r.replace("Via:", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\nVia:"),
  },
  {
    name: "refused: expectation",
    answer: respond(),
    status: 417,
    spoil: (r) => r.replace("Via:", "Expect: miracles\r\nVia:"),
  },
  { name: "refused: method", answer: respond(), status: 405, method: "TRACE" },
  {
    name: "headers too large",
    answer: respond(),
    status: 431,
    spoil: (r) => r.replace("Via:", `X-Big: ${"x".repeat(20_000)}\r\nVia:`),
  },
];

const TIMEOUTS = { upstreamResponse: "300ms" };

/** Behind a trusted proxy the people's addresses are their clients' addresses; otherwise they are what clients made up. */
const VARIANTS = [
  {
    name: "clients that connect themselves",
    format: "json",
    settings: { proxy: { timeouts: TIMEOUTS } },
  },
  {
    name: "clients behind a trusted proxy, combined format",
    format: "combined",
    settings: {
      proxy: { timeouts: TIMEOUTS, trustedProxies: ["127.0.0.0/8"] },
      accessLog: { format: "combined" },
    },
  },
];

describe("guarantee: nothing leaks", () => {
  for (const { settings, format, name } of VARIANTS) {
    describe(name, () => {
      for (const situation of SITUATIONS) {
        it(`${situation.name}: nobody is found anywhere`, async () => {
          await using upstream = await startRecordingUpstream();
          const sidecar = await startRunningSidecar({ upstream: upstream.url, settings });
          try {
            upstream.answerWith(situation.answer);
            const answers = await visitAll(sidecar, upstream, situation, ALL);
            await linesOf(sidecar, PEOPLE.length);
            await sidecar.close();
            expectNobodyIn(sidecar, answers);
            await eventually(
              "each line has the status",
              () =>
                statusesOf(sidecar, format).every((status) => status === situation.status) ||
                undefined,
            );
          } finally {
            await sidecar.close();
            await sidecar.removeFolder();
          }
        });
      }
    });
  }

  it("the upstream sees nobody in what it gets without needing it", async () => {
    await using upstream = await startRecordingUpstream();
    await using sidecar = await startRunningSidecar({ upstream: upstream.url });
    const situation = { name: "200", answer: respond(), status: 200 };
    await visitAll(sidecar, upstream, situation, []);
    expect(upstream.requests.length).to.equal(PEOPLE.length);
    expect(findPerson(upstream.bytes())).to.deep.equal([]);
  });

  it("upgraded connections leak no more than requests", async () => {
    await using upstream = await startRecordingUpstream();
    await using sidecar = await startRunningSidecar({ upstream: upstream.url });
    upstream.answerWith(respond({ status: 403 }));
    for (const person of PEOPLE) {
      await using client = await openRawClient(sidecar.proxyPort);
      const upgrade =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nVia:";
      client.send(requestOf(person, "GET", []).replace("Via:", upgrade));
      await client.receive("403");
    }
    expect(findPerson(upstream.bytes())).to.deep.equal([]);
    await linesOf(sidecar, PEOPLE.length);
    expectNobodyIn(sidecar, []);
  });
});

async function visitAll(
  sidecar: RunningSidecar,
  upstream: RecordingUpstream,
  situation: Situation,
  positions: readonly Position[],
): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const [index, person] of PEOPLE.entries()) {
    await using client = await openRawClient(sidecar.proxyPort);
    const request = requestOf(person, situation.method ?? "GET", positions);
    client.send(situation.spoil?.(request) ?? request);
    if (situation.aborts) await upstream.request(index);
    else await client.receive(`HTTP/1.1 ${String(situation.status)}`);
    client.socket.end();
    if (situation.aborts) client.socket.destroy();
    answers.push(await client.closed());
  }
  return answers;
}

function linesOf(sidecar: RunningSidecar, count: number): Promise<string> {
  return eventually(`${String(count)} lines`, () => {
    const text = readFileSync(sidecar.files.accessLog, "utf8");
    return text.split("\n").length > count ? text : undefined;
  });
}

function statusesOf(sidecar: RunningSidecar, format: string): readonly number[] {
  const lines = readFileSync(sidecar.files.accessLog, "utf8").trimEnd().split("\n");
  return lines.map((line) =>
    format === "json"
      ? Number((JSON.parse(line) as Record<string, unknown>)["http.response.status_code"])
      : Number(/" (?<status>\d{3}) /.exec(line)?.groups?.["status"]),
  );
}

/** Access log, event log, error answers, and every raw file of store and keyring. */
function expectNobodyIn(sidecar: RunningSidecar, answers: readonly string[]): void {
  for (const answer of answers) expect(findPerson(answer)).to.deep.equal([]);
  const entries = readdirSync(sidecar.folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  expect(files.length).to.be.greaterThan(5);
  for (const file of files) {
    const found = findPerson(readFileSync(join(file.parentPath, file.name)));
    expect(found, file.name).to.deep.equal([]);
  }
}
