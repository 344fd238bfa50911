import { readFileSync } from "node:fs";
import { expect } from "chai";
import {
  hang,
  hangUp,
  reset,
  respond,
  respondBytes,
  respondInChunks,
  respondWhen,
} from "../kit/answers.ts";
import type { Answer } from "../kit/answers.ts";
import { exchangeRaw, openRawClient } from "../kit/raw-client.ts";
import { startRecordingUpstream } from "../kit/recording-upstream.ts";
import type { RecordingUpstream } from "../kit/recording-upstream.ts";
import { startRunningSidecar } from "../kit/running-sidecar.ts";
import type { RunningSidecar } from "../kit/running-sidecar.ts";
import { startAddressedServer } from "./addressed-server.ts";
import { readMetrics } from "./metrics-page.ts";
import { expectNobody, plantedRequest } from "./planted.ts";

const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

/** What the upstream does, and what comes of it: `status` 200 with a fault behind it is an answer that breaks off. */
type Fault = {
  readonly title: string;
  readonly answer: Answer;
  readonly status: number;
  readonly errorType: string;
  readonly method?: string;
  /** Requests that the upstream sees of one that the client sends. */
  readonly attempts?: number;
};

const FAULTS: readonly Fault[] = [
  {
    title: "resets before its headers: retried once, then 502",
    answer: reset,
    status: 502,
    errorType: "upstream_reset",
    attempts: 2,
  },
  {
    title: "resets before its headers under a POST: not retried, 502",
    answer: reset,
    status: 502,
    errorType: "upstream_reset",
    method: "POST",
  },
  {
    title: "closes without an answer: retried once, then 502",
    answer: hangUp,
    status: 502,
    errorType: "upstream_reset",
    attempts: 2,
  },
  {
    title: "resets within its headers: 502",
    answer: cutBehind(`${HEAD}Content-Le`),
    status: 502,
    errorType: "upstream_reset",
    method: "POST",
  },
  {
    title: "resets behind its headers: a broken answer, never a whole one",
    answer: cutBehind(`${HEAD}Content-Length: 100\r\n\r\n`),
    status: 200,
    errorType: "upstream_reset",
  },
  {
    title: "resets within a body of known length: a broken answer",
    answer: cutBehind(`${HEAD}Content-Length: 100\r\n\r\nhalf`),
    status: 200,
    errorType: "upstream_reset",
  },
  {
    title: "resets within a chunked body: a broken answer without a last chunk",
    answer: respondInChunks(["half", "never"], { cutAfter: 1 }),
    status: 200,
    errorType: "upstream_reset",
  },
  {
    title: "hangs before its headers: 504",
    answer: hang,
    status: 504,
    errorType: "upstream_timeout",
  },
  {
    title: "hangs within a body: a broken answer, a time-out in the log",
    answer: respondBytes(`${HEAD}Content-Length: 100\r\n\r\nhalf`),
    status: 200,
    errorType: "upstream_timeout",
  },
  {
    title: "answers garbage: 502",
    answer: respondBytes("\x16\x03\x01garbage\r\n\r\n", { end: true }),
    status: 502,
    errorType: "upstream_invalid",
  },
  {
    title: "answers with two lengths: 502",
    answer: respondBytes(`${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc`),
    status: 502,
    errorType: "upstream_invalid",
  },
  {
    title: "answers with more headers than are allowed: 502",
    answer: respond({ headers: [["X-Bomb", "x".repeat(40_000)]] }),
    status: 502,
    errorType: "upstream_invalid",
  },
  {
    title: "garbage within a chunked body: a broken answer",
    answer: respondBytes(`${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nZZ\r\n`),
    status: 200,
    errorType: "upstream_invalid",
  },
];

/** Writes `bytes`, lets them arrive, and resets the connection. */
function cutBehind(bytes: string): Answer {
  return (socket) =>
    new Promise((resolve) => {
      socket.write(bytes, () => {
        // A reset discards what the other side has not read yet, so it comes a turn of its event loop later.
        setTimeout(() => resolve(void socket.resetAndDestroy()), 50);
      });
    });
}

describe("fault: the upstream", () => {
  let upstream: RecordingUpstream;
  let sidecar: RunningSidecar;

  beforeEach(async () => {
    upstream = await startRecordingUpstream();
    const timeouts = { upstreamResponse: "400ms", request: "1s", headers: "1s" };
    sidecar = await startRunningSidecar({
      upstream: upstream.url,
      settings: { proxy: { timeouts } },
    });
  });

  afterEach(async () => {
    await sidecar[Symbol.asyncDispose]();
    await upstream.close();
  });

  for (const { title, answer, status, errorType, method = "GET", attempts = 1 } of FAULTS) {
    it(title, async () => {
      upstream.answerWith(answer);
      await using client = await openRawClient(sidecar.proxyPort);
      client.send(plantedRequest(method));
      await client.receive("HTTP/1.1");
      const isBroken = status === 200;
      const received = isBroken ? await client.closed() : await client.receive("}");
      expect(received).to.match(new RegExp(`^HTTP/1.1 ${String(status)} `));
      if (isBroken) expectBroken(received);
      else expect(received).to.include(`"code":"${errorType}"`);
      const [line] = await sidecar.logLines(1);
      expect(line).to.include({ "http.response.status_code": status, "error.type": errorType });
      expect(upstream.requests.length).to.equal(attempts);
      await expectCounted(sidecar, errorType, attempts);
      await expectStillServing(sidecar, upstream);
      await sidecar.close();
      expectNobody(sidecar.folder, received);
    });
  }

  it("resets within a body that only closing ends: what came counts as whole, as RFC 9112 section 8 says", async () => {
    upstream.answerWith(cutBehind(`${HEAD}\r\nhalf`));
    await using client = await openRawClient(sidecar.proxyPort);
    client.send(plantedRequest());
    expect(await client.receive("0\r\n\r\n")).to.include("4\r\nhalf\r\n");
    const [line] = await sidecar.logLines(1);
    expect(line?.["error.type"]).to.equal(undefined);
    await sidecar.close();
    expectNobody(sidecar.folder, client.received());
  });

  it("is slow: each piece is passed on when it comes, and others do not wait", async () => {
    const [head, middle] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
    upstream.answerWith(respondWhen(head.promise, respondInChunks(["one", middle.promise])));
    await using slow = await openRawClient(sidecar.proxyPort);
    slow.send(plantedRequest());
    await upstream.request(0);
    upstream.answerWith(respond({ body: "quick" }));
    expect(await (await fetch(sidecar.proxyUrl)).text()).to.equal("quick");
    expect(slow.received()).to.equal("");
    head.resolve();
    expect(await slow.receive("one")).to.not.include("two");
    middle.resolve("two");
    expect(await slow.receive("0\r\n\r\n")).to.include("3\r\ntwo\r\n");
    const lines = await sidecar.logLines(2);
    expect(lines.map((line) => line["error.type"])).to.deep.equal([undefined, undefined]);
    const [quick, late] = [(path: unknown) => path === "/", (path: unknown) => path !== "/"].map(
      (isIts) => Number(lines.find((line) => isIts(line["url.path"]))?.["upstream_ms"]),
    );
    expect(late).to.be.greaterThan(quick ?? Infinity);
    await sidecar.close();
    expectNobody(sidecar.folder, slow.received());
  });
});

describe("fault: the upstream is down", () => {
  it("refuses connections: 502 for each request, one event, and one when it is back", async () => {
    const first = await startAddressedServer(ADDRESS);
    await using sidecar = await startRunningSidecar({
      upstream: `http://${ADDRESS}:${first.port}`,
    });
    await first.close();
    const request = plantedRequest().replace("Host:", "Connection: close\r\nHost:");
    const answers = [
      await exchangeRaw(sidecar.proxyPort, request),
      await exchangeRaw(sidecar.proxyPort, request),
    ];
    for (const answer of answers)
      expect(answer)
        .to.match(/^HTTP\/1.1 502 /)
        .and.to.include('"code":"upstream_unreachable"');
    expect((await fetch(`${sidecar.vaultUrl}/readyz`)).status, "ready all the same").to.equal(200);
    await using second = await startAddressedServer(ADDRESS, first.port);
    expect(await exchangeRaw(sidecar.proxyPort, request)).to.match(/^HTTP\/1.1 200 /);
    expect(second.answered()).to.equal(1);
    const lines = await sidecar.logLines(3);
    expect(lines.map((line) => line["error.type"])).to.deep.equal([
      "upstream_unreachable",
      "upstream_unreachable",
      undefined,
    ]);
    const metrics = await readMetrics(sidecar.vaultUrl);
    expect(metrics('logveil_upstream_errors_total{kind="upstream_unreachable"}')).to.equal(2);
    expect(upstreamEventsOf(sidecar)).to.deep.equal([
      ["upstream.unreachable", "upstream_unreachable"],
      ["upstream.back", undefined],
    ]);
    await sidecar.close();
    expectNobody(sidecar.folder, ...answers);
  });
});

/** Not the one that everybody uses, so that nobody takes the port between the server's two lives. */
const ADDRESS = "127.61.4.9";

function expectBroken(received: string): void {
  const [head = ""] = received.split("\r\n\r\n", 1);
  const body = received.slice(head.length + 4);
  expect(body).to.not.include("0\r\n\r\n").and.to.not.include("problem");
  expect(head, "framed, so that a client can tell").to.match(/Content-Length: 100|chunked/i);
  expect(body.length).to.be.lessThan(100);
}

async function expectCounted({ vaultUrl }: RunningSidecar, errorType: string, attempts: number) {
  const metrics = await readMetrics(vaultUrl);
  expect(metrics(`logveil_upstream_errors_total{kind="${errorType}"}`)).to.equal(1);
  expect(metrics("logveil_upstream_retries_total")).to.equal(attempts - 1);
}

/** And says so: one event for the fault, one for its end. */
async function expectStillServing(sidecar: RunningSidecar, upstream: RecordingUpstream) {
  upstream.answerWith(respond({ body: "served" }));
  expect(await (await fetch(sidecar.proxyUrl)).text()).to.equal("served");
  const [, line] = await sidecar.logLines(2);
  expect(line?.["error.type"]).to.equal(undefined);
  const names = upstreamEventsOf(sidecar).map(([name]) => name);
  expect(names[0]).to.equal("upstream.unreachable");
  expect(names.at(-1)).to.be.oneOf(["upstream.back", "upstream.unreachable"]);
}

function upstreamEventsOf({ files }: RunningSidecar) {
  return readFileSync(files.eventLog, "utf8")
    .split("\n")
    .filter((line) => line.includes('"upstream.'))
    .map((line) => JSON.parse(line) as { readonly event: string; readonly kind?: string })
    .map(({ event, kind }) => [event, kind]);
}
