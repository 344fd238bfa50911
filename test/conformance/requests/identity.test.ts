import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { hangUp, respond } from "../../kit/answers.ts";
import type { Answer } from "../../kit/answers.ts";
import { eventually } from "../../kit/eventually.ts";
import { head, openRawClient } from "../../kit/raw-client.ts";
import { startProxiedPair } from "./proxied-pair.ts";
import type { ProxiedPair } from "./proxied-pair.ts";

// RFC 7239 and what came before it: whose word on the client is believed (P1), and that nobody else's goes on (P2).

const CLIENT = "198.51.100.7";
const SPOOFED = "203.0.113.66";

/** What a trusted peer says, and who the client is then; `peer` where it says nothing that can be believed. */
const CHAINS: readonly (readonly [lines: readonly string[], client: string])[] = [
  [[`X-Forwarded-For: ${SPOOFED}, ${CLIENT}`], CLIENT],
  [[`X-Forwarded-For: ${SPOOFED}`, `X-Forwarded-For: ${CLIENT}`], CLIENT],
  [[`X-Forwarded-For: ${SPOOFED}, ${CLIENT}, 127.0.0.2`], CLIENT],
  [[`X-Forwarded-For: ${CLIENT}:4711`], CLIENT],
  [["X-Forwarded-For: 2001:DB8:0::7"], "2001:db8::7"],
  [["X-Forwarded-For: [2001:db8::7]:4711"], "2001:db8::7"],
  [[`X-Forwarded-For: ::ffff:${CLIENT}`], CLIENT],
  [[`X-Forwarded-For: ${SPOOFED}, unknown`], "peer"],
  [[`X-Forwarded-For: ${SPOOFED}, `], "peer"],
  [[`Forwarded: for=${SPOOFED}, for=${CLIENT};proto=http`], CLIENT],
  [[`Forwarded: for=${SPOOFED}`, `forwarded: For="${CLIENT}:4711"`], CLIENT],
  [['Forwarded: for="[2001:db8::7]:4711"'], "2001:db8::7"],
  [[`Forwarded: for=${SPOOFED}, for=unknown`], "peer"],
  [[`Forwarded: for=${SPOOFED}, for=_obf`], "peer"],
  [[`Forwarded: for=${SPOOFED}, for="broken`], "peer"],
  [[`Forwarded: for=${SPOOFED}, proto=http`], "peer"],
  [[`Forwarded: for=${SPOOFED}`, `X-Forwarded-For: ${CLIENT}`], CLIENT],
  [[`X-Real-IP: ${SPOOFED}`], "peer"],
];

/** PROXY.md's list. */
const IDENTITY_FIELDS = [
  "X-Forwarded-For",
  "Forwarded",
  "X-Real-IP",
  "X-Client-IP",
  "X-Cluster-Client-IP",
  "X-Original-Forwarded-For",
  "X-Envoy-External-Address",
  "X-ProxyUser-Ip",
  "True-Client-IP",
  "CF-Connecting-IP",
  "CF-Connecting-IPv6",
  "Fastly-Client-IP",
  "Fly-Client-IP",
  "X-Azure-ClientIP",
  "X-AppEngine-User-IP",
  "X-Forwarded",
  "Forwarded-For",
  "Via",
  "X-Arr-ClientIP",
  "User-Agent",
  "Sec-CH-UA",
  "Sec-CH-UA-Full-Version-List",
  "Sec-CH-UA-Model",
  "X-Original-User-Agent",
  "X-Device-User-Agent",
  "X-OperaMini-Phone-UA",
  "X-Wap-Profile",
  "From",
  "Cookie",
  "X-Session-Token",
  "X-Request-Id",
];

const CANARY = "canary-4711";

/** Each field as it is, in small letters with underscores, and with dots. */
const CANARY_LINES = IDENTITY_FIELDS.flatMap((name) => [
  `${name}: ${name === "Cookie" ? "id=" : ""}${CANARY}`,
  ...(name.includes("-")
    ? [
        `${name.toLowerCase().replaceAll("-", "_")}: ${CANARY}`,
        `${name.replaceAll("-", ".")}: ${CANARY}`,
      ]
    : []),
]);

type Route = {
  readonly name: string;
  readonly lines: readonly string[];
  readonly body?: string;
  readonly status: number;
  readonly answer?: Answer;
};

const CLOSE = "Connection: close";
const ROUTES: readonly Route[] = [
  { name: "GET", lines: ["GET / HTTP/1.1", CLOSE], status: 200 },
  { name: "POST", lines: ["POST / HTTP/1.1", CLOSE, "Content-Length: 2"], body: "ok", status: 200 },
  {
    name: "chunked POST",
    lines: ["POST / HTTP/1.1", CLOSE, "Transfer-Encoding: chunked"],
    body: `2\r\nok\r\n0\r\nX-Real-IP: ${CANARY}\r\n\r\n`,
    status: 200,
  },
  {
    name: "Expect",
    lines: ["POST / HTTP/1.1", CLOSE, "Expect: 100-continue", "Content-Length: 2"],
    body: "ok",
    status: 200,
  },
  {
    name: "Upgrade",
    lines: ["GET / HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket"],
    status: 403,
    answer: respond({ status: 403, headers: [["Connection", "close"]] }),
  },
  { name: "HEAD", lines: ["HEAD / HTTP/1.1", CLOSE], status: 200, answer: respond({ body: "" }) },
  { name: "OPTIONS", lines: ["OPTIONS / HTTP/1.1", CLOSE], status: 200 },
  { name: "OPTIONS *", lines: ["OPTIONS * HTTP/1.1", CLOSE], status: 204 },
  { name: "HTTP/1.0", lines: ["GET / HTTP/1.0"], status: 200 },
  { name: "absolute target", lines: ["GET http://h/ HTTP/1.1", CLOSE], status: 200 },
  { name: "502", lines: ["POST / HTTP/1.1", CLOSE], status: 502, answer: hangUp },
  { name: "refused", lines: ["GET / HTTP/1.1", "Host: again"], status: 400 },
  { name: "unreadable", lines: ["GET / HTTP/1.1", "X-A : b"], status: 400 },
  { name: "TRACE", lines: ["TRACE / HTTP/1.1"], status: 405 },
  { name: "CONNECT", lines: ["CONNECT h:80 HTTP/1.1"], status: 405 },
];

describe("conformance: whose word on the client is believed", () => {
  let pair: ProxiedPair;

  before(async () => {
    pair = await startProxiedPair({ proxy: { trustedProxies: ["127.0.0.0/8"] } });
  });

  after(() => pair[Symbol.asyncDispose]());

  let visits = 0;
  const clientOf = async (from: ProxiedPair, lines: readonly string[]) => {
    visits += 1;
    const request = await from.forwarded("GET / HTTP/1.1", `User-Agent: v${visits}`, ...lines);
    const token = /x-session-token: (?<uuid>\S+)/i.exec(String(request.head))?.groups?.["uuid"];
    return eventually("the session is stored", async () => {
      const { status, body } = await from.sidecar.lookUp(token ?? "");
      return status === 200 ? body.data?.["clientip"] : undefined;
    });
  };

  for (const [lines, client] of CHAINS) {
    it(`P1 ${lines.join(" | ")} from a trusted peer is ${client}`, async () => {
      expect(await clientOf(pair, lines)).to.equal(client === "peer" ? "127.0.0.1" : client);
    });
  }

  it("P1 from an untrusted peer none of it is believed", async () => {
    await using untrusting = await startProxiedPair();
    for (const [lines] of CHAINS)
      expect(await clientOf(untrusting, lines), lines.join()).to.equal("127.0.0.1");
  });
});

describe("conformance: identity headers", () => {
  let pair: ProxiedPair;

  before(async () => {
    pair = await startProxiedPair();
  });

  after(() => pair[Symbol.asyncDispose]());

  let visits = 0;
  for (const { name, lines, body, status, answer } of ROUTES) {
    it(`P2 ${name}: none of them reaches upstream, log or answer`, async () => {
      pair.upstream.answerWith(answer ?? respond());
      const [requestLine = "", ...more] = lines;
      await using client = await openRawClient(pair.port);
      client.send(head(requestLine, "Host: h", ...more, ...CANARY_LINES) + (body ?? ""));
      const received = await client.receive(`HTTP/1.1 ${String(status)} `);
      client.socket.end();
      await client.closed();
      visits += 1;
      await pair.sidecar.logLines(visits);
      expect(received).to.not.include(CANARY);
      expect(String(pair.upstream.bytes())).to.not.include(CANARY);
      for (const file of [pair.sidecar.files.accessLog, pair.sidecar.files.eventLog])
        expect(await readFile(file, "utf8")).to.not.include(CANARY);
    });
  }
});
